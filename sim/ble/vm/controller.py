"""An adapter as the kernel sees it: a controller behind `/dev/vhci` that hears our adverts.

Connections are bumble's, adverts are given to `hear`, with their strength. It takes legacy
commands only, as adapters of Bluetooth 4.2 do.

Ref: Bluetooth Core Specification 5.4, Vol 4, Part E, 7.7.65.2, 7.8.10 and 7.8.11; Linux 6.1,
drivers/bluetooth/hci_vhci.c.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Final

from bumble import hci
from bumble.link import LocalLink

from sim.ble.adapter import Until
from sim.ble.frame import Frame
from sim.ble.gatt import Link, LinkController

_VHCI: Final = "/dev/vhci"
_VENDOR: Final = 0xFF
_PACKET_BYTES_MAX: Final = 2048
_IND, _SCANNABLE, _UNCONNECTABLE, _RESPONSE = 0x00, 0x02, 0x03, 0x04
"Types of an advertising report."


class Ear(LinkController):
    """The controller."""

    def __init__(self, address: str, link: LocalLink) -> None:
        super().__init__(address, link)
        self.public_address = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)
        # The one under which bumble's links carry data, whatever a connection was made with.
        self.random_address = hci.Address(address)
        self.le_features = hci.LeFeatureMask.LE_ENCRYPTION
        self.frozen: Until | None = None
        self.asked = "not at all"
        "How the kernel had it scan last."
        self._reported: set[tuple[str, bytes, bytes]] = set()

    def reports(self, frame: Frame, rssi_dbm: int) -> list[bytes]:
        """Events that tell the host of an advert and of the response to it."""
        if self.frozen is not None or not self.le_scan_enable:
            return []
        apart = _SCANNABLE if frame.response else _UNCONNECTABLE
        kind = _IND if frame.connectable else apart
        response = frame.response if self.le_scan_type and kind != _UNCONNECTABLE else b""
        if self.filter_duplicates:
            # Controllers differ in this: some look at the address alone.
            key = frame.address, frame.data, response
            if key in self._reported:
                return []
            self._reported.add(key)
        reports = [_report(kind, frame, frame.data, rssi_dbm)]
        if response:
            reports.append(_report(_RESPONSE, frame, response, rssi_dbm))
        return reports

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        """What was heard before is no duplicate when a scan begins."""
        answer = super().on_hci_le_set_scan_enable_command(command)
        self._reported.clear()
        if self.le_scan_enable:
            self._thaw(Until.RESCAN)
            how = "active" if self.le_scan_type else "passive"
            self.asked = f"{how}{', filtered' * self.filter_duplicates}"
        return answer

    def on_hci_le_set_random_address_command(
        self, _command: hci.HCI_LE_Set_Random_Address_Command
    ) -> hci.HCI_StatusReturnParameters:
        """On the air it keeps the one that it has."""
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_create_connection_command(
        self, command: hci.HCI_LE_Create_Connection_Command
    ) -> None:
        """Likewise."""
        command.own_address_type = hci.OwnAddressType.RANDOM
        super().on_hci_le_create_connection_command(command)

    def on_hci_reset_command(
        self, command: hci.HCI_Reset_Command
    ) -> hci.HCI_StatusReturnParameters:
        """It was switched on."""
        self.le_scan_enable = False
        self._thaw(Until.POWER)
        return super().on_hci_reset_command(command)

    def _thaw(self, by: Until) -> None:
        if self.frozen is by or (by is Until.POWER and self.frozen is Until.RESCAN):
            self.frozen = None


class Plugged:
    """An `Ear` that the kernel knows as an adapter, until it is pulled out."""

    def __init__(self, address: str, link: Link) -> None:
        """Plug it in; its index is the lowest that is free."""
        self.ear = link.controller(address, Ear)
        self._link = link
        self._address = address
        self._file = os.open(_VHCI, os.O_RDWR | os.O_NONBLOCK)
        os.write(self._file, bytes([_VENDOR, 0]))
        self.ear.host = _Sink(self._write)
        asyncio.get_running_loop().add_reader(self._file, self._read)

    def hear(self, frame: Frame, rssi_dbm: int) -> None:
        """Receive an advert."""
        for event in self.ear.reports(frame, rssi_dbm):
            self._write(event)

    def pull(self) -> None:
        """Pull it out."""
        asyncio.get_running_loop().remove_reader(self._file)
        self.ear.host = None
        self._link.remove(self._address)
        os.close(self._file)

    def _read(self) -> None:
        packet = os.read(self._file, _PACKET_BYTES_MAX)
        if packet and packet[0] != _VENDOR:
            self.ear.on_packet(packet)

    def _write(self, packet: bytes) -> None:
        os.write(self._file, packet)


class _Sink:
    """Where bumble's controller sends what is for its host."""

    def __init__(self, on_packet: Callable[[bytes], None]) -> None:
        self.on_packet = on_packet


def _report(kind: int, frame: Frame, data: bytes, rssi_dbm: int) -> bytes:
    address = bytes.fromhex(frame.address.replace(":", ""))[::-1]
    body = (
        bytes([0x02, 1, kind, 0 if frame.public else 1])
        + address
        + bytes([len(data)])
        + data
        + rssi_dbm.to_bytes(1, "little", signed=True)
    )
    return bytes([hci.HCI_EVENT_PACKET, 0x3E, len(body)]) + body

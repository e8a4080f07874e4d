"""Who and what belongs to a home: devices with their keys, rooms, residents.

`registry.json` is a TinyDB file that a technician can read and edit; link keys stand apart in
`keys/devices.json`, which only the daemon's user may read.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tinydb import TinyDB, where

from edge import devices as written
from edge.finding import Finding
from edge.torn_proof import TornProofFile, TornProofStorage
from rules.alarm import AlarmKind
from rules.device import Device
from rules.errors import ConfigError, phrase
from rules.observation import DeviceId
from rules.wire import KeyedDevice

_NAME_MAX = 60
_NOTE_MAX = 500
_TABLES = ("_default", "devices", "rooms", "residents")
"TinyDB makes the first one by itself."


@dataclass(frozen=True, slots=True)
class Resident:
    """A person who lives in the home, as the installer wrote it."""

    name: str
    phone: str = ""
    note: str = ""


class Registry:
    """The registry of one home. Its tuples are replaced, never changed."""

    def __init__(self, file: TornProofFile, key_file: TornProofFile) -> None:
        self._file = file
        self._key_file = key_file
        self.devices: tuple[Device, ...] = ()
        self.keys: Mapping[DeviceId, bytes] = {}
        self.rooms: tuple[str, ...] = ()
        self.residents: tuple[Resident, ...] = ()
        self.findings: tuple[Finding, ...] = ()
        "Files that could not be read and whose copies are in use."

    @classmethod
    def load(cls, home: Path) -> Self:
        """The registry in folder `home`; empty where there is none yet.

        Raises:
            ConfigError: it cannot be used; the message says what to write instead.

        """
        registry = cls(
            TornProofFile(home / "registry.json"), TornProofFile(home / "keys" / "devices.json")
        )
        registry._read()
        return registry

    def keyed(self) -> tuple[KeyedDevice, ...]:
        """All devices with their keys."""
        return tuple(KeyedDevice(device, self.keys.get(device.id)) for device in self.devices)

    def add_device(self, device: Device, key: bytes | None) -> None:
        """Add a device, and its room if that is new, to the files as they are by now.

        Raises:
            ConfigError: it does not fit, its name or address is taken, or the files were made
                unusable meanwhile; nothing was written.
            OSError: the disk would not take it; the registry is as it was.

        """
        now = self._as_it_stands()
        here = f"{self._file.path.name}: devices.{device.id}"
        document = written.document(device)
        checked = written.device(document, here)
        _distinct([*((f"devices.{one.id}", one) for one in now.devices), (here, checked)])
        _key_fits(checked, has_key=key is not None, here=here)
        stale = self._read_keys().keys() - now.keys.keys()
        if key is not None or device.id in stale:
            # First: a key without a device does no harm, but a device without its key does.
            added = {} if key is None else {device.id: _checked(key, device.id)}
            self._write_keys({**now.keys, **added})
        database = TinyDB(self._file, storage=TornProofStorage)
        if checked.room not in now.rooms:
            database.table("rooms").insert({"name": checked.room})
        database.table("devices").insert(document)
        self._read()

    def remove_device(self, id_: DeviceId) -> None:
        """Forget a device and its key.

        Raises:
            ConfigError: there is none of that name, or the files were made unusable meanwhile;
                nothing was written.
            OSError: the disk would not take it; the registry is as it was.

        """
        now = self._as_it_stands()
        if all(device.id != id_ for device in now.devices):
            found = phrase("no device {device}", device=repr(id_))
            ids = ", ".join(sorted(device.id for device in now.devices)) or phrase("none")
            right = phrase("devices are: {ids}", ids=ids)
            raise ConfigError(self._file.path.name, found, right)
        TinyDB(self._file, storage=TornProofStorage).table("devices").remove(where("id") == id_)
        if id_ in now.keys:
            self._write_keys({name: key for name, key in now.keys.items() if name != id_})
        self._read()

    def _as_it_stands(self) -> "Registry":
        """What is in the files by now: a technician may have edited them since.

        Raises:
            ConfigError: it cannot be used.

        """
        now = Registry(self._file, self._key_file)
        now._read()
        return now

    def _read(self) -> None:
        """Read both files anew.

        Raises:
            ConfigError: one of them cannot be used.

        """
        tables = _content(self._file)
        name = self._file.path.name
        for table in tables:
            written.known(table, _TABLES, f"{name}: {table}")
        rooms = [_room(room, here) for here, room in _documents(tables, "rooms", name)]
        residents = [_resident(one, here) for here, one in _documents(tables, "residents", name)]
        found = [
            (here, written.device(one, here)) for here, one in _documents(tables, "devices", name)
        ]
        _distinct(found)
        keys = self._read_keys()
        for here, device in found:
            _key_fits(device, has_key=device.id in keys, here=here)
        self.devices = tuple(device for _, device in found)
        # A key without a device is left over from a crash.
        self.keys = {one.id: keys[one.id] for one in self.devices if one.id in keys}
        self.rooms = tuple(dict.fromkeys((*rooms, *(device.room for _, device in found))))
        self.residents = tuple(residents)
        self.findings = tuple(
            Finding(AlarmKind.REGISTRY_RESTORED, present=True, detail=file.finding)
            for file in (self._file, self._key_file)
            if file.finding is not None
        )

    def _read_keys(self) -> dict[DeviceId, bytes]:
        path = self._key_file.path
        with suppress(OSError):
            if path.stat().st_mode & 0o077:
                # Copied by hand, most likely: at least from now on nobody else reads it.
                path.chmod(0o600)
        name = f"keys/{path.name}"
        return {
            written.device_id(id_, name): written.key(key, f"{name}: {id_}")
            for id_, key in _content(self._key_file).items()
        }

    def _write_keys(self, keys: Mapping[DeviceId, bytes]) -> None:
        self._key_file.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._key_file.write({id_: key.hex() for id_, key in sorted(keys.items())})


def _content(file: TornProofFile) -> dict[str, object]:
    """What is in a file; empty if it never was written, or if its copy is broken too."""
    content = file.read()
    if content is None and file.finding is not None and not file.has_copy:
        right = phrase("correct it, or delete it and add the devices anew")
        raise ConfigError(file.path.name, file.reason, right)
    return content or {}


def _documents(
    tables: Mapping[str, object], table: str, name: str
) -> list[tuple[str, Mapping[str, object]]]:
    """Each document of a table and where it stands."""
    rows = written.mapping(tables.get(table, {}), f"{name}: {table}")
    for number in rows:
        if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
            right = phrase('give each row a number of its own: "1", "2"')
            raise ConfigError(f"{name}: {table}.{number}", repr(number), right)
    return [
        (f"{name}: {table}.{number}", written.mapping(row, f"{name}: {table}.{number}"))
        for number, row in rows.items()
    ]


def _room(document: Mapping[str, object], here: str) -> str:
    for key in document:
        written.known(key, ("name",), f"{here}.{key}")
    return written.text(document.get("name"), f"{here}.name", written.ROOM_MAX)


def _resident(document: Mapping[str, object], here: str) -> Resident:
    for key in document:
        written.known(key, ("name", "phone", "note"), f"{here}.{key}")
    given = {
        key: written.text(document[key], f"{here}.{key}", longest)
        for key, longest in (("phone", _NAME_MAX), ("note", _NOTE_MAX))
        if key in document
    }
    return Resident(written.text(document.get("name"), f"{here}.name", _NAME_MAX), **given)


def _distinct(found: Iterable[tuple[str, Device]]) -> None:
    """Refuse two devices of one name or one address."""
    ids: dict[str, str] = {}
    addresses: dict[str, Device] = {}
    for here, device in found:
        if device.id in ids:
            first = ids[device.id].rpartition(": ")[2]
            twice = phrase("{device}, which {first} has too", device=repr(device.id), first=first)
            raise ConfigError(f"{here}.id", twice, phrase("give each its own name"))
        if device.address in addresses:
            other = addresses[device.address].id
            shared = phrase(
                "{address}, the address of {device} too",
                address=repr(device.address),
                device=repr(other),
            )
            right = phrase("remove the one that is not there")
            raise ConfigError(f"{here}.address", shared, right)
        ids[device.id] = here
        addresses[device.address] = device


def _checked(key: bytes, id_: DeviceId) -> bytes:
    return written.key(key.hex(), f"keys/devices.json: {id_}")


def _key_fits(device: Device, *, has_key: bool, here: str) -> None:
    """Refuse a device whose frames must be encrypted but has no key, and the other way round."""
    if device.keyed and not has_key:
        found = phrase(
            "true, but keys/devices.json has no key for {device}", device=repr(device.id)
        )
        raise ConfigError(f"{here}.keyed", found, phrase("add its key, or write false"))
    if has_key and not device.keyed:
        found = phrase(
            "false, but keys/devices.json has a key for {device}", device=repr(device.id)
        )
        raise ConfigError(f"{here}.keyed", found, phrase("write true, or remove its key"))

"""What people may ask of the gateway over the control socket, answered from all its parts."""

from collections.abc import Sequence

from edge.clock import AnchoredClock
from edge.driver_socket import DriverSocket
from edge.house import House
from edge.inbox import Inbox
from edge.journal import Journal
from edge.registry import Registry
from edge.status import About, Plumbing, Status, UplinkStatus
from edge.timekeeper import Timekeeper
from edge.uplink import Uplink
from rules.cases import refusal_to_shelve
from rules.device import Device
from rules.engine import Engine
from rules.errors import Phrase, phrase
from rules.events import Event
from rules.identify import refusal_to_identify
from rules.inputs import Away, DeviceChanged, Drill, Identify, Shelve
from rules.observation import DeviceId
from rules.wire import KeyedDevice


class Desk:
    """The gateway as `edge.control` sees it."""

    def __init__(  # noqa: PLR0913 -- it reports on each of these parts
        self,
        *,
        about: About,
        house: House,
        engine: Engine,
        journal: Journal,
        registry: Registry,
        clock: AnchoredClock,
        timekeeper: Timekeeper,
        drivers: DriverSocket,
        inbox: Inbox,
        uplink: Uplink,
    ) -> None:
        self._about = about
        self._house = house
        self._engine = engine
        self._journal = journal
        self._registry = registry
        self._clock = clock
        self._timekeeper = timekeeper
        self._drivers = drivers
        self._inbox = inbox
        self._uplink = uplink

    def status(self) -> Status:
        """How everything is now."""
        waiting = {row.seq for row in self._journal.pending(self._journal.depth())}

        def record(serial: int) -> tuple[bytes | None, bool]:
            return self._journal.record_id(serial), bool(serial) and serial not in waiting

        now = self._clock.now()
        return Status.of(
            self._engine, now, self._about, self._plumbing(), record, self._drivers.receptions()
        )

    def devices(self) -> Sequence[Device]:
        """What stands in the registry."""
        return self._registry.devices

    def put(self, item: Away | Shelve | Drill | Identify) -> Sequence[Event]:
        """Decide on an item; what is returned is journaled."""
        return self._house.put(item)

    def refusal_to_shelve(self, item: Shelve) -> Phrase | None:
        """Why an alarm cannot be held back, None if it can."""
        return refusal_to_shelve(self._engine.state, item, self._clock.now())

    def refusal_to_identify(self, device: DeviceId) -> Phrase | None:
        """Why a device cannot show itself, None if it can."""
        why = refusal_to_identify(self._engine.state, device)
        if why is None and not self._drivers.listened_to(device):
            return phrase("the driver of its radio is not connected; see `ongi status`")
        return why

    def add_device(self, device: KeyedDevice) -> None:
        """Enter a device into the registry and tell its driver.

        Raises:
            ConfigError: it does not fit in.
            OSError: the disk would not take it.

        """
        self._drivers.check([*self._registry.keyed(), device])
        self._registry.add_device(device.device, device.key)
        self._devices_changed()

    def remove_device(self, id_: DeviceId) -> None:
        """Take a device out of the registry.

        Raises:
            ConfigError: there is none of that name.
            OSError: the disk would not take it.

        """
        self._registry.remove_device(id_)
        self._devices_changed()

    def _devices_changed(self) -> None:
        self._house.put(DeviceChanged(self._registry.devices))
        self._drivers.devices_changed(self._registry.keyed())

    def _plumbing(self) -> Plumbing:
        uplink = self._uplink.status
        return Plumbing(
            time_source=self._timekeeper.source or "",
            outbox_depth=self._journal.depth(),
            uplink=UplinkStatus(uplink.last_ok, uplink.failures, uplink.interval_s, uplink.why),
            drivers=self._drivers.drivers(),
            inbox_dropped=self._inbox.dropped,
            journal_durable=self._journal.durable,
            findings=tuple(finding.detail for finding in self._journal.recovery.what),
        )

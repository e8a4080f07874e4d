"""Evidence without what says whose it is: fit to leave the home when a person sends it.

What stays is when, of what kind, and in which of the rooms by number. Nothing that somebody typed
is left, nor any number that the center knows.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from edge.evidence_export import Export, Head
from edge.evidence_fields import own_scope, proxy_of
from edge.evidence_history import at_other_time
from edge.evidence_line import Evidence, moment
from rules.alarm import AlarmKey
from rules.device import Device
from rules.events import (
    OUTSIDE,
    AlarmMoved,
    AwayBegan,
    CaseClosed,
    CaseTaken,
    DevicesChanged,
    Escalated,
    LifeSeen,
    LivenessChanged,
    Started,
    TimeMoved,
    Updated,
)
from rules.observation import DeviceId, Observation, Phenomenon

WEEKS = range(53, 521)
"By so many dates are moved back: none lies ahead, all lie in years that zones are known of."
_SOURCES = frozenset({"boot", "ntp", "rtc", "center", ""})
"Of time; all that this program writes."
_KINDS: Mapping[Phenomenon, str] = {
    Phenomenon.SOS: "sos",
    Phenomenon.LEAK: "leak",
    Phenomenon.SMOKE: "smoke",
    Phenomenon.GAS: "gas",
    Phenomenon.CO: "co",
    Phenomenon.CO_PPM: "co",
    Phenomenon.CONTACT_OPEN: "door",
    Phenomenon.MOTION: "motion",
    Phenomenon.OCCUPANCY: "presence",
    Phenomenon.POWER_W: "plug",
    Phenomenon.RELAY_ON: "plug",
    Phenomenon.PICTURE_OK: "video",
    Phenomenon.BUTTON: "button",
    Phenomenon.ILLUMINANCE_LX: "light",
    Phenomenon.TEMPERATURE_C: "climate",
}
"By the first that a device has."


def redacted(export: Export, weeks: int) -> Export:
    """The same evidence of nobody in particular, `weeks` earlier; 0 keeps the dates."""
    names = _Names(export.head.zone, weeks)
    head = export.head
    return Export(
        Head(
            program=head.program,
            redacted=True,
            gateway="",
            zone=head.zone,
            preset=head.preset,
            book=head.book,
            trusted=head.trusted,
            devices=names.devices(head.devices),
            shifted=bool(weeks),
        ),
        # Where clocks change, the shift by the wall's clock may cross two events of one hour.
        tuple(sorted(map(names.event, export.events), key=moment)),
    )


class _Names:
    """What everything is called instead, in order of its first appearance."""

    def __init__(self, zone: ZoneInfo, weeks: int) -> None:
        self._zone = zone
        self._shift = timedelta(weeks=weeks)
        self._devices: dict[str, DeviceId] = {}
        self._of_kind: Counter[str] = Counter()
        self._rooms: dict[str, str] = {}
        self._proxies: dict[str, int] = {}
        self._sources: dict[str, str] = {}
        self._serials: dict[int, int] = {}
        self._boots: dict[int, int] = {}

    def devices(self, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        return tuple(
            replace(
                device,
                id=self._device(device.id, device),
                address="",
                model="",
                room=self._rooms.setdefault(device.room, f"room-{len(self._rooms) + 1}"),
            )
            for device in devices
        )

    def event(self, event: Evidence) -> Evidence:
        return at_other_time(self._renamed(event), self._moment, ends_too=True)

    def _renamed(self, event: Evidence) -> Evidence:  # noqa: C901, PLR0911 -- one case a kind
        match event:
            case Observation() | LivenessChanged():
                return replace(event, device=self._device(event.device))
            case LifeSeen(device=device):
                source = self._sources.setdefault(device, f"source-{len(self._sources) + 1}")
                return replace(event, device=DeviceId(OUTSIDE + source))
            case DevicesChanged(devices=devices):
                return replace(event, devices=self.devices(devices))
            case Started(boot=boot):
                return replace(event, boot=self._boots.setdefault(boot, len(self._boots) + 1))
            case TimeMoved(source=source):
                return replace(event, source=source if source in _SOURCES else "")
            case AwayBegan():
                return replace(event, who="")
            case AlarmMoved(alarm=alarm):
                return replace(event, alarm=self._alarm(alarm))
            case Escalated(serial=serial, alarm=alarm):
                return replace(event, serial=self._serial(serial), alarm=self._alarm(alarm))
            case Updated(serial=serial, refers=refers, alarm=alarm):
                opened = self._serial(refers)
                number = self._serial(serial)
                return replace(event, serial=number, refers=opened, alarm=self._alarm(alarm))
            case CaseTaken(serial=serial):
                return replace(event, serial=self._serial(serial), by="")
            case CaseClosed(serial=serial):
                return replace(event, serial=self._serial(serial))
            case _:
                return event

    def _device(self, id_: DeviceId, device: Device | None = None) -> DeviceId:
        if id_ not in self._devices:
            phenomena = frozenset() if device is None else device.phenomena
            kind = next((word for what, word in _KINDS.items() if what in phenomena), "device")
            self._of_kind[kind] += 1
            self._devices[id_] = DeviceId(f"{kind}-{self._of_kind[kind]}")
        return self._devices[id_]

    def _alarm(self, alarm: AlarmKey) -> AlarmKey:
        if alarm.scope is None or own_scope(alarm.scope):
            return alarm
        driver = proxy_of(alarm.scope)
        if driver:
            number = self._proxies.setdefault(alarm.scope, len(self._proxies) + 1)
            return AlarmKey(alarm.kind, DeviceId(f"{driver}:proxy-{number}"))
        return AlarmKey(alarm.kind, self._device(alarm.scope))

    def _serial(self, serial: int) -> int:
        return self._serials.setdefault(serial, len(self._serials) + 1)

    def _moment(self, moment: datetime) -> datetime:
        """Whole seconds, at the same time of the same weekday."""
        moment = moment.replace(microsecond=0)
        if not self._shift:
            return moment
        return (moment.astimezone(self._zone) - self._shift).astimezone(UTC)

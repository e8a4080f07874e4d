"""What a gateway says of itself, to `ongi status`, the installer and the launcher."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from rules.air import Reception
from rules.alarm import AlarmKey, AlarmState
from rules.device import Link, Liveness
from rules.engine import Engine
from rules.events import AwayBegan, LifeSeen
from rules.observation import DeviceId, Phenomenon, Quality, Value
from rules.registers import Alarm, Heard, shows_machines

_NOTHING_RECEIVED: Final[Mapping[DeviceId, Reception]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class About:
    """Which gateway this is."""

    id: str
    name: str
    timezone: str
    version: str


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device as heard so far."""

    id: DeviceId
    room: str
    model: str
    link: Link
    liveness: Liveness
    last_seen: datetime | None
    quality: Quality
    battery_pct: float | None
    readings: dict[Phenomenon, Value]
    "The last good value of each phenomenon."
    machine: bool = False
    "Whether it is to show people, and all it shows is what machines do by themselves."
    reception: Reception | None = None
    "Where it is received best; None: its driver has not told."

    @classmethod
    def of(cls, heard: Heard, reception: Reception | None = None) -> "DeviceStatus":
        """What is worth telling of a device's registers."""
        device = heard.device
        readings = {phenomenon: reading.value for phenomenon, reading in heard.readings.items()}
        battery = readings.get(Phenomenon.BATTERY_PCT)
        return cls(
            device.id,
            device.room,
            device.model,
            device.link,
            heard.liveness,
            heard.last_seen,
            heard.quality,
            None if battery is None else float(battery),
            readings,
            shows_machines(heard, pet=False),
            reception,
        )


@dataclass(frozen=True, slots=True)
class AlarmStatus:
    """One alarm that is not at rest."""

    key: AlarmKey
    state: AlarmState
    since: datetime
    "When it entered its state."
    until: datetime | None
    level: int
    serial: int
    "0 before its first case."
    record: str | None
    "Id of the case at the center, in hex."
    delivered: bool
    "Whether the center has persisted the case."
    drill: bool
    raised_at: datetime | None = None
    "When its newest case was raised."


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    """How the way to the center is."""

    last_ok: datetime | None
    failures: int
    "In a row."
    interval_s: int
    last_error: str


@dataclass(frozen=True, slots=True)
class DriverStatus:
    """One link's driver process."""

    link: Link
    driver: str
    "The name it gave itself; empty before the first."
    connected: bool
    dropped: int
    "Routine observations that the inbox had no room for."
    refused: int
    "Packets that were none, and observations of devices it does not have."


@dataclass(frozen=True, slots=True)
class Plumbing:
    """How the parts around the engine are."""

    time_source: str
    "Who vouched for the time last; empty while nobody did."
    outbox_depth: int
    uplink: UplinkStatus
    drivers: tuple[DriverStatus, ...]
    inbox_dropped: int
    journal_durable: bool
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The whole of it, at one moment."""

    about: About
    now: datetime
    boot: int
    started: datetime
    time_trusted: bool
    alarm_time_if_silent: datetime | None
    away: AwayBegan | None
    life: LifeSeen | None
    "The last sign of life that counted."
    devices: tuple[DeviceStatus, ...]
    alarms: tuple[AlarmStatus, ...]
    plumbing: Plumbing

    @classmethod
    def of(
        cls,
        engine: Engine,
        now: datetime,
        about: About,
        plumbing: Plumbing,
        record: Callable[[int], tuple[bytes | None, bool]],
        receptions: Mapping[DeviceId, Reception] = _NOTHING_RECEIVED,
    ) -> "Status":
        """The status of a home.

        Args:
            engine: as it is at `now`.
            now: the gateway's time.
            about: which gateway this is.
            plumbing: the state of the other parts.
            record: for the serial of a case the id of its record, and whether the center has it.
            receptions: how devices are received, as far as that is known.

        """
        state = engine.state
        alarms = [_alarm(alarm, *record(alarm.serial)) for alarm in state.alarms.values()]
        return cls(
            about=about,
            now=now,
            boot=state.boot,
            started=state.started,
            time_trusted=state.trusted,
            alarm_time_if_silent=engine.alarm_time_if_silent(),
            away=state.away,
            life=state.life,
            devices=tuple(
                DeviceStatus.of(heard, receptions.get(id_)) for id_, heard in state.devices.items()
            ),
            alarms=tuple(alarm for alarm in alarms if alarm.state is not AlarmState.NORMAL),
            plumbing=plumbing,
        )


def _alarm(alarm: Alarm, record: bytes | None, delivered: bool) -> AlarmStatus:  # noqa: FBT001 -- as `record` gives it
    return AlarmStatus(
        alarm.key,
        alarm.state,
        alarm.since,
        alarm.until,
        alarm.level,
        alarm.serial,
        None if record is None else record.hex(),
        delivered,
        alarm.drill,
        alarm.raised_at,
    )

"""A home to try rules in: a real engine, devices that keep their contract, a hand to act."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from rules.alarm import AlarmKey, AlarmState
from rules.device import Device, EvidenceRole, Link, Output, Use
from rules.engine import Engine
from rules.events import AlarmMoved, Commanded, Escalated, Event, Updated
from rules.inputs import Boot, CommandResult, DeviceChanged, Input, Tick, TimeTrust
from rules.observation import DeviceId, Observation, Phenomenon, Press, Quality, Value
from rules.rulebook import PRESETS, Preset, Rulebook

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
EPOCH = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)

E = TypeVar("E", bound=object)

LOADS = (1800.0, 700.0, 250.0, 90.0, 30.0)
"Else who does the same by the clock in a test would be taken for a machine."


def device(
    name: str,
    *phenomena: Phenomenon,
    every: timedelta = 10 * MINUTE,
    outputs: tuple[Output, ...] = (),
    evidence: EvidenceRole = EvidenceRole.HAND,
    outside_door: bool = False,
    mains: bool = False,
    use: Use | None = None,
) -> Device:
    """A device whose address is made from its name."""
    digits = name.encode().hex().ljust(12, "0")[-12:].upper()
    return Device(
        DeviceId(name),
        Link.BLE,
        ":".join(digits[at : at + 2] for at in range(0, 12, 2)),
        "test",
        f"room of {name}",
        frozenset(phenomena),
        every,
        evidence,
        frozenset(outputs),
        outside_door=outside_door,
        mains_powered=mains,
        use=use,
    )


KETTLE = device("kettle", Phenomenon.POWER_W, mains=True)
MOTION = device("motion", Phenomenon.MOTION, Phenomenon.BATTERY_PCT)
DOOR = device("door", Phenomenon.CONTACT_OPEN, outside_door=True)
NODE = device(
    "node",
    Phenomenon.BUTTON,
    Phenomenon.SOS,
    outputs=(Output.LIGHT, Output.BUZZER),
    mains=True,
)
LEAK = device("leak", Phenomenon.LEAK)
SMOKE = device("smoke", Phenomenon.SMOKE)
AIR = device("air", Phenomenon.CO_PPM, Phenomenon.TEMPERATURE_C)
ALL = (KETTLE, MOTION, DOOR, NODE, LEAK, SMOKE, AIR)


class Home:
    """Drives an engine as the gateway does: never past a deadline without a tick."""

    def __init__(
        self,
        *devices: Device,
        book: Rulebook = PRESETS[Preset.LIVING_ALONE_HIGH_RISK],
        now: datetime = EPOCH,
        trusted: bool = True,
    ) -> None:
        self.book = book
        self.now = now
        self.events: list[Event] = []
        self.dead: set[DeviceId] = set()
        self.reports = True
        self.answers = True
        self.engine = Engine(book)
        self._lived = 0
        self._devices = devices or ALL
        self.put(Boot(1, timedelta(), trusted))
        self.put(DeviceChanged(self._devices))
        self._next_report = {each.id: now for each in self._devices}
        self._values: dict[tuple[DeviceId, Phenomenon], Value] = {}

    def put(self, item: Input) -> list[Event]:
        """Hand one item in; it is also kept in `events`."""
        events = self.engine.handle(item, self.now)
        self.events += events
        for event in events:
            if isinstance(event, Commanded) and self.answers:
                self.put(CommandResult(event.command.id))
        return events

    def see(self, name: str, phenomenon: Phenomenon, value: Value) -> list[Event]:
        """A device says something now."""
        id_ = DeviceId(name)
        self._values[id_, phenomenon] = value
        return self.put(Observation(id_, phenomenon, value, self.now, self.now))

    def press(self, press: Press = Press.SINGLE, name: str = "node") -> list[Event]:
        """Somebody presses a button."""
        return self.see(name, Phenomenon.BUTTON, press)

    def live(self) -> None:
        """A sign of life that counts at once."""
        self.see("kettle", Phenomenon.POWER_W, 0.0)
        self.see("kettle", Phenomenon.POWER_W, LOADS[self._lived % len(LOADS)])
        self._lived += 1
        self.see("kettle", Phenomenon.POWER_W, 0.0)

    def wait(self, span: timedelta) -> None:
        """Let time pass: devices report, deadlines are kept."""
        end = self.now + span
        while True:
            deadline = self.engine.next_deadline()
            moments = [end, *self._reports_due()]
            if deadline is not None:
                moments.append(max(deadline, self.now))
            self.now = min(moments)
            if deadline is not None and deadline <= self.now:
                self.put(Tick())
                after = self.engine.next_deadline()
                assert after is None or after > self.now, f"{after} is due for ever"
            self._report()
            if self.now >= end:
                return

    def restart(self, down: timedelta, *, trusted: bool = True) -> None:
        """Stop, be down, and start again from a snapshot."""
        saved = self.engine.snapshot()
        self.engine = Engine.restored(self.book, saved, [])
        assert self.engine.snapshot() == saved
        if trusted:
            self.now += down
        for id_ in self._next_report:
            self._next_report[id_] = max(self._next_report[id_], self.now)
        self.put(Boot(self.engine.state.boot + 1, down if trusted else timedelta(), trusted))

    def jump(self, shift: timedelta, source: str = "center") -> None:
        """The clock is set by `shift`; the world goes on as it was."""
        self.now += shift
        self._next_report = {id_: at + shift for id_, at in self._next_report.items()}
        self.put(TimeTrust(trusted=True, source=source, shift=shift))

    def state(self, key: AlarmKey) -> AlarmState:
        """Where an alarm stands."""
        return self.engine.state.alarm(key).state

    def cases(self) -> list[Escalated]:
        """Everything that left the house so far."""
        return list(self.of(Escalated))

    def updates(self) -> list[Updated]:
        """All news of cases so far."""
        return list(self.of(Updated))

    def commands(self) -> list[str]:
        """Signals sent so far, as `device:output:signal`."""
        return [
            f"{sent.command.device}:{sent.command.output}:{sent.command.signal}"
            for sent in self.of(Commanded)
        ]

    def moves(self) -> list[AlarmMoved]:
        """All moves of alarms so far."""
        return list(self.of(AlarmMoved))

    def of(self, kind: type[E]) -> Iterator[E]:
        """All events of one kind so far."""
        return (event for event in self.events if isinstance(event, kind))

    def _reports_due(self) -> list[datetime]:
        if not self.reports:
            return []
        return [at for id_, at in self._next_report.items() if id_ not in self.dead]

    def _report(self) -> None:
        for each in self._devices:
            if self._next_report[each.id] <= self.now:
                self._next_report[each.id] = self.now + each.report_every
                if self.reports and each.id not in self.dead:
                    self.put(self._periodic(each))

    def _periodic(self, each: Device) -> Observation:
        for phenomenon in (
            Phenomenon.POWER_W,
            Phenomenon.CONTACT_OPEN,
            Phenomenon.LEAK,
            Phenomenon.SMOKE,
        ):
            if phenomenon in each.phenomena:
                resting = 0.0 if phenomenon is Phenomenon.POWER_W else False
                value = self._values.get((each.id, phenomenon), resting)
                return Observation(each.id, phenomenon, value, self.now, self.now)
        return Observation(
            each.id, Phenomenon.LINK_QUALITY, -60.0, self.now, self.now, Quality.GOOD
        )

"""A small run written by hand, in which all went well; tests change one thing in it."""

from bisect import insort
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from protocol.records import Record, RecordKind
from rules.alarm import AlarmKey, AlarmKind, Category, Move
from rules.codec import moment_us
from rules.device import Device, EvidenceRole
from rules.events import (
    AlarmMoved,
    CaseClosed,
    ConditionChanged,
    Escalated,
    Event,
    Outcome,
    Stage,
    TimeMoved,
    Updated,
)
from rules.observation import DeviceId, Phenomenon, Value
from rules.rulebook import Evidence, Rulebook
from sim.faults.fault import Fault, FaultKind
from sim.homes.act import PlightKind
from sim.world.chronicle import (
    Alert,
    Arrived,
    CaseSeen,
    Chronicle,
    Decided,
    Gauge,
    Handled,
    HomeChronicle,
    Moved,
    Queued,
    Run,
    Trouble,
    Turned,
)
from tests.rules.home import device

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 12
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

KETTLE = device("kettle", Phenomenon.POWER_W, mains=True)
TELEVISION = device("television", Phenomenon.POWER_W, mains=True)
FRIDGE = device("fridge", Phenomenon.POWER_W, mains=True, evidence=EvidenceRole.NONE)
HALL = device("hall", Phenomenon.MOTION, every=HOUR)
LEAK = device("bath", Phenomenon.LEAK, Phenomenon.TEMPERATURE_C, every=HOUR)
BUTTON = device("button", Phenomenon.SOS, every=HOUR)
DEVICES = (KETTLE, TELEVISION, FRIDGE, HALL, LEAK, BUTTON)

INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
LEAKING = AlarmKey(AlarmKind.LEAK, LEAK.id)
CALLING = AlarmKey(AlarmKind.SOS, BUTTON.id)
FAILING = AlarmKey(AlarmKind.DISK_FAILING)
BLIND = AlarmKey(AlarmKind.HOME_BLIND)


def on(day: int, hour: float = 0.0) -> datetime:
    """A true moment; the first day is 1."""
    return START + (day - 1) * DAY + hour * HOUR


class Story:
    """One home, a center, and a person who writes down what happens."""

    def __init__(self) -> None:
        self.home = HomeChronicle(1, "GW-0001", DEVICES, Rulebook(), ())
        self.run = Chronicle(41, START, on(DAYS + 1), on(DAYS + 1) + 6 * HOUR, [self.home])
        self.run.digest = "d"
        self.down: list[tuple[datetime, datetime]] = []
        self._serial = 0
        self._ids = 0

    # ------------------------------------------------------------------------- what is so

    def lives(self, begin: datetime, end: datetime, every: timedelta = 2 * HOUR) -> None:
        """Somebody is there and does something, all the time."""
        at = begin
        while at < end:
            self.home.life.append(moment_us(at))
            if not self.is_down(at):
                self.home.signs.append(moment_us(at))
            at += every

    def is_down(self, at: datetime) -> bool:
        return any(begin <= at < end for begin, end in self.down)

    def reports(self, which: Device, begin: datetime, end: datetime) -> None:
        """It keeps its contract."""
        heard = self.home.heard.setdefault(which.id, self.home.life[:0])
        at = begin
        while at < end:
            if not self.is_down(at):
                heard.append(moment_us(at))
            at += which.report_every * 0.93

    def mute(self, which: Device, begin: datetime, end: datetime) -> None:
        """Nothing of it was heard."""
        low, high = moment_us(begin), moment_us(end)
        for index in range(len(moments := self.home.heard[which.id]) - 1, -1, -1):
            if low <= moments[index] <= high:
                del moments[index]

    def restarts(self, down: datetime, up: datetime) -> None:
        """The power goes, and comes back."""
        self.down.append((down, up))
        boot = len(self.home.runs)
        begun = self.home.runs.pop() if boot else Run(1, START, None)
        self.home.runs += [replace(begun, ended=down), Run(begun.boot + 1, up, None)]

    def falls_silent(self, at: datetime, back: datetime) -> None:
        """The center hears nothing of the gateway."""
        self.home.turned += [Turned(at, silent=True), Turned(back, silent=False)]

    def noticed(
        self, which: Device, phenomenon: Phenomenon, heard: datetime, value: Value
    ) -> None:
        """A device truly noticed a danger or a call."""
        self.home.alerts.append(Alert(heard - SECOND, which.id, phenomenon, value, heard))

    def fault(self, kind: FaultKind, begin: datetime, end: datetime, **more: object) -> None:
        """Something is wrong."""
        which = more.get("device")
        home = None if kind.value.startswith("center") else 1
        number = len(self.home.faults) + len(self.run.center_faults) + 1
        fault = Fault(
            number,
            kind,
            home,
            begin - START,
            end - begin,
            float(str(more.get("amount", 0))),
            None if which is None else DeviceId(str(which)),
        )
        if home is None:
            self.run.center_faults = (*self.run.center_faults, fault)
        else:
            self.home.faults = (*self.home.faults, fault)

    # --------------------------------------------------------------------- what is decided

    def boot(self, at: datetime) -> int:
        return next((run.boot for run in reversed(self.home.runs) if run.began <= at), 1)

    def decides(self, at: datetime, *events: Event) -> None:
        """The gateway decides."""
        self.home.decided += [Decided(at, event, self.boot(at)) for event in events]

    def condition(self, at: datetime, key: AlarmKey, *, present: bool) -> None:
        self.decides(at, ConditionChanged(at, key, present))

    def escalates(
        self, at: datetime, key: AlarmKey, level: int = 1, arrives: timedelta | None = SECOND
    ) -> Queued:
        """A case leaves the house."""
        self._serial += 1
        event = Escalated(at, self._serial, key, level, (), "", b"")
        self.decides(at, AlarmMoved(at, key, Move.RAISE), event)
        return self._sends(at, event, None, None, arrives)

    def updates(
        self, at: datetime, opening: Queued, key: AlarmKey, stage: Stage, level: int = 1
    ) -> Queued:
        """News of a case."""
        self._serial += 1
        self.decides(at, Updated(at, self._serial, opening.seq, key, stage, level, ()))
        return self._sends(at, self.home.decided[-1].event, opening.id, stage, SECOND)

    def clears(self, at: datetime, opening: Queued, key: AlarmKey) -> None:
        """The cause is over."""
        self.decides(at, AlarmMoved(at, key, Move.CLEAR))
        self.updates(at, opening, key, Stage.CLEARED)

    def says_blind(self, begin: datetime, end: datetime) -> None:
        """Nothing is seen of the home, and the gateway says so."""
        self.condition(begin, BLIND, present=True)
        opening = self.escalates(begin, BLIND, 2)
        self.condition(end, BLIND, present=False)
        self.clears(end, opening, BLIND)

    def closes(self, at: datetime, opening: Queued, key: AlarmKey) -> None:
        """A person at the center is done with a case."""
        closed = CaseClosed(at, opening.seq, Outcome.REAL)
        self.decides(at, closed, AlarmMoved(at, key, Move.CLOSE))
        self.run.handled.append(Handled(at, opening.id, self.home.gateway, Outcome.REAL))

    def calls_again(self, at: datetime, closed: datetime) -> Queued:
        """A case gets more urgent; it was taken and closed, and the gateway did not hear of it."""
        key = AlarmKey(AlarmKind.BATTERY_LOW, HALL.id)
        opening = self.escalates(closed - 2 * HOUR, key)
        self.run.handled += [
            Handled(closed - HOUR, opening.id, self.home.gateway, None),
            Handled(closed, opening.id, self.home.gateway, Outcome.FALSE),
        ]
        self.updates(at, opening, key, Stage.LEVEL, 2)
        return opening

    def prompts_after_a_lie(self, lie: datetime, right: datetime) -> None:
        """NTP lies by 20 h until the center speaks, the power goes; the resident is asked."""
        self.home.signs.remove(moment_us(on(5, 15)))
        self.decides(lie, TimeMoved(lie - 20 * HOUR, True, "ntp", -20 * HOUR))
        self.decides(right, TimeMoved(right, True, "center", 20 * HOUR))
        self.decides(on(5, 15), TimeMoved(on(5, 12), False, "boot", timedelta()))
        back = on(5, 15) + SECOND
        self.decides(back, TimeMoved(back, True, "center", 3 * HOUR))
        self.decides(back, AlarmMoved(back, INACTIVITY, Move.PROMPT))

    def hall_vouches_until_the_prompt(self, back: datetime) -> None:
        """It is held for dead within the prompt's wait; the others are heard again from `back`."""
        for which in (KETTLE, TELEVISION):
            self.mute(which, on(6, 20), back)
            insort(self.home.heard[which.id], moment_us(back))
        self.mute(HALL, on(7, 5.6), on(7, 12))
        insort(self.home.heard[HALL.id], moment_us(on(7, 5) + 52 * MINUTE))

    def restores_a_copy(self, failing: datetime) -> None:
        """Signs of 9 and 11 are forgotten with damaged files; the last one known is of 7."""
        for moments in (self.home.life, self.home.signs):
            for index in range(len(moments) - 1, -1, -1):
                if moment_us(on(5, 11)) < moments[index] < moment_us(on(6, 9)):
                    del moments[index]
        self.condition(failing, FAILING, present=True)
        self.fault(FaultKind.DISK_CORRUPTED, on(5, 12), on(5, 15))
        self.condition(on(5, 15), AlarmKey(AlarmKind.JOURNAL_RESTORED), present=True)
        self.condition(on(5, 15.1), FAILING, present=False)
        self.decides(on(6, 7) - 10 * MINUTE, AlarmMoved(on(6, 7), INACTIVITY, Move.PROMPT))
        self.closes(on(6, 8), self.escalates(on(6, 7), INACTIVITY), INACTIVITY)

    def ends_and_forgets(
        self,
        ended: datetime,
        again: datetime | None,
        kind: AlarmKind = AlarmKind.FRAMES_REFUSED,
    ) -> None:
        """Files are damaged after a condition ended; the next run tells of it as if it stood.

        It decides `again` that it is over, or never.
        """
        key = AlarmKey(kind, HALL.id)
        self.condition(ended - HOUR, key, present=True)
        opening = self.escalates(ended - HOUR, key)
        self.condition(ended, key, present=False)
        self.clears(ended, opening, key)
        self.fault(FaultKind.DISK_CORRUPTED, on(5, 12), on(5, 15))
        self.condition(on(5, 15), AlarmKey(AlarmKind.JOURNAL_RESTORED), present=True)
        opening = self.escalates(on(5, 16), key)
        if again is not None:
            self.condition(again, key, present=False)
            self.clears(on(5, 20), opening, key)

    def new_id(self) -> bytes:
        self._ids += 1
        return self._ids.to_bytes(16, "big")

    def _sends(
        self,
        at: datetime,
        event: Event,
        refers: bytes | None,
        stage: Stage | None,
        arrives: timedelta | None,
    ) -> Queued:
        assert isinstance(event, Escalated | Updated)
        queued = Queued(at, self.new_id(), event.serial, self.boot(at), True, b"")
        self.home.queued.append(queued)
        if arrives is not None:
            self.arrives(at + arrives, queued, event.alarm, refers, stage, event.level)
        return queued

    def arrives(
        self,
        at: datetime,
        queued: Queued,
        key: AlarmKey,
        refers: bytes | None = None,
        stage: Stage | None = None,
        level: int = 1,
    ) -> None:
        """The center has it."""
        fault = key.kind.category is Category.FAULT
        kind = RecordKind.FAULT if fault else RecordKind.ESCALATION
        record = Record(
            id=queued.id,
            kind=kind if refers is None else RecordKind.UPDATE,
            gateway=self.home.gateway,
            seq=queued.seq,
            boot=queued.boot,
            monotonic_ms=0,
            wall=queued.at,
            time_trusted=True,
            alarm=key.kind,
            scope=key.scope,
            level=level,
            explanation=(),
            room="",
            activity=b"",
            drill=False,
            refers=refers,
            stage=stage,
        )
        self.home.arrived.append(Arrived(at, record, new=True))
        self.run.stored.append((self.home.gateway, queued.seq, queued.id))
        if refers is None:
            self.run.cases.append(
                CaseSeen(queued.id, self.home.gateway, False, key, at, drill=False)
            )

    def row_of(self, queued: Queued) -> tuple[str, int, bytes]:
        return self.home.gateway, queued.seq, queued.id

    def forget_at_center(self, queued: Queued) -> None:
        """It never came."""
        self.run.stored.remove(self.row_of(queued))
        self.run.cases = [case for case in self.run.cases if case.id != queued.id]
        self.home.arrived = [one for one in self.home.arrived if one.record.id != queued.id]

    def looks(self) -> None:
        """A look at what the gateway holds, each day and at the end."""
        days = [*(on(day, 1) for day in range(1, DAYS + 1)), self.run.healed]
        self.home.gauges = [Gauge(at, 0, 40, 9_000, 0, 3_000) for at in days]


def with_motion_beside_a_pet_alone(story: Story) -> None:
    """All that could see the resident notices an animal as well."""
    story.home.book = Rulebook(evidence=Evidence(pet=True))
    story.home.devices = (FRIDGE, HALL, LEAK, BUTTON)


class Good(Story):
    """Twelve days of a home in which something happens, and everybody does what they should."""

    def __init__(self) -> None:
        super().__init__()
        self.home.runs = [Run(1, START, None)]
        self.restarts(on(5, 12), on(5, 15))
        self.falls_silent(on(5, 13.55), on(5, 15.01))
        for which in DEVICES:
            self.reports(which, START + MINUTE, self.run.healed)
        self.mute(FRIDGE, on(9, 12), on(10, 6))
        self.lives(START + HOUR, on(6, 10))
        self.lives(on(7, 11), self.run.healed)
        self.leak = self._leaks()
        self.call = self._calls()
        self._clock_is_set()
        self.trouble = Trouble(on(6, 9.5), PlightKind.COLLAPSE)
        self.home.troubles.append(self.trouble)
        self.found = self._is_found()
        self.dead = self._device_dies()
        self.looks()

    def _leaks(self) -> Queued:
        self.noticed(LEAK, Phenomenon.LEAK, on(3, 9), True)
        self.condition(on(3, 9), LEAKING, present=True)
        opening = self.escalates(on(3, 9) + 5 * SECOND, LEAKING, 3)
        self.condition(on(3, 9.5), LEAKING, present=False)
        self.clears(on(3, 9.55), opening, LEAKING)
        self.closes(on(3, 10), opening, LEAKING)
        return opening

    def _calls(self) -> Queued:
        self.noticed(BUTTON, Phenomenon.SOS, on(4, 11), True)
        opening = self.escalates(on(4, 11), CALLING, 3)
        self.noticed(BUTTON, Phenomenon.SOS, on(4, 11.1), True)
        self.updates(on(4, 11.1), opening, CALLING, Stage.LEVEL, 4)
        self.closes(on(4, 12), opening, CALLING)
        return opening

    def _clock_is_set(self) -> None:
        self.home.moved.append(Moved(on(2, 12), 3_000_000, True, "center"))

    def _is_found(self) -> Queued:
        # The last sign of life is of 09:00.
        self.decides(on(7, 9) - 10 * MINUTE, AlarmMoved(on(7, 8.83), INACTIVITY, Move.PROMPT))
        opening = self.escalates(on(7, 9), INACTIVITY)
        self.trouble.found = on(7, 9) + SECOND
        self.trouble.helped = on(7, 9.5)
        self.closes(on(7, 10), opening, INACTIVITY)
        return opening

    def _device_dies(self) -> Queued:
        key = AlarmKey(AlarmKind.DEVICE, FRIDGE.id)
        self.condition(on(9, 14.05), key, present=True)
        opening = self.escalates(on(9, 14.05), key)
        self.condition(on(10, 6.1), key, present=False)
        self.clears(on(10, 6.1), opening, key)
        return opening

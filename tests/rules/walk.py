"""A home to which anything may happen at any moment, from a seed, and what must then hold."""

import struct
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from rules import evidence
from rules.activity import SLOTS
from rules.alarm import (
    ACTIVE,
    OPEN,
    PERSON_IN_DANGER,
    SOUNDED,
    AlarmKey,
    AlarmKind,
    AlarmState,
    Category,
)
from rules.command import Refusal, Signal
from rules.device import Device, EvidenceRole, Liveness, Output, Use
from rules.engine import Engine
from rules.events import (
    AwayReason,
    CaseClosed,
    Commanded,
    Escalated,
    Event,
    Outcome,
    Stage,
    Updated,
)
from rules.inputs import (
    Away,
    Boot,
    Closed,
    CommandResult,
    DeviceChanged,
    Drill,
    Input,
    LifeSign,
    Shelve,
    Taken,
    Technical,
    Tick,
    TimeTrust,
)
from rules.observation import BOOLEAN, DeviceId, Observation, Phenomenon, Press, Quality, Value
from rules.registers import LONG_AGO
from rules.routine import Routine
from rules.rulebook import (
    AwayByDoor,
    Eating,
    Evidence,
    Hazard,
    Health,
    Inactivity,
    LeftOn,
    Morning,
    Rulebook,
    Wandering,
)
from rules.sentence import Say, sentence
from rules.signals import COMMAND_WITHIN
from rules.state import CASES_MAX, State
from tests.rules.home import EPOCH, HOUR, MINUTE, device

SECOND = timedelta(seconds=1)
RAISED = {AlarmState.RAISED}
INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
OF_USE = {AlarmKind.LEFT_ON, AlarmKind.NOT_EATING}
NO_MORNING = AlarmKey(AlarmKind.NO_MORNING)
WANDERING = AlarmKey(AlarmKind.WANDERING)

POOL = (
    device("kettle", Phenomenon.POWER_W, every=2 * MINUTE, mains=True, use=Use.COOKING),
    device("tv", Phenomenon.POWER_W, Phenomenon.RELAY_ON, every=3 * MINUTE, mains=True),
    device("fridge", Phenomenon.POWER_W, every=MINUTE, mains=True, evidence=EvidenceRole.NONE),
    device("blanket", Phenomenon.POWER_W, every=MINUTE, mains=True, use=Use.HEATING),
    device("lamp", Phenomenon.RELAY_ON, every=3 * MINUTE, mains=True, use=Use.LIGHT),
    device("hall", Phenomenon.MOTION, Phenomenon.BATTERY_PCT, every=2 * MINUTE),
    device("door", Phenomenon.CONTACT_OPEN, every=4 * MINUTE, outside_door=True),
    device(
        "node",
        Phenomenon.BUTTON,
        Phenomenon.SOS,
        Phenomenon.ILLUMINANCE_LX,
        every=MINUTE,
        outputs=(Output.LIGHT, Output.BUZZER),
        mains=True,
    ),
    device("pendant", Phenomenon.SOS, Phenomenon.BUTTON, every=9 * MINUTE),
    device("water", Phenomenon.LEAK, Phenomenon.TAMPER, every=5 * MINUTE),
    device("smoke", Phenomenon.SMOKE, every=5 * MINUTE, outputs=(Output.SIREN,)),
    device("air", Phenomenon.CO, Phenomenon.CO_PPM, Phenomenon.TEMPERATURE_C, every=MINUTE),
    device("ups", Phenomenon.MAINS_OK, every=MINUTE),
)
BOOK = Rulebook(
    # The ladder of the city by the minute, so that a walk sees all of it.
    inactivity=Inactivity(limits=(40 * MINUTE, 60 * MINUTE, 90 * MINUTE), prompt_wait=4 * MINUTE),
    hazard=Hazard(temperature_hold=3 * MINUTE, repeat_after=10 * MINUTE),
    health=Health(stale_after=2, dead_after=4),
    away=AwayByDoor(settle=5 * MINUTE, extra=20 * MINUTE),
    left_on=LeftOn(heating=25 * MINUTE, cooking=15 * MINUTE, light=50 * MINUTE),
    eating=Eating(limit=150 * MINUTE),
    morning=Morning(enabled=True),
    wandering=Wandering(enabled=True, back_within=3 * MINUTE),
)
SLOW = replace(BOOK, inactivity=Inactivity(limits=(72 * HOUR, 90 * HOUR), learn=False))
"Silence is claimed by nothing but the morning."
WITH_PET = replace(BOOK, evidence=Evidence(pet=True))
VALUES: dict[Phenomenon, tuple[Value, ...]] = {
    Phenomenon.POWER_W: (0.0, 9.0, 11.0, 1800.0),
    Phenomenon.ILLUMINANCE_LX: (1.0, 200.0, 900.0),
    Phenomenon.BATTERY_PCT: (3.0, 20.0, 90.0),
    Phenomenon.CO_PPM: (5.0, 220.0, 300.0),
    Phenomenon.TEMPERATURE_C: (2.0, 5.5, 20.0, 34.5, 38.0),
    Phenomenon.BUTTON: tuple(Press),
}


def known_home(book: Rulebook) -> Engine:
    """An engine that knows its home: quiet until 03:00, then up; a walk begins by night."""
    life = [0.0] * 6 + [28.0] * 38 + [0.0] * 4
    routine = Routine(
        life=struct.pack("<48e", *life),
        heard=struct.pack("<48e", *[30.0] * 48),
        outings=struct.pack("<48e", *[0.0] * 48),
        days=60.0,
        mornings=struct.pack("<60H", *(200 + number % 7 for number in range(60))),
        watch=EPOCH + 2 * HOUR,
    )
    return Engine(book, State(routine=routine))


class Walk:
    """One home, driven by a seed; `put` holds every decision against what must be true."""

    def __init__(
        self, seed: int, *, devices: tuple[Device, ...] = POOL, book: Rulebook = BOOK
    ) -> None:
        self.random = Random(seed)
        self.book = book
        self.now = EPOCH
        self.listened = timedelta()
        "Real time in which the gateway ran: what silence of devices is reckoned by."
        self.engine = known_home(book)
        self.replica = known_home(book)
        "Never handles anything: it only folds the events."
        self.enrolled = devices
        self.dead: set[DeviceId] = set()
        self.events: list[Event] = []
        self.opened: dict[int, AlarmKey] = {}
        self.serials: list[int] = []
        self.pending: list[tuple[timedelta, CommandResult]] = []
        self._life = LONG_AGO
        self._report_at = {each.id: self.listened for each in devices}
        self._heard_at: dict[DeviceId, timedelta] = {}
        self._pressed_at: dict[DeviceId, timedelta] = {}
        self._values: dict[tuple[DeviceId, Phenomenon], Value] = {}
        self.put(Boot(1, timedelta(), trusted=True))
        self.put(DeviceChanged(devices))

    # ---------------------------------------------------------------------------- what may happen

    def step(self) -> None:
        """Let something happen, and some time pass."""
        ways = [
            (30, self.observe),
            (8, self.press),
            (6, self.be_quiet),
            (3, self.go_out),
            (4, self.die_or_revive),
            (4, self.take_or_close),
            (3, self.shelve),
            (3, self.go_away),
            (2, self.restart),
            (3, self.set_clock),
            (2, self.enrol),
            (2, self.fail),
            (1, self.drill),
            (2, self.sign_from_outside),
        ]
        weights = [weight for weight, _ in ways]
        self.random.choices([way for _, way in ways], weights)[0]()
        longest = self.random.choice([2, 30, 300, 1500])
        self.wait(self.random.randrange(longest) * SECOND)

    def observe(self) -> None:
        each = self.random.choice(POOL)
        what = self.random.choice(sorted(each.phenomena))
        if what is Phenomenon.SOS:
            return
        value = self.random.choice(VALUES.get(what, (False, True)))
        age = self.random.choice([0, 0, 0, 1, 20, 3000]) * SECOND
        quality = self.random.choice([*[Quality.GOOD] * 8, Quality.UNCERTAIN, Quality.BAD])
        self.see(each.id, what, value, age=age, quality=quality)

    def press(self) -> None:
        button = DeviceId(self.random.choice(["node", "pendant"]))
        known = button in self.engine.state.devices
        last = self._pressed_at.get(button)
        late = self.random.random() < 0.2 and (last is None or self.listened - last > MINUTE)
        if late:
            self.see(button, Phenomenon.SOS, False)
        self.see(button, Phenomenon.SOS, True, age=late * 20 * SECOND)
        if known and (last is None or self.listened - last > 3 * SECOND):
            key = AlarmKey(AlarmKind.SOS, button)
            assert self.engine.state.alarm(key).state in ACTIVE, "a call for help was lost"
        self._pressed_at[button] = self.listened
        if self.random.random() < 0.5:
            self.see(button, Phenomenon.SOS, False)

    def be_quiet(self) -> None:
        self.wait(self.random.randrange(50) * MINUTE)
        if self.random.random() < 0.3:
            self.dead = {each.id for each in POOL}

    def go_out(self) -> None:
        for value in (True, False):
            self.see(DeviceId("door"), Phenomenon.CONTACT_OPEN, value)
        self.wait(self.random.randrange(4, 90) * MINUTE)

    def die_or_revive(self) -> None:
        if self.random.random() < 0.2:
            self.dead = {each.id for each in POOL}
        elif self.random.random() < 0.5:
            self.dead = set()
        else:
            self.dead ^= {self.random.choice(POOL).id}

    def take_or_close(self) -> None:
        serial = self.random.choice([*self.serials, 10_000 + self.random.randrange(9)])
        if self.random.random() < 0.5:
            self.put(Taken(serial, "kim"))
        else:
            self.put(Closed(serial, self.random.choice(list(Outcome))))

    def shelve(self) -> None:
        keys = [*self.engine.state.alarms, INACTIVITY]
        keys += [AlarmKey(AlarmKind.LEAK, each.id) for each in self.enrolled]
        minutes = self.random.choice([-5, 0, 5, 60, 30 * 60])
        self.put(Shelve(self.random.choice(keys), self.now + minutes * MINUTE))

    def go_away(self) -> None:
        ends = self.random.random() < 0.4
        until = self.random.choice([None, self.now - MINUTE, self.now + 50 * MINUTE])
        reason = self.random.choice([AwayReason.TRIP, AwayReason.HOSPITAL])
        self.put(Away(reason, "son", until, ends=ends))

    def restart(self) -> None:
        self.engine = self._restored(self.engine)
        self.pending.clear()
        boot, down = self.engine.state.boot + 1, self.random.randrange(4000) * SECOND
        if self.random.random() < 0.5:
            self.now += down
            self.put(Boot(boot, down, trusted=True))
            return
        self.put(Boot(boot, timedelta(), trusted=False))
        self.wait(self.random.randrange(200) * SECOND)
        if self.random.random() < 0.7:
            self._set(down)

    def _restored(self, engine: Engine) -> Engine:
        saved = engine.snapshot()
        restored = Engine.restored(self.book, saved, [])
        assert restored.snapshot() == saved
        return restored

    def set_clock(self) -> None:
        days = self.random.choice([-14, 0, 0, 14])
        stamped = self.now
        self._set(timedelta(days=days, seconds=self.random.randrange(-600, 600)))
        # Some wait in the inbox meanwhile.
        for name, what, value in (
            ("kettle", Phenomenon.POWER_W, 1800.0),
            ("node", Phenomenon.SOS, True),
        ):
            if self.random.random() < 0.5:
                age = self.random.choice([0, 2]) * SECOND
                seen = Observation(DeviceId(name), what, value, stamped - age, stamped)
                self._heard_at[seen.device] = self.listened
                self.put(seen)

    def enrol(self) -> None:
        devices = list(self.enrolled)
        self.random.shuffle(devices)
        match self.random.randrange(4):
            case 0:
                devices = devices[: self.random.randrange(len(devices) + 1)]
            case 1:
                devices = list(POOL)
            case 2 if devices:
                devices[0] = replace(devices[0], address=f"{self.random.randrange(10**6)}")
        self.set_devices(tuple(devices))

    def fail(self) -> None:
        kind = self.random.choice(
            [AlarmKind.DISK_FAILING, AlarmKind.DRIVER_LOST, AlarmKind.FRAMES_REFUSED]
        )
        scope = self.random.choice([None, DeviceId("driver:ble"), self.random.choice(POOL).id])
        if scope is not None and ":" not in scope and scope not in self.engine.state.devices:
            return
        said = sentence(Say.DISK_FAILING, at=self.now, detail="")
        self.put(Technical(kind, scope, self.random.random() < 0.6, said))

    def drill(self) -> None:
        self.put(Drill("installer"))

    def sign_from_outside(self) -> None:
        self.put(LifeSign("phone", self.now + self.random.choice([-5000, 0, 5000]) * SECOND))

    # ----------------------------------------------------------------------------------- the world

    def see(
        self,
        name: DeviceId,
        what: Phenomenon,
        value: Value,
        *,
        age: timedelta = timedelta(),
        quality: Quality = Quality.GOOD,
    ) -> None:
        """A device says something; one that speaks is not dead."""
        self.dead.discard(name)
        self._heard_at[name] = self.listened
        self._values[name, what] = value
        self.put(Observation(name, what, value, self.now - age, self.now, quality))

    def heal(self) -> None:
        """All devices are there, live and at rest, and nothing is held back."""
        self.set_devices(POOL)
        self.dead = set()
        self._values = {
            (DeviceId("smoke"), Phenomenon.SMOKE): False,
            (DeviceId("hall"), Phenomenon.MOTION): False,
        }
        for key, alarm in list(self.engine.state.alarms.items()):
            if alarm.state is AlarmState.SHELVED:
                self.put(Shelve(key, self.now))
        self.wait(10 * MINUTE)
        self.put(Away(AwayReason.TRIP, "son", ends=True))

    def set_devices(self, devices: tuple[Device, ...]) -> None:
        """The registry changes."""
        self.enrolled = devices
        for each in devices:
            self._report_at.setdefault(each.id, self.listened)
        self.put(DeviceChanged(devices))

    def wait(self, span: timedelta) -> None:
        """Let time pass: devices report, commands are answered, deadlines are kept."""
        end = self.listened + span
        while True:
            moments = [end, *(at for at, _ in self.pending)]
            moments += [self._report_at[each.id] for each in self.enrolled]
            deadline = self.engine.next_deadline()
            if deadline is not None:
                moments.append(self.listened + max(deadline - self.now, timedelta()))
            self._pass(max(min(moments) - self.listened, timedelta()))
            self._happen(deadline)
            if self.listened >= end:
                return

    def _pass(self, span: timedelta) -> None:
        self.now += span
        self.listened += span

    def _happen(self, deadline: datetime | None) -> None:
        if deadline is not None and deadline <= self.now:
            self.put(Tick())
            after = self.engine.next_deadline()
            assert after is None or after > self.now, f"{after} is due for ever"
        due = [result for at, result in self.pending if at <= self.listened]
        self.pending = [(at, result) for at, result in self.pending if at > self.listened]
        for result in due:
            self.put(result)
        for each in self.enrolled:
            if self._report_at[each.id] <= self.listened:
                self._report_at[each.id] = self.listened + each.report_every
                if each.id not in self.dead:
                    self._report(each)

    def _report(self, each: Device) -> None:
        self._heard_at[each.id] = self.listened
        for what in sorted(each.phenomena - {Phenomenon.SOS, Phenomenon.BUTTON}):
            resting: Value = False if what in BOOLEAN else VALUES[what][-1]
            if what in {Phenomenon.MAINS_OK, Phenomenon.TEMPERATURE_C, Phenomenon.CO_PPM}:
                resting = True if what is Phenomenon.MAINS_OK else 20.0
            value = self._values.get((each.id, what), resting)
            self.put(Observation(each.id, what, value, self.now, self.now))
        told = Observation(each.id, Phenomenon.LINK_QUALITY, 50.0, self.now, self.now)
        self.put(told)

    def _set(self, shift: timedelta) -> None:
        self.now += shift
        self.put(TimeTrust(trusted=True, source="center", shift=shift))

    # ------------------------------------------------------------------------------ what must hold

    def put(self, item: Input) -> list[Event]:
        """Hand one item in and look at what comes of it."""
        events = self.engine.handle(item, self.now)
        self.events += events
        for event in events:
            self.replica.apply(event)
            self._look_at(event)
        # Reckoned anew it may come later than the one that was kept, never sooner.
        at, anew = self.engine.next_deadline(), self.replica.next_deadline()
        assert anew is None or (at is not None and at <= anew), f"{anew} would be missed"
        assert self.replica.state.alarms == self.engine.state.alarms
        if isinstance(item, Boot | DeviceChanged | TimeTrust | Closed):
            assert self.replica.snapshot() == self.engine.snapshot()
        self._look_at_outputs()
        self._look_at_moments(item)
        state = self.engine.state
        assert len(state.cases) <= CASES_MAX
        assert len(state.tally.counts) <= 2 * SLOTS
        assert set(state.cases) <= self.opened.keys()
        gone = {each.id for each in POOL} - state.devices.keys()
        for key, alarm in state.alarms.items():
            assert key.scope not in gone or alarm.state in OPEN, f"{key} has no device"
            fault = key.kind.category is Category.FAULT
            assert not (fault and key.scope in gone), f"a fault of a device that is gone: {key}"
        return events

    def _look_at(self, event: Event) -> None:
        match event:
            case Escalated(serial=serial, alarm=key):
                self._rises(serial)
                self.opened[serial] = key
                if key == INACTIVITY:
                    self._may_claim()
                elif key in {NO_MORNING, WANDERING}:
                    self._may_claim()
                    self._yields(key)
                elif key.kind in OF_USE:
                    self._may_tell_of_use(key)
            case Updated(serial=serial, refers=refers, alarm=key, stage=stage):
                self._rises(serial)
                assert self.opened[refers] == key, "news of a case that the center has not"
                if key == INACTIVITY and stage is Stage.LEVEL:
                    self._may_claim()
            case CaseClosed(serial=serial):
                del self.opened[serial]
            case Commanded(command=order):
                after = self.random.choice([0, 1, 15, None])
                refusal = self.random.choice([None, None, Refusal.UNREACHABLE])
                if after is not None:
                    answer = CommandResult(order.id, refusal)
                    self.pending.append((self.listened + after * SECOND, answer))

    def _rises(self, serial: int) -> None:
        assert not self.serials or serial > self.serials[-1], "a serial used twice"
        self.serials.append(serial)

    def _may_claim(self) -> None:
        """Whether silence of a person may be claimed: somebody sees, and nobody is announced."""
        state = self.engine.state
        assert state.away is None or state.away.reason is AwayReason.OUTING
        stale_after = self.book.health.stale_after
        assert any(
            each.liveness is Liveness.LIVE
            and self.listened - self._heard_at[each.device.id]
            <= stale_after * each.device.report_every + SECOND
            for each in state.devices.values()
            if evidence.watches(each.device, pet=self.book.evidence.pet)
        ), "silence claimed in a blind home"

    def _yields(self, key: AlarmKey) -> None:
        """A slow harm is claimed by nothing but a known hour, and not beside inactivity."""
        state = self.engine.state
        assert not state.inactivity_stands, "two cases for one danger"
        assert state.trusted or key == NO_MORNING, "the hour is not known"
        assert key == WANDERING or state.away is None, "nobody is at home"

    def _may_tell_of_use(self, key: AlarmKey) -> None:
        """Whether a device may be said to be left on, or nothing to be cooked."""
        state = self.engine.state
        assert state.away is None or key.scope is not None, "nobody is at home"
        assert state.sees_since(pet=self.book.evidence.pet) is not None, "a blind home"
        assert not state.inactivity_stands, "two cases for one danger"
        if key.scope is not None:
            assert state.devices[key.scope].liveness is Liveness.LIVE
            run = state.runs.now[key.scope]
            closed = state.alarm(key).closed_at
            assert run.paused is None, "what is off is left on"
            assert closed is None or closed <= run.begin, "told twice"

    def _look_at_moments(self, item: Input) -> None:
        """Nothing lies ahead of the clock, and the last sign of life is the last."""
        state = self.engine.state
        life = LONG_AGO if state.life is None else state.life.at
        assert isinstance(item, TimeTrust) or life >= self._life
        self._life = life
        moments = [life, state.started, state.installed, state.door_shut, state.away_ended]
        routine = state.routine
        moments += [routine.folded, routine.stirred, routine.began, routine.opened]
        for heard in state.devices.values():
            moments += [heard.since, heard.last_seen, heard.heard, heard.live_since]
            moments += [reading.at for reading in heard.readings.values()]
        runs = state.runs
        moments += [runs.stirred, runs.up_since, runs.cooked]
        for run in runs.now.values():
            moments += [run.begin, run.heard, run.paused]
        assert runs.uncounted >= timedelta()
        for alarm in state.alarms.values():
            moments += [alarm.since, alarm.changed_at, alarm.raised_at, alarm.closed_at]
            if alarm.state is AlarmState.PROMPTED:
                moments.append(alarm.until and alarm.until - self.book.inactivity.prompt_wait)
        assert all(moment <= self.now for moment in moments if moment is not None)

    def _look_at_outputs(self) -> None:
        state = self.engine.state
        for sent in state.commands.values():
            assert sent.command.expires - self.now <= COMMAND_WITHIN
        at_rest = all(
            alarm.state not in ACTIVE | {AlarmState.PROMPTED}
            for key, alarm in state.alarms.items()
            if key.kind in PERSON_IN_DANGER
        )
        shown = [signal for heard in state.devices.values() for signal in heard.shown.values()]
        assert not (at_rest and shown), "something is expressed, and nothing is the matter"
        raised = {key.kind for key, alarm in state.alarms.items() if alarm.state in RAISED}
        prompted = state.alarm(INACTIVITY).state is AlarmState.PROMPTED
        if not raised.isdisjoint(SOUNDED):
            sirens = (each for each in state.devices.values() if each.device.id == "smoke")
            assert all(each.shown for each in sirens), "a danger, and no siren sounds"
        elif prompted and AlarmKind.SOS not in raised:
            assert Signal.PROMPT in shown or not state.can_ask, "nobody is asked"
        if prompted:
            seen = state.sees_since(pet=self.book.evidence.pet)
            assert seen is not None, "somebody is asked on in a blind home"
            assert state.away is None or state.away.reason is AwayReason.OUTING


class Ticked(Walk):
    """Beside it an engine that is asked every second, and must decide the same at that second.

    Nobody asks that one for its deadline, so it remembers none and looks at everything.
    """

    def __init__(self, seed: int) -> None:
        self.beside = known_home(BOOK)
        super().__init__(seed)

    def put(self, item: Input) -> list[Event]:
        events = super().put(item)
        assert self.beside.handle(item, self.now) == events
        return events

    def _restored(self, engine: Engine) -> Engine:
        self.beside = super()._restored(self.beside)
        return super()._restored(engine)

    def _pass(self, span: timedelta) -> None:
        start = self.now
        super()._pass(span)
        deadline = self.engine.next_deadline()
        for second in range(1, span // SECOND + 1):
            now = start + second * SECOND
            if deadline is None or now < deadline:
                assert not self.beside.handle(Tick(), now), "the deadline comes too late"

"""The decisions: one item in, events out.

Sans-I/O: the caller brings `now` and acts on the events. After each call it asks `next_deadline`
and comes back with `Tick` no later than that. State is the fold of the events, so a snapshot and
the events after it rebuild the engine.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from rules import (
    away,
    cases,
    decline,
    eating,
    enrolment,
    evidence,
    hazard,
    health,
    identify,
    inactivity,
    left_on,
    machines,
    mains,
    morning,
    signals,
    snapshot,
    sos,
    switching,
    wandering,
)
from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.decision import Decision
from rules.device import Liveness
from rules.events import OUTSIDE, Event, LifeSeen, Started, TimeMoved
from rules.evidence import GIVING, Before, Strength
from rules.inputs import (
    Away,
    Boot,
    Closed,
    CommandResult,
    DeviceChanged,
    Drill,
    Identify,
    Input,
    LifeSign,
    Shelve,
    Taken,
    Technical,
    Tick,
    TimeTrust,
)
from rules.observation import DeviceId, Observation, Phenomenon, Quality
from rules.rulebook import Rulebook
from rules.sentence import Say, sentence
from rules.state import State

UNTRUSTED_AT_MOST = timedelta(hours=1)
"A clock that nobody confirmed for so long is a fault."
_UNTRUSTED = AlarmKey(AlarmKind.TIME_UNTRUSTED)
_DISK_FAILING = AlarmKey(AlarmKind.DISK_FAILING)
_SERIALS_IN_MEMORY = 1_000
"""More than a gateway uses while its disk fails. The center knows those; were they used again, it
could not tell that it misses the second ones when it is restored from a backup."""
_DECIDING = (
    GIVING
    | hazard.PHENOMENA
    | health.PHENOMENA
    | {Phenomenon.MAINS_OK, Phenomenon.BUTTON, Phenomenon.SOS}
)
"Phenomena that some rule looks at; all others only show that the device is live."


class Engine:
    """All rules over one home."""

    def __init__(self, book: Rulebook, state: State | None = None) -> None:
        self._book = book
        self._state = State() if state is None else state
        self._health_check: datetime | None = None
        self._health_known = False
        self._deadline: datetime | None = None
        self._deadline_known = False
        self._now: datetime | None = None
        "Of the last item."

    @property
    def state(self) -> State:
        """What is known now. To be read, never changed, by others."""
        return self._state

    @property
    def book(self) -> Rulebook:
        """The rules in force."""
        return self._book

    def apply(self, event: Event) -> None:
        """Fold one journaled event into the state."""
        self._state.apply(event)
        self._health_known = self._deadline_known = False

    def snapshot(self) -> bytes:
        """The state for `Engine.restored`."""
        return snapshot.encode(self._state)

    @classmethod
    def restored(cls, book: Rulebook, saved: bytes | None, events: Iterable[Event]) -> "Engine":
        """An engine from a snapshot, if there is one, and the events journaled after it.

        An event that does not fit is passed over: what came before it was lost with a broken
        journal, which the journal reports.

        Raises:
            FrameError: the snapshot cannot be read.

        """
        engine = cls(book, None if saved is None else snapshot.decode(saved))
        for event in events:
            if engine.state.fits(event):
                engine.apply(event)
        return engine

    def handle(self, item: Input, now: datetime) -> list[Event]:
        """Take in one item and return what was decided, already folded into the state."""
        if isinstance(item, Tick) and self._too_soon(now):
            return []
        decision = Decision(self._state, self._book, now)
        if isinstance(item, Observation):
            sight = (self._state.seen_from, self._state.seen_beside_pet)
            routine = self._observe(decision, item)
            if routine and sight == (self._state.seen_from, self._state.seen_beside_pet):
                # What is pending stays so: a deadline that is remembered comes too soon at worst.
                return decision.events
        else:
            self._put(decision, item)
            # While only time passes, the bound on the next broken contract stays right.
            self._health_known &= isinstance(item, Tick)
        self._deadline_known, self._now = False, now
        self._settle(decision)
        signals.settle(decision, anew=isinstance(item, Boot))
        return decision.events

    def next_deadline(self) -> datetime | None:
        """When `Tick` must come at the latest, None if nothing is pending.

        It may come in vain: what is dear to reckon is put off until it matters.
        """
        if not self._deadline_known:
            self._deadline = self._reckon_deadline()
            self._deadline_known = True
        return self._deadline

    def _too_soon(self, now: datetime) -> bool:
        """Whether nothing can have fallen due, as far as is remembered."""
        deadline = self._deadline
        return self._deadline_known and (deadline is None or now < deadline)

    def _reckon_deadline(self) -> datetime | None:
        state, book = self._state, self._book
        if not self._health_known:
            self._health_check = health.next_check(state, book.health)
            self._health_known = True
        pending = [
            self._health_check,
            inactivity.due(state, book, self._now),
            away.due(state, book),
            morning.due(state, book),
            wandering.due(state, book),
            left_on.due(state, book),
            self._untrusted_too_long(),
        ]
        for alarm in state.alarms.values():
            if alarm.state is AlarmState.SHELVED:
                pending.append(alarm.until)
            elif alarm.key.kind in hazard.KINDS:
                pending.append(hazard.due(alarm, book))
        pending.extend(sent.command.expires for sent in state.commands.values())
        return min((at for at in pending if at is not None), default=None)

    def alarm_time_if_silent(self) -> datetime | None:
        """When inactivity would be escalated if nothing more happened."""
        return inactivity.raise_time(self._state, self._book)

    def _put(self, decision: Decision, item: Input) -> None:  # noqa: C901, PLR0912 -- one case each
        now = decision.now
        match item:
            case Taken():
                cases.taken(decision, item)
            case Closed():
                cases.closed(decision, item)
            case Away():
                away.announced(decision, item)
            case Shelve():
                cases.shelved(decision, item)
            case LifeSign(source, at):
                told = DeviceId(OUTSIDE + source)
                life = LifeSeen(min(at, now), told, Phenomenon.LIFE_SIGN, counted=True)
                self._life(decision, life)
            case CommandResult():
                cases.answered(decision, item)
            case TimeTrust(trusted, source, shift):
                asked = inactivity.asked_by_this_clock(self._state)
                decision.emit(TimeMoved(now, trusted, source, shift))
                cases.shelve_no_longer(decision)
                if asked:
                    inactivity.clock_set(decision)
                morning.clock_set(decision)
                if trusted:
                    self._time_trusted(decision)
            case DeviceChanged(devices):
                enrolment.changed(decision, devices)
            case Technical():
                cases.technical(decision, item)
            case Drill():
                cases.drilled(decision, item)
            case Identify():
                identify.asked(decision, item)
            case Boot(boot, down, trusted, next_serial, lost):
                serial = max(next_serial, self._state.next_serial)
                if self._state.alarm(_DISK_FAILING).present:
                    serial += _SERIALS_IN_MEMORY
                decision.emit(Started(now, boot, down, serial, lost))
                signals.forget_commands(decision)
                # The rules may be others than before.
                health.check_sight(decision)
                if decision.state.trusted != trusted:
                    decision.emit(TimeMoved(now, trusted, "boot", timedelta()))
            case _:
                pass  # A tick is only the passing of time; observations have their own way.

    def _observe(self, decision: Decision, seen: Observation) -> bool:
        """Take in one observation. True: nothing but this device's own registers changed."""
        heard = self._state.devices.get(seen.device)
        if heard is None:
            return True
        now, state = decision.now, self._state
        if seen.phenomenon_time > now or not state.trust_changed <= seen.result_time <= now:
            seen = _stamped_anew(seen, now)
        reading = heard.readings.get(seen.phenomenon)
        late = reading is not None and seen.phenomenon_time < reading.at
        before = None
        if reading is not None and seen.phenomenon in GIVING:
            before = Before(
                reading.value,
                ago=seen.phenomenon_time - reading.at,
                held=seen.phenomenon_time - reading.since,
                ends=reading.ends,
                unbroken=heard.liveness is Liveness.LIVE and reading.at >= state.started,
                load=reading.load,
                fallen=seen.phenomenon_time - reading.fell,
                flickered=seen.phenomenon_time - reading.flickered,
            )
        decision.emit(seen)
        revived = heard.liveness is not Liveness.LIVE
        if revived:
            health.heard_again(decision, heard)
            self._health_known = False
            mains.check(decision)
            health.report_dead(decision)
        if (
            seen.phenomenon not in _DECIDING
            or seen.quality is Quality.BAD
            or (late and seen.phenomenon is not Phenomenon.SOS)
        ):
            return not revived
        if heard.device.use is not None and switching.observe(decision, heard.device, seen):
            eating.cooked(decision, seen)
        if seen.phenomenon in GIVING:
            self._weigh(decision, seen, before)
        self._rules(decision, seen, before)
        return not revived and len(decision.events) == 1

    def _rules(self, decision: Decision, seen: Observation, before: Before | None) -> None:
        phenomenon = seen.phenomenon
        if phenomenon in hazard.PHENOMENA:
            hazard.observe(decision, seen)
        elif phenomenon is Phenomenon.CONTACT_OPEN:
            if before is not None and seen.value != before.value:
                away.door_moved(decision, seen)
                wandering.door_moved(decision, seen)
        elif phenomenon is Phenomenon.SOS:
            if seen.value:
                sos.pressed(decision, seen, before)
        elif phenomenon is Phenomenon.BUTTON:
            sos.held(decision, seen, before)
        elif phenomenon in health.PHENOMENA:
            health.observe(decision, seen)
        elif phenomenon is Phenomenon.MAINS_OK:
            mains.check(decision)
            health.report_dead(decision)

    def _weigh(self, decision: Decision, seen: Observation, before: Before | None) -> None:
        heard = self._state.devices[seen.device]
        pet = self._book.evidence.pet
        strength = evidence.weigh(heard.device, seen, before, pet=pet)
        if strength is Strength.NONE:
            return
        life = LifeSeen(seen.phenomenon_time, seen.device, seen.phenomenon, counted=True)
        if seen.phenomenon in machines.PHENOMENA:
            self._weigh_switch(decision, seen, life, strength)
            return
        last, alone = self._state.weak, strength is Strength.STRONG
        counted = alone or evidence.beside(life, last)
        self._life(
            decision, life if counted else replace(life, counted=False), None if alone else last
        )

    def _weigh_switch(
        self, decision: Decision, seen: Observation, life: LifeSeen, strength: Strength
    ) -> None:
        state, last, alone = self._state, self._state.weak, False
        by_hand = machines.weigh(state.devices[seen.device].switchings, seen)
        if by_hand is Strength.STRONG and not machines.ends(seen):
            alone = strength is Strength.STRONG
            counted = alone or evidence.beside(life, last)
        else:
            another = evidence.beside_another(life, last, state.other)
            counted = by_hand is not Strength.NONE and another
        if counted:
            self._life(decision, life, None if alone else last)
        elif by_hand is Strength.STRONG:
            # What a machine may have done lends no other sign its weight.
            self._life(decision, replace(life, counted=False))
        # A machine's plug sees nobody, once it is known.
        health.check_sight(decision)

    def _life(self, decision: Decision, life: LifeSeen, beside: LifeSeen | None = None) -> None:
        """Take in a sign of life; if it does not count by itself, `beside` lends it its weight."""
        decision.emit(life)
        if self._state.life is life:
            inactivity.learn(decision)
            if life.at_home:
                away.life_seen(decision)
            inactivity.life_seen(decision)
            if life.at_home:
                eating.life_seen(decision, life)
                wandering.life_seen(decision, life, beside)
            morning.life_seen(decision)
            decline.learnt(decision)

    def _settle(self, decision: Decision) -> None:
        """Bring everything up to `now`, in the order of its weight."""
        now = decision.now
        cases.unshelve_due(decision)
        for alarm in list(self._state.alarms.values()):
            if alarm.key.kind in hazard.KINDS:
                hazard.settle(decision, alarm)
        cases.expire_commands(decision)
        if not self._health_known:
            self._health_check = health.next_check(self._state, self._book.health)
        if self._health_check is not None and now >= self._health_check:
            before = len(decision.events)
            health.check(decision)
            if len(decision.events) > before:
                mains.check(decision)
                health.report_dead(decision)
            self._health_check = health.next_check(self._state, self._book.health)
        self._health_known = True
        away.settle(decision)
        inactivity.settle(decision)
        morning.settle(decision)
        wandering.settle(decision)
        left_on.settle(decision)
        self._settle_trust(decision)

    def _settle_trust(self, decision: Decision) -> None:
        at = self._untrusted_too_long()
        if at is not None and decision.now >= at:
            said = sentence(Say.TIME_UNTRUSTED, at=decision.now)
            health.report(decision, _UNTRUSTED, said, present=True)

    def _untrusted_too_long(self) -> datetime | None:
        state = self._state
        if state.trusted or state.installed is None or state.alarm(_UNTRUSTED).present:
            return None
        # Restarts do not begin the hour anew.
        return max(state.installed, state.trust_changed) + UNTRUSTED_AT_MOST

    def _time_trusted(self, decision: Decision) -> None:
        if self._state.alarm(_UNTRUSTED).present:
            said = sentence(Say.TIME_UNTRUSTED, at=decision.now)
            health.report(decision, _UNTRUSTED, said, present=False)


def _stamped_anew(seen: Observation, now: datetime) -> Observation:
    """An observation of a clock that was set while it waited, or that a clock ran ahead of.

    How old it was when it came is all that is sure.
    """
    age = max(seen.result_time - seen.phenomenon_time, timedelta())
    return replace(seen, phenomenon_time=now - age, result_time=now)

"""What signs of life, closed cases and whole days teach of a home.

A part of `State.apply`, which alone calls it: it fills `rules.habits`, `rules.routine` and
`rules.runs`. What somebody in need did is no habit, nor is what nobody listened to.
"""

from datetime import datetime, timedelta

from rules import evidence, weeks
from rules.alarm import ACTIVE, OPEN, AlarmKey, AlarmKind, AlarmState
from rules.device import Liveness
from rules.events import AwayReason, CaseClosed, Learnt, LifeSeen, Outcome
from rules.known import RESTART, Known
from rules.observation import Phenomenon
from rules.registers import Alarm
from rules.routine import OUT_FOR
from rules.silences import Context, Ended

_INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
_NO_MORNING = AlarmKey(AlarmKind.NO_MORNING)
_WANDERING = AlarmKey(AlarmKind.WANDERING)
_SILENCES = (_INACTIVITY, _NO_MORNING)
_WORDS = {
    _INACTIVITY: frozenset(Outcome) - {Outcome.NO_CONTACT},
    _NO_MORNING: frozenset({Outcome.REAL, Outcome.FALSE}),
}
"""With what a case is closed when somebody had word of the resident. A technical reason for a long
silence is the technician's; for a morning it says nothing of who has not risen."""
_OF_USE = frozenset({AlarmKind.LEFT_ON, AlarmKind.NOT_EATING})


def life_seen(known: Known, event: LifeSeen) -> None:
    """Take in a sign of life, and the silence that it ends."""
    if known.weak is None or event.at >= known.weak.at:
        if known.weak is not None and known.weak.device != event.device:
            known.other = known.weak
        known.weak = event
    if not event.counted:
        return
    known.tally.count(event.at)
    if known.life is None or event.at >= known.life.at:
        if known.life is not None:
            if event.at - known.life.at >= OUT_FOR:
                _went_out(known, known.life)
            _silence_ended(known, known.life, event)
        known.life, known.unheard = event, timedelta()
        known.habits.begin(event.at, inside=_inside(known, event))
        _day_seen(known, event)
        if event.at_home:
            known.door_shut = None
            known.runs.stir(event.device, event.at, known.quiet_from(pet=False))


def case_closed(known: Known, event: CaseClosed) -> None:
    """Take in what a case turned out to be."""
    key = known.cases.pop(event.serial, None)
    if key is None or known.alarm(key).serial != event.serial:
        return
    alarm, outcome = known.alarm(key), event.outcome
    alarm.outcome = outcome
    if key in _SILENCES:
        _silence_closed(known, event, alarm)
    elif key == _WANDERING and outcome is Outcome.FALSE and alarm.raised_at is not None:
        known.routine.went_out(alarm.raised_at)
    elif key.kind in _OF_USE:
        known.runs.judged(key.scope, event.at, danger=outcome is Outcome.REAL)


def learnt(known: Known, event: Learnt) -> None:
    """Let the last day become habits."""
    open_ = (alarm for alarm in map(known.alarm, _SILENCES) if alarm.state in OPEN)
    unjudged = [alarm.raised_at for alarm in open_ if alarm.raised_at is not None]
    known.habits.learn(event.at, event.listened / timedelta(days=1), unjudged)
    unjudged_uses = {
        key.scope
        for key, each in known.alarms.items()
        if key.kind in _OF_USE and each.state in OPEN
    }
    known.runs.learn(event.at, known.quiet_from(pet=False), unjudged_uses)
    gone = None if known.away is None else known.away.at
    whole = all(
        heard.liveness is Liveness.LIVE
        for heard in known.devices.values()
        if weeks.tells(heard.device)
    )
    known.routine.learn(event.at, known.tally, known.seen_from, gone, whole=whole)


def _silence_ended(known: Known, last: LifeSeen, event: LifeSeen) -> None:
    """Note the silence between two signs of life."""
    if _followed(known, last.at):
        known.habits.end(
            last.at,
            event.at,
            _ended(known),
            again=event.device == last.device,
            sure=event.at_home and event.phenomenon in evidence.BY_ITSELF,
            alone=not known.hears_all(),
        )
    elif _looked_after(known, last.at):
        known.habits.doubt = None


def _silence_closed(known: Known, event: CaseClosed, alarm: Alarm) -> None:
    """Note that somebody looked after a resident who had been silent."""
    goes_on = alarm.state in ACTIVE
    if event.outcome is Outcome.REAL:
        known.routine.forget(alarm.raised_at)
        known.routine.skip(event.at)
        known.habits.forget(alarm.raised_at)
    elif event.outcome is Outcome.FALSE:
        if goes_on or known.life is None or known.life.at <= alarm.since:
            # Somebody looked after the resident, and nothing was seen of them since.
            known.habits.doubt = None
        begin = None if known.life is None else known.life.at
        called = alarm.key == _INACTIVITY and goes_on
        if called and begin is not None and _followed(known, begin):
            # Somebody spoke with the resident, who showed no other sign of life yet.
            known.habits.end(begin, event.at, Ended.CALL, sure=True)
    if goes_on and event.outcome in _WORDS[alarm.key]:
        known.reached = event.at
    elif goes_on and alarm.key == _INACTIVITY:
        known.unreached = event.at


def _ended(known: Known) -> Ended:
    """How a silence ends that life ends now."""
    alarm = known.alarm(_INACTIVITY).state
    if alarm is AlarmState.PROMPTED:
        return Ended.ANSWER
    return Ended.CALL if alarm in ACTIVE else Ended.LIFE


def _followed(known: Known, begin: datetime) -> bool:
    """Whether a silence since then, over now, tells of the resident's habits."""
    trip = known.away is not None and known.away.reason is not AwayReason.OUTING
    morning = known.alarm(_NO_MORNING)
    # Since a person was looked after: who is in need has no habits. A late morning is one.
    closed = (
        known.alarm(_INACTIVITY).closed_at,
        morning.closed_at if morning.outcome is Outcome.REAL else None,
    )
    return (
        known.trusted
        and not trip
        and known.seen_from is not None
        and known.seen_from <= begin
        and known.unheard_since(begin) <= RESTART
        and all(at is None or at <= begin for at in (*closed, known.away_ended))
    )


def _looked_after(known: Known, begin: datetime) -> bool:
    """Whether a person was known to be well, or away, since then."""
    trip = known.away is not None and known.away.reason is not AwayReason.OUTING
    words = (known.reached, known.away_ended)
    return trip or any(at is not None and at > begin for at in words)


def _inside(known: Known, life: LifeSeen) -> bool:
    """Whether a sign of life came from a room that no outside door leads out of."""
    heard = known.devices.get(life.device)
    if heard is None or known.habits.context(life.at) is Context.INSIDE:
        return False
    devices = (each.device for each in known.devices.values())
    return all(each.room != heard.device.room for each in devices if each.outside_door)


def _day_seen(known: Known, event: LifeSeen) -> None:
    """See whether the day begins with a sign of life."""
    routine, at = known.routine, event.at
    watch = routine.watch
    if watch is None or at < watch:
        return
    pressed = event.phenomenon is Phenomenon.BUTTON
    if routine.stir(at, pressed=pressed, rooms=known.habits.rooms):
        learn = known.away is None and _followed(known, watch)
        routine.begin(at, learn=learn and not known.tally.gaps(watch, at))


def _went_out(known: Known, last: LifeSeen) -> None:
    """Note that nobody showed life for a while after `last`, if that was an outside door."""
    alarm = known.alarm(_WANDERING)
    raised = alarm.raised_at is not None and alarm.raised_at >= last.at
    if known.trusted and not raised and known.is_door(last.device):
        known.routine.went_out(last.at)

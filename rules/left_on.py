"""A heater or a cooker that runs on with nobody about, and a lamp that burns for days.

The limit is the rulebook's, or longer where this device has usually run for longer in just that
way: an electric blanket by night is no danger to whoever sleeps under it every night. It says
something of a device, not of a person: who went out with the stove on is told of as well. Whether
a plug that was taken away, or is for something else now, is off nobody knows: its case stays until
the center closes it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState
from rules.decision import Decision
from rules.device import Liveness, Use
from rules.observation import DeviceId, Phenomenon
from rules.registers import Alarm
from rules.rulebook import LeftOn, Rulebook
from rules.runs import PAUSE, Run
from rules.sentence import Explanation, Say, sentence
from rules.state import State

_MARGIN = 1.25
"A night is not as long as the night before."


def due(state: State, book: Rulebook) -> datetime | None:
    """When `settle` has something to do."""
    return min((at for _, at in _pending(state, book)), default=None) if state.runs.now else None


def settle(decision: Decision) -> None:
    """Raise what has run for too long, and clear what is off."""
    state, now = decision.state, decision.now
    if not state.runs.now:
        return
    for id_ in [id_ for id_, at in _pending(state, decision.book) if now >= at]:
        run = state.runs.now[id_]
        if run.paused is None:
            decision.escalate(_key(id_), _explain(decision, id_, run), room=decision.room(id_))
        else:
            _clear(decision, id_, run.paused)


def _pending(state: State, book: Rulebook) -> Iterator[tuple[DeviceId, datetime]]:
    """Each device of which something falls due, and when."""
    quiet = _quiet_from(state, book)
    held = not book.left_on.enabled or quiet is None or state.inactivity_stands
    for id_, run in state.runs.now.items():
        alarm = state.alarms.get(_key(id_))
        if alarm is not None and alarm.state in ACTIVE:
            if run.paused is not None:
                yield id_, run.paused + PAUSE
        elif quiet is None or held or run.paused is not None or _is_told(alarm, run):
            continue
        elif run.use is Use.LIGHT and state.away is not None:
            continue  # A lamp that burns in an empty home sets fire to nothing.
        elif state.devices[id_].liveness is Liveness.LIVE:
            yield id_, _since(state, run, quiet) + _limit(state, book.left_on, id_, run.use)


def _quiet_from(state: State, book: Rulebook) -> datetime | None:
    """Since when nobody being about would have been seen; None while it could not."""
    if state.away is None:
        return state.quiet_from(pet=book.evidence.pet)
    seen = state.sees_since(pet=book.evidence.pet)
    return None if seen is None else max(seen, state.listened_from or seen)


def _is_told(alarm: Alarm | None, run: Run) -> bool:
    """Whether a person knows of this run, or wants to hear nothing of the device."""
    if alarm is None:
        return False
    told = alarm.closed_at is not None and alarm.closed_at > run.begin
    return told or alarm.state is AlarmState.SHELVED


def _since(state: State, run: Run, quiet: datetime) -> datetime:
    """From when on its time counts."""
    if run.use is Use.LIGHT:
        return _heard_since(state, run)
    return max(_heard_since(state, run), quiet, state.runs.stirred or quiet)


def _heard_since(state: State, run: Run) -> datetime:
    """From when on it is known to run."""
    return max(run.heard, state.listened_from or run.heard)


def _limit(state: State, rule: LeftOn, id_: DeviceId, use: Use) -> timedelta:
    usual = state.runs.usual.get(id_)
    fixed = _fixed(rule, use)
    return fixed if usual is None else max(fixed, _MARGIN * usual.longest)


def _fixed(rule: LeftOn, use: Use) -> timedelta:
    match use:
        case Use.HEATING:
            return rule.heating
        case Use.COOKING:
            return rule.cooking
        case Use.LIGHT:
            return rule.light


def _clear(decision: Decision, id_: DeviceId, at: datetime) -> None:
    said = sentence(Say.SWITCHED_OFF, at=at, room=decision.room(id_), device=id_)
    decision.clear(_key(id_), (said,))


def _explain(decision: Decision, id_: DeviceId, run: Run) -> Explanation:
    state, room = decision.state, decision.room(id_)
    known = state.runs.usual.get(id_)
    usual = timedelta() if known is None else known.longest
    # Before there is a habit it is the rulebook that was passed.
    why = {"usual": usual} if usual else {"limit": _fixed(decision.book.left_on, run.use)}
    since = _heard_since(state, run)
    said = [sentence(Say.LEFT_ON, since=since, room=room, device=id_, **why)]
    power = state.devices[id_].readings.get(Phenomenon.POWER_W)
    if power is not None:
        said.append(sentence(Say.LEFT_ON_POWER, value=float(power.value)))
    stirred = state.runs.stirred
    if run.use is not Use.LIGHT and stirred is not None:
        said.append(sentence(Say.NO_LIFE_SINCE, since=stirred, silence=decision.now - stirred))
    if state.away is not None:
        said.append(sentence(Say.WENT_OUT, at=state.away.at))
    return tuple(said)


def _key(id_: DeviceId) -> AlarmKey:
    return AlarmKey(AlarmKind.LEFT_ON, id_)

"""Whether devices keep their reporting contract, and whether the home can be seen at all.

A device is stale or dead by listening time: while the gateway itself was down, nobody could have
heard it. A still person never looks like a dead sensor, nor a dead sensor like a still person.
"""

from datetime import datetime

from rules import evidence
from rules.alarm import ACTIVE, AlarmKey, AlarmKind
from rules.decision import Decision
from rules.device import Liveness
from rules.events import LivenessChanged
from rules.observation import Observation, Phenomenon
from rules.rulebook import Health
from rules.sentence import Say, Sentence, sentence
from rules.state import Heard, State

BLIND = AlarmKey(AlarmKind.HOME_BLIND)
_BLIND_LEVEL = 2
_BATTERY_BACK_PCT = 10.0
PHENOMENA = frozenset({Phenomenon.BATTERY_PCT, Phenomenon.TAMPER})


def observe(decision: Decision, seen: Observation) -> None:
    """Battery and tamper contacts."""
    room = decision.room(seen.device)
    if seen.phenomenon is Phenomenon.TAMPER:
        key = AlarmKey(AlarmKind.TAMPER, seen.device)
        said = sentence(Say.TAMPERED, at=decision.now, room=room, device=seen.device)
        report(decision, key, said, present=bool(seen.value))
        return
    key = AlarmKey(AlarmKind.BATTERY_LOW, seen.device)
    level = float(seen.value)
    limit = decision.book.health.battery_low
    low = level <= limit + (_BATTERY_BACK_PCT if decision.state.alarm(key).present else 0.0)
    said = sentence(Say.BATTERY_LOW, at=decision.now, room=room, device=seen.device, value=level)
    report(decision, key, said, present=low)


def report(decision: Decision, key: AlarmKey, said: Sentence, *, present: bool) -> None:
    """Raise or clear a technical fault without delay."""
    decision.change(key, present=present)
    if present:
        decision.escalate(key, (said,), room=decision.room(key.scope))
    else:
        decision.clear(key, (sentence(Say.FAULT_OVER, at=decision.now),))


def heard_again(decision: Decision, heard: Heard) -> None:
    """A device that was not live has just been heard."""
    device = heard.device
    decision.emit(LivenessChanged(decision.now, device.id, Liveness.LIVE))
    key = AlarmKey(AlarmKind.DEVICE, device.id)
    decision.change(key, present=False)
    decision.clear(
        key, (sentence(Say.DEVICE_BACK, at=decision.now, room=device.room, device=device.id),)
    )
    if not blind(decision.state):
        decision.change(BLIND, present=False)
        decision.clear(BLIND, (sentence(Say.HOME_SEES_AGAIN, at=decision.now),))


def next_check(state: State, limits: Health) -> datetime | None:
    """The earliest moment at which some device passes a limit of its contract.

    A lower bound stays right while devices are heard, so it is worked out only now and then.
    """
    return min(
        (at for heard in state.devices.values() if (at := _next_limit(heard, limits)) is not None),
        default=None,
    )


def check(decision: Decision) -> None:
    """Move every device whose contract is broken, and see whether the home went blind."""
    limits, now = decision.book.health, decision.now
    for heard in list(decision.state.devices.values()):
        at = _next_limit(heard, limits)
        while at is not None and now >= at:
            worse = Liveness.STALE if heard.liveness is Liveness.LIVE else Liveness.DEAD
            decision.emit(LivenessChanged(now, heard.device.id, worse))
            at = _next_limit(heard, limits)
    _check_sight(decision)


def report_dead(decision: Decision) -> None:
    """Raise the fault of each dead device, unless a power cut explains it."""
    for heard in list(decision.state.devices.values()):
        if heard.liveness is Liveness.DEAD:
            _report_dead(decision, heard)


def blind(state: State) -> bool:
    """Whether devices watch the resident, but none of them is live now."""
    watching = [heard for heard in state.devices.values() if evidence.watches(heard.device)]
    return bool(watching) and all(heard.liveness is not Liveness.LIVE for heard in watching)


def _next_limit(heard: Heard, limits: Health) -> datetime | None:
    periods: int
    match heard.liveness:
        case Liveness.LIVE:
            periods = limits.stale_after
        case Liveness.UNKNOWN | Liveness.STALE:
            periods = limits.dead_after
        case Liveness.DEAD:
            return None
    return (heard.heard or heard.since) + periods * heard.device.report_every


def _report_dead(decision: Decision, heard: Heard) -> None:
    device = heard.device
    key = AlarmKey(AlarmKind.DEVICE, device.id)
    outage = decision.state.alarm(AlarmKey(AlarmKind.MAINS_OUTAGE))
    if outage.state in ACTIVE and device.mains_powered:
        return  # One fault tells of the power cut; twenty would hide it.
    decision.change(key, present=True)
    if heard.last_seen is None:
        said = sentence(
            Say.DEVICE_NEVER_HEARD, room=device.room, device=device.id, since=heard.since
        )
    else:
        said = sentence(
            Say.DEVICE_DEAD,
            last=heard.last_seen,
            room=device.room,
            device=device.id,
            every=device.report_every,
        )
    alarm = decision.state.alarm(key)
    if alarm.closed_at is None or alarm.closed_at < alarm.changed_at:
        decision.escalate(key, (said,), room=device.room)


def _check_sight(decision: Decision) -> None:
    state = decision.state
    now_blind = blind(state) and not any(
        heard.liveness is Liveness.UNKNOWN for heard in state.devices.values()
    )
    if now_blind and not state.alarm(BLIND).present:
        watching = [heard for heard in state.devices.values() if evidence.watches(heard.device)]
        last = max((heard.last_seen for heard in watching if heard.last_seen), default=None)
        decision.change(BLIND, present=True)
        said = sentence(
            Say.HOME_BLIND,
            since=last or state.started,
            dead=len(watching),
            devices=len(state.devices),
        )
        decision.escalate(BLIND, (said,), level=_BLIND_LEVEL)

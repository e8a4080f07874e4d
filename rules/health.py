"""Whether devices keep their reporting contract, and whether the home can be seen at all.

A device is stale or dead by listening time: while the gateway itself was down, nobody could have
heard it. A still person never looks like a dead sensor, nor a dead sensor like a still person.
"""

from datetime import datetime

from rules import mains, registers
from rules.alarm import AlarmKey, AlarmKind
from rules.decision import Decision
from rules.device import Liveness
from rules.events import LivenessChanged
from rules.observation import Observation, Phenomenon
from rules.registers import Heard
from rules.rulebook import Health
from rules.sentence import Say, Sentence, sentence
from rules.state import State

BLIND = AlarmKey(AlarmKind.HOME_BLIND)
_BATTERY_BACK_PCT = 10.0
PHENOMENA = frozenset({Phenomenon.BATTERY_PCT, Phenomenon.TAMPER})


def observe(decision: Decision, seen: Observation) -> None:
    """Battery and tamper contacts: told when they change, not with every report."""
    room = decision.room(seen.device)
    if seen.phenomenon is Phenomenon.TAMPER:
        key = AlarmKey(AlarmKind.TAMPER, seen.device)
        said = sentence(Say.TAMPERED, at=decision.now, room=room, device=seen.device)
        present = bool(seen.value)
    else:
        key = AlarmKey(AlarmKind.BATTERY_LOW, seen.device)
        level = float(seen.value)
        back = _BATTERY_BACK_PCT if decision.state.alarm(key).present else 0.0
        present = level <= decision.book.health.battery_low + back
        said = sentence(
            Say.BATTERY_LOW, at=decision.now, room=room, device=seen.device, value=level
        )
    if present != decision.state.alarm(key).present:
        report(decision, key, said, present=present)


def report(decision: Decision, key: AlarmKey, said: Sentence, *, present: bool) -> None:
    """Raise or clear a technical fault without delay; one that was closed is raised again."""
    decision.change(key, present=present)
    if present:
        decision.escalate(key, (said,), room=decision.room(key.scope))
    else:
        over(decision, key)


def over(decision: Decision, key: AlarmKey) -> None:
    """End a technical fault."""
    decision.change(key, present=False)
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
    check_sight(decision)


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
    check_sight(decision)


def report_dead(decision: Decision) -> None:
    """Raise the fault of each dead device, unless a power cut explains it."""
    for heard in list(decision.state.devices.values()):
        if heard.liveness is Liveness.DEAD:
            _report_dead(decision, heard)


def check_sight(decision: Decision) -> None:
    """See whether the home is blind: none of the devices that watch the resident is live.

    One that was never heard may still come; it is lost when its time is up. Where nobody lives
    there is nothing to be blind to. Where all that would watch shows machines alone, or an animal
    as well, the home is blind with the first of them that is heard.
    """
    state = decision.state
    watching, said = _watching(decision) if decision.book.inactivity.enabled else ([], None)
    sees = said is None and any(heard.liveness is Liveness.LIVE for heard in watching)
    if state.alarm(BLIND).present:
        if sees:
            decision.change(BLIND, present=False)
            decision.clear(BLIND, (sentence(Say.HOME_SEES_AGAIN, at=decision.now),))
        elif not watching:
            over(decision, BLIND)
    elif not sees and any(heard.liveness is not Liveness.UNKNOWN for heard in watching):
        last = max((heard.last_seen for heard in watching if heard.last_seen), default=None)
        lost = sentence(
            Say.HOME_BLIND,
            since=last or state.started,
            dead=len(watching),
            devices=len(state.devices),
        )
        report(decision, BLIND, said or lost, present=True)


def _watching(decision: Decision) -> tuple[list[Heard], Sentence | None]:
    """The devices that watch the resident; where none does those that seem to, and why not."""
    devices, pet = decision.state.devices.values(), decision.book.evidence.pet
    watching = registers.watching(devices, pet=pet)
    if watching:
        return watching, None
    machines = [heard for heard in devices if registers.shows_machines(heard, pet=pet)]
    if machines:
        return machines, sentence(Say.HOME_BLIND_BY_MACHINES, since=decision.now)
    misled = registers.watching(devices, pet=False)
    return misled, sentence(Say.HOME_BLIND_BESIDE_PET, since=decision.now)


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
    if mains.out(decision.state) and device.mains_powered:
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

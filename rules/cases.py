"""What people do with alarms: take, close, shelve, drill; and what technical parts report."""

from datetime import datetime, timedelta

from rules import hazard
from rules.alarm import OPEN, PERSON_IN_DANGER, AlarmKey, AlarmKind, AlarmState, Move
from rules.command import Signal
from rules.decision import Decision
from rules.events import CaseClosed, CaseTaken, CommandEnded
from rules.health import report
from rules.inputs import Closed, CommandResult, Drill, Shelve, Taken, Technical
from rules.observation import DeviceId
from rules.sentence import Say, sentence
from rules.state import State

DRILL_SCOPE = DeviceId("drill")
DRILL = AlarmKey(AlarmKind.SOS, DRILL_SCOPE)
SHELVED_AT_MOST = timedelta(hours=24)


def taken(decision: Decision, item: Taken) -> None:
    """A person has the case: sirens fall silent, the resident is told."""
    key = decision.state.cases.get(item.serial)
    if key is None:
        return
    decision.emit(CaseTaken(decision.now, item.serial, item.by))
    alarm = decision.state.alarm(key)
    if alarm.serial != item.serial or alarm.state is not AlarmState.RAISED:
        return
    decision.move(key, Move.ACKNOWLEDGE)
    if key.kind in PERSON_IN_DANGER and not alarm.drill:
        decision.hush()
        decision.ask(Signal.TAKEN)


def closed(decision: Decision, item: Closed) -> None:
    """The center is done with the case. A closed inactivity starts a new silence."""
    key = decision.state.cases.get(item.serial)
    if key is None:
        return
    decision.emit(CaseClosed(decision.now, item.serial, item.outcome))
    alarm = decision.state.alarm(key)
    if alarm.serial != item.serial or alarm.state not in OPEN:
        return
    drill = alarm.drill
    decision.move(key, Move.CLOSE)
    if key.kind in PERSON_IN_DANGER and not drill and not hazard.any_active(decision.state):
        decision.hush()


def refusal_to_shelve(state: State, item: Shelve, now: datetime) -> str | None:
    """Why this alarm cannot be shelved, None if it can."""
    alarm = state.alarm(item.alarm)
    if item.alarm.kind is AlarmKind.SOS:
        return "a call for help is never held back"
    if item.until > now + SHELVED_AT_MOST:
        return "an alarm can be shelved for 24 h at most"
    if alarm.state in OPEN:
        return "its case is open at the center: have it closed first"
    return None


def shelved(decision: Decision, item: Shelve) -> None:
    """Hold an alarm back until a moment; what cannot be shelved stays as it is."""
    state = decision.state.alarm(item.alarm).state
    if state is AlarmState.SHELVED:
        decision.move(item.alarm, Move.UNSHELVE)
    elif state is AlarmState.PROMPTED:
        decision.hush()
    if item.until > decision.now and not refusal_to_shelve(decision.state, item, decision.now):
        decision.move(item.alarm, Move.SHELVE, item.until)


def unshelve_due(decision: Decision) -> None:
    """End every shelving that has run out; a fault that is still there is then raised."""
    for alarm in list(decision.state.alarms.values()):
        if (
            alarm.state is AlarmState.SHELVED
            and alarm.until is not None
            and decision.now >= alarm.until
        ):
            decision.move(alarm.key, Move.UNSHELVE)


def technical(decision: Decision, item: Technical) -> None:
    """A condition that the gateway or a driver found in itself."""
    report(decision, AlarmKey(item.kind, item.scope), item.sentence, present=item.present)


def drilled(decision: Decision, item: Drill) -> None:
    """Send a test alarm the whole way; a second one replaces none that is still open."""
    del item
    decision.escalate(DRILL, (sentence(Say.DRILL),), drill=True)


def answered(decision: Decision, item: CommandResult) -> None:
    """A driver carried a command out, or says why not."""
    sent = decision.state.commands.get(item.id)
    if sent is not None:
        _ended(decision, item.id, sent.command.device, ok=item.refusal is None)


def expire_commands(decision: Decision) -> None:
    """A command without an answer in time is a fault; the alarm's own deadline stays."""
    for id_, sent in list(decision.state.commands.items()):
        if decision.now >= sent.command.expires:
            _ended(decision, id_, sent.command.device, ok=False)


def _ended(decision: Decision, id_: int, device: DeviceId, *, ok: bool) -> None:
    decision.emit(CommandEnded(decision.now, id_, ok))
    key = AlarmKey(AlarmKind.COMMAND_FAILED, device)
    if ok and not decision.state.alarm(key).present:
        return
    said = sentence(Say.COMMAND_FAILED, at=decision.now, room=decision.room(device), device=device)
    report(decision, key, said, present=not ok)

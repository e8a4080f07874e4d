"""What people do with alarms: take, close, shelve, drill; and what technical parts report."""

from datetime import datetime, timedelta

from rules.alarm import OPEN, AlarmKey, AlarmKind, AlarmState, Category, Move
from rules.command import Command, Refusal, Signal
from rules.decision import Decision
from rules.errors import Phrase, phrase
from rules.events import CaseClosed, CaseTaken, CommandEnded
from rules.health import report
from rules.inputs import Closed, CommandResult, Drill, Shelve, Taken, Technical
from rules.observation import DeviceId
from rules.registers import Alarm
from rules.sentence import Say, sentence
from rules.state import State

DRILL_SCOPE = DeviceId("drill")
DRILL = AlarmKey(AlarmKind.SOS, DRILL_SCOPE)
SHELVED_AT_MOST = timedelta(hours=24)


def taken(decision: Decision, item: Taken) -> None:
    """A person has the case: its siren falls silent, the resident is told (`rules.signals`)."""
    key = decision.state.cases.get(item.serial)
    if key is None:
        return
    decision.emit(CaseTaken(decision.now, item.serial, item.by))
    alarm = decision.state.alarm(key)
    if alarm.serial == item.serial and alarm.state is AlarmState.RAISED:
        decision.move(key, Move.ACKNOWLEDGE)


def closed(decision: Decision, item: Closed) -> None:
    """The center is done with the case. A closed inactivity starts a new silence."""
    key = decision.state.cases.get(item.serial)
    if key is None:
        return
    decision.emit(CaseClosed(decision.now, item.serial, item.outcome))
    alarm = decision.state.alarm(key)
    if alarm.serial == item.serial and alarm.state in OPEN:
        decision.move(key, Move.CLOSE)


def refusal_to_shelve(state: State, item: Shelve, now: datetime) -> Phrase | None:
    """Why this alarm cannot be shelved, None if it can."""
    alarm = state.alarm(item.alarm)
    if item.alarm.kind is AlarmKind.SOS:
        return phrase("a call for help is never held back")
    if item.until > now + SHELVED_AT_MOST:
        return phrase("an alarm can be shelved for 24 h at most")
    if alarm.state in OPEN:
        return phrase("its case is open at the center: have it closed first")
    return None


def shelved(decision: Decision, item: Shelve) -> None:
    """Hold an alarm back until a moment; what cannot be shelved stays as it is."""
    if refusal_to_shelve(decision.state, item, decision.now):
        return
    alarm = decision.state.alarm(item.alarm)
    ends = item.until <= decision.now
    if alarm.state is AlarmState.SHELVED:
        decision.move(item.alarm, Move.UNSHELVE)
        if ends:
            _tell_what_stands(decision, alarm)
    if not ends:
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
            _tell_what_stands(decision, alarm)


def shelve_no_longer(decision: Decision) -> None:
    """Cut shelvings that a clock set back has made longer than anybody may shelve."""
    longest = decision.now + SHELVED_AT_MOST
    for alarm in list(decision.state.alarms.values()):
        if alarm.state is AlarmState.SHELVED and alarm.until is not None and alarm.until > longest:
            decision.move(alarm.key, Move.UNSHELVE)
            decision.move(alarm.key, Move.SHELVE, longest)


def technical(decision: Decision, item: Technical) -> None:
    """A condition that the gateway or a driver found in itself."""
    report(decision, AlarmKey(item.kind, item.scope), item.sentence, present=item.present)


def drilled(decision: Decision, item: Drill) -> None:
    """Send a test alarm the whole way; a second one replaces none that is still open."""
    del item
    decision.escalate(DRILL, (sentence(Say.DRILL),), level=1, drill=True)


def answered(decision: Decision, item: CommandResult) -> None:
    """A driver carried a command out, or says why not."""
    sent = decision.state.commands.get(item.id)
    if sent is not None:
        _ended(decision, sent.command, item.refusal)


def expire_commands(decision: Decision) -> None:
    """A command without an answer in time is a fault; the alarm's own deadline stays."""
    for sent in list(decision.state.commands.values()):
        if decision.now >= sent.command.expires:
            _ended(decision, sent.command, Refusal.EXPIRED)


def _ended(decision: Decision, command: Command, why: Refusal | None) -> None:
    ok, device = why is None, command.device
    decision.emit(CommandEnded(decision.now, command.id, ok=ok, why=why))
    key = AlarmKey(AlarmKind.COMMAND_FAILED, device)
    if ok and not decision.state.alarm(key).present:
        return
    if not ok and command.signal is Signal.IDENTIFY:
        return  # Whoever asked is told, and stands beside it; a firmware may not know it.
    said = sentence(Say.COMMAND_FAILED, at=decision.now, room=decision.room(device), device=device)
    report(decision, key, said, present=not ok)


def _tell_what_stands(decision: Decision, alarm: Alarm) -> None:
    """Raise a fault whose shelving has just ended, if it is there. Dangers look by themselves."""
    if alarm.present and alarm.key.kind.category is Category.FAULT:
        said = sentence(Say.STILL_ACTIVE, since=alarm.changed_at)
        decision.escalate(alarm.key, (said,), room=decision.room(alarm.key.scope))

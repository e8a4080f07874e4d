"""What lights, buzzers, voices and sirens express, worked out from all alarms together.

No rule sends a signal: after each decision what every output should express is held against what
it was last told, and only the difference is sent. So the end of one alarm never silences another.
"""

from dataclasses import dataclass
from datetime import timedelta

from rules.alarm import ASKED, PERSON_IN_DANGER, SOUNDED, AlarmKind, AlarmState
from rules.command import Command, Signal
from rules.decision import Decision
from rules.device import ASKING, WARNING, Device, Output
from rules.events import Commanded, CommandEnded
from rules.observation import DeviceId
from rules.rulebook import Rulebook
from rules.state import State

COMMAND_WITHIN = timedelta(seconds=10)
"A driver answers a command within this, or it is a fault."


def settle(decision: Decision, *, anew: bool = False) -> None:
    """Tell every output what it should express and was not told yet.

    Args:
        decision: all that was decided on the item at hand.
        anew: tell what is to be expressed once more; a device may have forgotten it, or never
            heard of it.

    """
    state = decision.state
    wanted = _wanted(state, decision.book)
    if wanted is None and not any(heard.shown for heard in state.devices.values()):
        return
    for heard in list(state.devices.values()):
        device = heard.device
        for output in (output for output in Output if output in device.outputs):
            signal = Signal.OFF if wanted is None else wanted.at(device, output)
            shown = heard.shown.get(output, Signal.OFF)
            if signal is not shown or (anew and signal is not Signal.OFF):
                until = decision.now + COMMAND_WITHIN
                order = Command(state.next_command, device.id, output, signal, until)
                decision.emit(Commanded(decision.now, order))


def forget_commands(decision: Decision, devices: frozenset[DeviceId] | None = None) -> None:
    """Wait no longer for the answers of `devices`, or of all; that is nobody's fault."""
    for id_, sent in list(decision.state.commands.items()):
        if devices is None or sent.command.device in devices:
            decision.emit(CommandEnded(decision.now, id_, ok=False))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is going on in the home that outputs can express."""

    danger: bool
    callers: frozenset[DeviceId]
    "Whose call for help nobody has taken yet."
    everywhere: bool
    "One of them cannot answer its caller itself: all devices do."
    asked: bool
    taken: bool

    def at(self, device: Device, output: Output) -> Signal:
        """The weightiest of what this output can express."""
        if self.danger and output in WARNING:
            return Signal.HAZARD
        if output in ASKING:
            if device.id in self.callers or self.everywhere:
                return Signal.SOS_SENT
            if self.asked:
                return Signal.PROMPT
            if self.taken:
                return Signal.TAKEN
        return Signal.OFF


def _wanted(state: State, book: Rulebook) -> _Wanted | None:
    danger = taken = asked = False
    callers: set[DeviceId] = set()
    for key, alarm in state.alarms.items():
        if key.kind not in PERSON_IN_DANGER or alarm.drill:
            continue
        if alarm.state is AlarmState.ACKNOWLEDGED:
            taken = True
        elif key.kind in ASKED:
            asks = alarm.state in {AlarmState.PROMPTED, AlarmState.RAISED}
            asked = asked or (asks and book.inactivity.prompt)
        elif alarm.state is AlarmState.RAISED:
            if key.kind in SOUNDED:
                danger = danger or book.hazard.siren
            elif key.kind is AlarmKind.SOS and key.scope is not None:
                callers.add(key.scope)
    if not (danger or callers or asked or taken):
        return None
    everywhere = any(
        caller not in state.devices or state.devices[caller].device.outputs.isdisjoint(ASKING)
        for caller in callers
    )
    return _Wanted(danger, frozenset(callers), everywhere, asked, taken)

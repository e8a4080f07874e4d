"""A technician asks which device is which: one light or buzzer shows itself, and no alarm does it.

It ends by itself at the device, so nothing is remembered of it but that the command is under way.
"""

from typing import Final

from rules.command import Command, Signal
from rules.decision import Decision
from rules.device import Output
from rules.errors import Phrase, phrase
from rules.events import Commanded
from rules.inputs import Identify
from rules.observation import DeviceId
from rules.signals import COMMAND_WITHIN
from rules.state import State

SHOWING: Final = (Output.LIGHT, Output.BUZZER, Output.VOICE)
"The least disturbing first. A siren frightens, and a relay may be somebody's fridge."


def refusal_to_identify(state: State, device: DeviceId) -> Phrase | None:
    """Why a device cannot show itself now, None if it can."""
    heard = state.devices.get(device)
    if heard is None:
        return phrase("there is no such device here; `ongi devices list` shows them")
    if heard.device.outputs.isdisjoint(SHOWING):
        return phrase("it has neither a light nor a buzzer that could show it")
    if heard.shown:
        return phrase("an alarm uses its light or buzzer just now; `ongi status` shows which")
    if any(sent.command.device == device for sent in state.commands.values()):
        return phrase("it has not answered the last command yet; try again in ten seconds")
    return None


def asked(decision: Decision, item: Identify) -> None:
    """Have the device show itself; one that cannot stays as it is."""
    state = decision.state
    if refusal_to_identify(state, item.device) is not None:
        return
    outputs = state.devices[item.device].device.outputs
    output = next(output for output in SHOWING if output in outputs)
    until = decision.now + COMMAND_WITHIN
    order = Command(state.next_command, item.device, output, Signal.IDENTIFY, until)
    decision.emit(Commanded(decision.now, order))

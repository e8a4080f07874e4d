"""Asking the resident before help is called: alike for every alarm that can wait for an answer."""

from datetime import timedelta

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.device import ASKING
from rules.rulebook import Rulebook
from rules.sentence import Explanation, Say, sentence
from rules.state import State


def wait(state: State, book: Rulebook) -> timedelta:
    """How long a prompt lasts; nothing where nobody can be asked."""
    asks = book.inactivity.prompt and state.can_ask
    return book.inactivity.prompt_wait if asks else timedelta()


def told(state: State, book: Rulebook, key: AlarmKey) -> Explanation:
    """What became of asking before this alarm, which is about to be raised."""
    alarm = state.alarm(key)
    if alarm.state is AlarmState.PROMPTED and _was_asked(state):
        return (sentence(Say.PROMPT_UNANSWERED, at=alarm.since),)
    if alarm.state is AlarmState.PROMPTED or (book.inactivity.prompt and not state.can_ask):
        return (sentence(Say.PROMPT_IMPOSSIBLE),)
    return ()


def _was_asked(state: State) -> bool:
    """Whether some device that can ask has not failed to."""
    return any(
        not heard.device.outputs.isdisjoint(ASKING)
        and not state.alarm(AlarmKey(AlarmKind.COMMAND_FAILED, id_)).present
        for id_, heard in state.devices.items()
    )

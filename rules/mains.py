"""A power cut: several devices on the mains say so, or fall silent together."""

from datetime import datetime

from rules.alarm import AlarmKey, AlarmKind
from rules.decision import Decision
from rules.device import Liveness
from rules.observation import Phenomenon
from rules.registers import Heard
from rules.rulebook import Rulebook
from rules.sentence import Say, sentence
from rules.state import State

KEY = AlarmKey(AlarmKind.MAINS_OUTAGE)


def check(decision: Decision) -> None:
    """Raise one fault for the home when enough devices are without mains; clear it after.

    To be called when a device's liveness, a `mains_ok` or the registry changed. What the center
    closed while the power is still out is not told again.
    """
    state, book = decision.state, decision.book
    powered = [heard for heard in state.devices.values() if book.mains.enabled and _tells(heard)]
    lost = [heard for heard in powered if _without_mains(heard)]
    needed = max(book.mains.devices, (len(powered) + 1) // 2)
    known = out(state)
    if not known and len(lost) >= needed:
        began = _together(lost, needed, book)
        if began is None:
            return
        decision.change(KEY, present=True)
        said = sentence(Say.MAINS_OUTAGE, at=began, lost=len(lost), devices=len(powered))
        decision.escalate(KEY, (said,))
    elif known and len(lost) < needed:
        decision.change(KEY, present=False)
        decision.clear(KEY, (sentence(Say.MAINS_BACK, at=decision.now),))


def out(state: State) -> bool:
    """Whether a power cut is known and not over."""
    return state.alarm(KEY).present


def _tells(heard: Heard) -> bool:
    return heard.device.mains_powered or Phenomenon.MAINS_OK in heard.device.phenomena


def _without_mains(heard: Heard) -> bool:
    reading = heard.readings.get(Phenomenon.MAINS_OK)
    if reading is not None and heard.liveness is Liveness.LIVE:
        return not reading.value
    return heard.device.mains_powered and heard.liveness in {Liveness.STALE, Liveness.DEAD}


def _lost_at(heard: Heard) -> datetime | None:
    reading = heard.readings.get(Phenomenon.MAINS_OK)
    if reading is not None and not reading.value:
        return reading.at
    return heard.last_seen


def _together(lost: list[Heard], needed: int, book: Rulebook) -> datetime | None:
    """When `needed` of them were lost within the window; None if they went one by one.

    A device is last heard up to one reporting period before the power goes: that is its slack.
    """
    moments = sorted(
        (at, heard.device.report_every) for heard in lost if (at := _lost_at(heard)) is not None
    )
    for first in range(len(moments) - needed + 1):
        last = moments[first + needed - 1]
        slack = max(every for _, every in moments[first : first + needed])
        if last[0] - moments[first][0] <= book.mains.within + slack:
            return last[0]
    return None

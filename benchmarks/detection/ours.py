"""The learned rule as it is measured, and the resident who answers its prompts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from benchmarks.detection.asked import Budget, Method
from benchmarks.detection.record import Record
from benchmarks.detection.stream import Stream
from rules.rulebook import PRESETS, Preset, Rulebook

_ASK_EVERY: Final = timedelta(days=3.5)
"Two prompts a week."


def book(method: Method, budget: Budget, home: Rulebook) -> Rulebook:
    """The rules of someone who lives alone, with what the installer said of this home."""
    base = PRESETS[Preset.LIVING_ALONE]
    asks = method is Method.ONGI_PROMPT
    learned = replace(
        base.inactivity,
        learn=True,
        false_call_every=timedelta(days=budget.days),
        prompt=asks,
        ask_every=_ASK_EVERY,
    )
    return replace(base, inactivity=learned, away=home.away, evidence=home.evidence)


def watching(home: Rulebook) -> Rulebook:
    """Rules that only gather evidence."""
    base = PRESETS[Preset.LIVING_ALONE]
    none = replace(base.inactivity, enabled=False, prompt=False)
    return replace(base, inactivity=none, away=home.away, evidence=home.evidence)


def answers(
    record: Record, stream: Stream, share: float, random: Random
) -> Callable[[datetime], bool]:
    """Whether a prompt is answered: by so many, if somebody is at home, in hindsight."""

    def answer(at: datetime) -> bool:
        silence = record.silence_at(stream.seconds(at))
        is_willing = random.random() < share
        return is_willing and silence is not None and record.is_home(*silence)

    return answer

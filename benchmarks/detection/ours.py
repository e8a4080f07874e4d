"""The learned rule as it is measured, and the resident who answers its prompts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import Random

from benchmarks.detection.asked import Budget, Method
from benchmarks.detection.record import Record
from benchmarks.detection.stream import Stream
from rules.rulebook import PRESETS, Preset, Rulebook


def book(method: Method, budget: Budget, home: Rulebook) -> Rulebook:
    """The rules of someone who lives alone, with what the installer said of this home."""
    base = PRESETS[Preset.LIVING_ALONE]
    del method, budget
    return replace(base, away=home.away, evidence=home.evidence)


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

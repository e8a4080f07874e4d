"""What was asked of a run, and the constants of the protocol."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0
WARM_UP: Final = timedelta(days=28)
SHORTEST: Final = timedelta(days=60)
"A shorter home is not scored."
ABSENCE_S: Final = 36 * HOUR_S
"A longer silence is an absence."
CENSORED_S: Final = 72 * HOUR_S
JUST_ACTIVE_S: Final = 300.0
DAY_HOURS: Final = range(7, 22)


class Budget(StrEnum):
    """How often a false alarm is allowed."""

    MONTH = "per_30d_1"
    HALF_YEAR = "per_180d_1"

    @property
    def days(self) -> int:
        """One false alarm in so many days."""
        return 30 if self is Budget.MONTH else 180


class Method(StrEnum):
    """What is compared."""

    ONGI = "ongi"
    ONGI_PROMPT = "ongi_prompt"
    CONSTANT = "constant"
    CUDDIHY = "cuddihy"
    FIXED_24 = "fixed24"
    FIXED_36 = "fixed36"
    FIXED_50 = "fixed50"


OURS: Final = (Method.ONGI, Method.ONGI_PROMPT)
FIXED_H: Final = {Method.FIXED_24: 24, Method.FIXED_36: 36, Method.FIXED_50: 50}


class Noise(StrEnum):
    """A stream with spurious events after the collapse."""

    ONE = "noisy1"
    THREE = "noisy3"

    @property
    def per_day(self) -> int:
        """Spurious events a day."""
        return 1 if self is Noise.ONE else 3


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a run."""

    seed: int = 1
    moments: int = 6_000
    "Of each home: those of all seeds together."
    answers: float = 0.9
    "The chance that a healthy resident at home answers a prompt."
    methods: tuple[Method, ...] = tuple(Method)

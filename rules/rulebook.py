"""The rules of a site as data: what may be set, its limits, and the presets by kind of home."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from rules.errors import ConfigError, meant, phrase
from rules.quantity import format_span, measure, span

_S = timedelta(seconds=1)
_MIN = timedelta(minutes=1)
_H = timedelta(hours=1)
_D = timedelta(days=1)

Reader = Callable[[object, str], Any]


def _span(low: timedelta, high: timedelta) -> dict[str, Reader]:
    return {"read": lambda written, where: span(written, where, low, high)}


def _measure(unit: str, low: float, high: float) -> dict[str, Reader]:
    return {"read": lambda written, where: measure(written, where, unit, low, high)}


def _yes_no() -> dict[str, Reader]:
    def read(written: object, where: str) -> bool:
        if not isinstance(written, bool):
            raise ConfigError(where, repr(written), phrase("write true or false"))
        return written

    return {"read": read}


def _count(low: int, high: int) -> dict[str, Reader]:
    def read(written: object, where: str) -> int:
        if type(written) is not int or not low <= written <= high:
            right = phrase("write a whole number from {low} to {high}", low=low, high=high)
            raise ConfigError(where, repr(written), right)
        return written

    return {"read": read}


def _ladder() -> dict[str, Reader]:
    def read(written: object, where: str) -> tuple[timedelta, ...]:
        right = phrase('write one to three rising spans, such as ["8 h", "12 h", "24 h"]')
        if not isinstance(written, list) or not 1 <= len(written) <= 3:
            raise ConfigError(where, repr(written), right)
        steps = tuple(
            span(step, f"{where}[{number}]", 30 * _MIN, 7 * _D)
            for number, step in enumerate(written)
        )
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ConfigError(where, repr(written), right)
        return steps

    return {"read": read}


@dataclass(frozen=True, slots=True)
class Inactivity:
    """No evidence of life for too long."""

    enabled: bool = field(default=True, metadata=_yes_no())
    limits: tuple[timedelta, ...] = field(default=(24 * _H, 36 * _H, 50 * _H), metadata=_ladder())
    "The first escalates; each later one makes the same case more urgent."
    prompt: bool = field(default=True, metadata=_yes_no())
    "Ask the resident before help is called."
    prompt_wait: timedelta = field(default=10 * _MIN, metadata=_span(10 * _S, 2 * _H))
    "How long before that the resident is asked."
    learn: bool = field(default=True, metadata=_yes_no())
    "Call before the first limit, once the home's habits are known; never after it."
    false_call_every: timedelta = field(default=180 * _D, metadata=_span(1 * _D, 1000 * _D))
    "So often somebody may be called in vain by what was learnt."
    ask_every: timedelta = field(default=84 * _H, metadata=_span(12 * _H, 1000 * _D))
    "So often the resident may be asked in vain: twice a week."


@dataclass(frozen=True, slots=True)
class Hazard:
    """Water, smoke, gas, carbon monoxide, heat and cold."""

    leak_hold: timedelta = field(default=5 * _S, metadata=_span(0 * _S, 10 * _MIN))
    smoke_hold: timedelta = field(default=0 * _S, metadata=_span(0 * _S, 1 * _MIN))
    gas_hold: timedelta = field(default=0 * _S, metadata=_span(0 * _S, 1 * _MIN))
    co_hold: timedelta = field(default=0 * _S, metadata=_span(0 * _S, 1 * _MIN))
    temperature_hold: timedelta = field(default=15 * _MIN, metadata=_span(0 * _S, 6 * _H))
    clear_after: timedelta = field(default=2 * _MIN, metadata=_span(0 * _S, 6 * _H))
    "How long the condition must be gone before the alarm is cleared."
    repeat_after: timedelta = field(default=1 * _H, metadata=_span(10 * _MIN, 1 * _D))
    "A closed case whose condition is still there is raised again after this."
    temperature_repeat_after: timedelta = field(default=12 * _H, metadata=_span(1 * _H, 3 * _D))
    "The same of heat and cold: they last for days, and no visit ends them."
    co_limit: float = field(default=250.0, metadata=_measure("ppm", 30, 1000))
    high: float = field(default=35.0, metadata=_measure("°C", 25, 50))
    low: float = field(default=5.0, metadata=_measure("°C", -20, 18))
    siren: bool = field(default=True, metadata=_yes_no())
    "Sound sirens and voices in the home."


@dataclass(frozen=True, slots=True)
class Sos:
    """A person calls for help."""

    cancel_within: timedelta = field(default=3 * _MIN, metadata=_span(0 * _S, 15 * _MIN))
    "How long a long press takes a mistaken call back."


@dataclass(frozen=True, slots=True)
class Health:
    """Whether devices keep their reporting contract."""

    stale_after: int = field(default=3, metadata=_count(2, 20))
    "In reporting periods of the device."
    dead_after: int = field(default=12, metadata=_count(3, 200))
    battery_low: float = field(default=15.0, metadata=_measure("%", 1, 50))


@dataclass(frozen=True, slots=True)
class Mains:
    """A power cut, told from devices that fall silent together."""

    enabled: bool = field(default=True, metadata=_yes_no())
    devices: int = field(default=2, metadata=_count(2, 20))
    "At least so many, and at least half of those on the mains."
    within: timedelta = field(default=10 * _MIN, metadata=_span(10 * _S, 2 * _H))


@dataclass(frozen=True, slots=True)
class AwayByDoor:
    """Who went out by the door is not inactive, for a while."""

    enabled: bool = field(default=True, metadata=_yes_no())
    settle: timedelta = field(default=30 * _MIN, metadata=_span(5 * _MIN, 3 * _H))
    "No life inside for so long after an outside door was shut: an outing."
    extra: timedelta = field(default=12 * _H, metadata=_span(0 * _S, 2 * _D))
    "By so much an outing puts off the inactivity limits: it may have been a visitor who left."


@dataclass(frozen=True, slots=True)
class Morning:
    """The day has not begun by the hour by which it does in this home."""

    enabled: bool = field(default=False, metadata=_yes_no())
    false_call_every: timedelta = field(default=180 * _D, metadata=_span(7 * _D, 1000 * _D))
    "So often somebody may be called in vain."


@dataclass(frozen=True, slots=True)
class Wandering:
    """An outside door opened by night, and nobody came back."""

    enabled: bool = field(default=False, metadata=_yes_no())
    back_within: timedelta = field(default=15 * _MIN, metadata=_span(1 * _MIN, 2 * _H))


@dataclass(frozen=True, slots=True)
class LeftOn:
    """A device of some use that runs on and on; see `rules.device.Use`."""

    enabled: bool = field(default=True, metadata=_yes_no())
    heating: timedelta = field(default=3 * _H, metadata=_span(15 * _MIN, 2 * _D))
    "At least so long without a sign of life, and longer than this device usually runs."
    cooking: timedelta = field(default=1 * _H, metadata=_span(15 * _MIN, 2 * _D))
    light: timedelta = field(default=50 * _H, metadata=_span(6 * _H, 7 * _D))
    "At least so long, whoever is there."
    heating_load: float = field(default=150.0, metadata=_measure("W", 20, 3000))
    "From this load on something heats: a rice cooker that keeps warm stays below."


@dataclass(frozen=True, slots=True)
class Eating:
    """Somebody is up and about, and nothing is cooked; needs devices with the use `cooking`."""

    enabled: bool = field(default=True, metadata=_yes_no())
    limit: timedelta = field(default=48 * _H, metadata=_span(12 * _H, 7 * _D))
    "At least so long, and longer than is usual in this home."


@dataclass(frozen=True, slots=True)
class Decline:
    """Less life, week by week: a note to the welfare worker, never an alarm."""

    enabled: bool = field(default=True, metadata=_yes_no())


@dataclass(frozen=True, slots=True)
class Evidence:
    """What counts as evidence of life."""

    pet: bool = field(default=False, metadata=_yes_no())
    "An animal lives there: motion and occupancy are nobody's, but of sensors that overlook it."


class Preset(StrEnum):
    """Kinds of home with a rulebook of their own."""

    LIVING_ALONE = "living-alone"
    LIVING_ALONE_HIGH_RISK = "living-alone-high-risk"
    LIVING_ALONE_WITH_PET = "living-alone-with-pet"
    LIVING_ALONE_WITH_CARER = "living-alone-with-carer"
    LIVING_ALONE_DEMENTIA = "living-alone-dementia"
    TWO_RESIDENTS = "two-residents"
    SEMI_BASEMENT = "semi-basement"
    SENIOR_CENTER = "senior-center"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules of one site."""

    inactivity: Inactivity = Inactivity()
    hazard: Hazard = Hazard()
    sos: Sos = Sos()
    health: Health = Health()
    mains: Mains = Mains()
    away: AwayByDoor = AwayByDoor()
    evidence: Evidence = Evidence()
    morning: Morning = Morning()
    wandering: Wandering = Wandering()
    left_on: LeftOn = LeftOn()
    eating: Eating = Eating()
    decline: Decline = Decline()


PRESETS: Mapping[Preset, Rulebook] = {
    # The city ladder of Seoul's smart plugs by risk group, as three levels of one case.
    Preset.LIVING_ALONE: Rulebook(),
    # Seongdong's ladder.
    Preset.LIVING_ALONE_HIGH_RISK: Rulebook(
        inactivity=Inactivity(limits=(8 * _H, 12 * _H, 24 * _H), false_call_every=30 * _D),
        away=AwayByDoor(extra=8 * _H),
        morning=Morning(enabled=True, false_call_every=90 * _D),
    ),
    # The ladder of living-alone. To homes of other kinds the setting is added.
    Preset.LIVING_ALONE_WITH_PET: Rulebook(evidence=Evidence(pet=True)),
    # Who shuts the door behind them may be the carer.
    Preset.LIVING_ALONE_WITH_CARER: Rulebook(away=AwayByDoor(enabled=False)),
    # Seongdong's ladder, and the door by night.
    Preset.LIVING_ALONE_DEMENTIA: Rulebook(
        inactivity=Inactivity(limits=(8 * _H, 12 * _H, 24 * _H), false_call_every=30 * _D),
        away=AwayByDoor(extra=8 * _H),
        morning=Morning(enabled=True, false_call_every=90 * _D),
        wandering=Wandering(enabled=True),
    ),
    # One of two going out says nothing of the other.
    Preset.TWO_RESIDENTS: Rulebook(away=AwayByDoor(enabled=False)),
    # Water at 0.5 cm is an emergency here, not a dripping tap.
    Preset.SEMI_BASEMENT: Rulebook(
        inactivity=Inactivity(limits=(12 * _H, 24 * _H, 36 * _H)),
        hazard=Hazard(leak_hold=0 * _S, repeat_after=20 * _MIN),
    ),
    # Nobody lives here: an empty night is no silence.
    Preset.SENIOR_CENTER: Rulebook(
        inactivity=Inactivity(enabled=False, prompt=False),
        away=AwayByDoor(enabled=False),
        left_on=LeftOn(enabled=False),
        eating=Eating(enabled=False),
        decline=Decline(enabled=False),
    ),
}


def preset(written: object, where: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: there is none.

    """
    names = [kind.value for kind in Preset]
    if written not in names:
        right = phrase("write one of {names}", names=", ".join(names))
        raise ConfigError(where, repr(written), right)
    return Preset(written)


def rulebook(base: Preset, tables: object, where: str) -> Rulebook:
    """A preset with the site's own settings on top.

    Args:
        base: the preset.
        tables: the TOML table `[rules]`, e.g. `{"inactivity": {"limits": ["8 h"]}}`.
        where: the file and the key of that table, for messages.

    Raises:
        ConfigError: an unknown table or key, a wrong unit, a limit that cannot be.

    """
    book = PRESETS[base]
    for name, table in _table(tables, where).items():
        path = f"{where}.{name}"
        _known(name, [part.name for part in fields(Rulebook)], where)
        part = getattr(book, name)
        readers = {each.name: each.metadata["read"] for each in fields(part)}
        settings = {}
        for key, written in _table(table, path).items():
            _known(key, list(readers), path)
            settings[key] = readers[key](written, f"{path}.{key}")
        book = replace(book, **{name: replace(part, **settings)})
    _coherent(book, where)
    return book


def _coherent(book: Rulebook, where: str) -> None:
    if book.inactivity.prompt and book.inactivity.prompt_wait >= book.inactivity.limits[0]:
        raise ConfigError(
            f"{where}.inactivity.prompt_wait",
            repr(format_span(book.inactivity.prompt_wait)),
            phrase(
                "it must be shorter than the first limit, {limit}",
                limit=format_span(book.inactivity.limits[0]),
            ),
        )
    if book.hazard.low >= book.hazard.high:
        raise ConfigError(
            f"{where}.hazard.low",
            f"{book.hazard.low:g} °C",
            phrase("it must lie below hazard.high, {high} °C", high=f"{book.hazard.high:g}"),
        )
    if book.health.dead_after <= book.health.stale_after:
        raise ConfigError(
            f"{where}.health.dead_after",
            str(book.health.dead_after),
            phrase(
                "it must be more than health.stale_after, {count}", count=book.health.stale_after
            ),
        )


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        right = phrase("write a table, [{name}]", name=where.rpartition(": ")[2])
        raise ConfigError(where, repr(value), right)
    return value


def _known(key: str, names: list[str], where: str) -> None:
    if key not in names:
        right = phrase("known here: {names}", names=", ".join(names))
        raise ConfigError(f"{where}.{key}", phrase("an unknown key"), meant(key, names, right))

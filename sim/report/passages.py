"""How each record of a home got through: decided, kept, arrived, taken, closed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules.alarm import PERSON_IN_DANGER, AlarmKey, Move
from rules.events import AlarmMoved, Escalated
from sim.check.blindness import told, was_told
from sim.check.collapses import not_due
from sim.check.figures import false_alarms
from sim.check.sent import sent
from sim.world.chronicle import Chronicle, Decided, Handled, HomeChronicle, Trouble

_PROMPT_BEFORE = timedelta(hours=3)
"A prompt is about an alarm that is raised within the longest wait that a rulebook allows."


@dataclass(frozen=True, slots=True)
class Passage:
    """One record on its way; a moment is None where it never came to that."""

    alarm: AlarmKey
    opening: bool
    "False for news of a case that an earlier record opened."
    drill: bool
    decided: datetime
    prompted: datetime | None
    queued: datetime | None
    arrived: datetime | None
    taken: datetime | None
    closed: datetime | None
    is_false: bool
    "Somebody was called for nobody, as the figures count it."

    @property
    def of_danger(self) -> bool:
        """Whether it tells the center of a person in danger."""
        return self.opening and not self.drill and self.alarm.kind in PERSON_IN_DANGER

    @property
    def wait(self) -> timedelta | None:
        """From the decision to the center."""
        return None if self.arrived is None else self.arrived - self.decided


def passages(
    chronicle: Chronicle, home: HomeChronicle, handled: Iterable[Handled]
) -> list[Passage]:
    """All records of a home, in the order decided."""
    taken: dict[bytes, datetime] = {}
    closed: dict[bytes, datetime] = {}
    for step in handled:
        (taken if step.outcome is None else closed).setdefault(step.case, step.at)
    prompts = _prompts(home)
    found = []
    for one in sent(home):
        event, at = one.event, one.decided.at
        name = b"" if one.queued is None else one.queued.id
        found.append(
            Passage(
                alarm=event.alarm,
                opening=isinstance(event, Escalated),
                drill=isinstance(event, Escalated) and event.drill,
                decided=at,
                prompted=_prompted(prompts.get(event.alarm, ()), at),
                queued=None if one.queued is None else one.queued.at,
                arrived=one.arrived,
                taken=taken.get(name),
                closed=closed.get(name),
                is_false=_is_false(chronicle, home, one.decided),
            )
        )
    return found


def _prompts(home: HomeChronicle) -> dict[AlarmKey, list[datetime]]:
    prompts: dict[AlarmKey, list[datetime]] = {}
    for decided in home.decided:
        event = decided.event
        if isinstance(event, AlarmMoved) and event.move is Move.PROMPT:
            prompts.setdefault(event.alarm, []).append(decided.at)
    return prompts


def _prompted(prompts: Sequence[datetime], at: datetime) -> datetime | None:
    last = max((prompt for prompt in prompts if prompt <= at), default=None)
    return last if last is not None and at - last <= _PROMPT_BEFORE else None


def _is_false(chronicle: Chronicle, home: HomeChronicle, decided: Decided) -> bool:
    """As the figures count it: of a home that decided nothing else."""
    event = decided.event
    if not isinstance(event, Escalated) or event.alarm.kind not in PERSON_IN_DANGER:
        return False
    return false_alarms(chronicle, replace(home, decided=[decided])) > 0


def finding(trouble: Trouble, of_home: Iterable[Passage]) -> Passage | None:
    """The record by which the center learnt of a plight, or that was to tell it."""
    later = [
        one
        for one in of_home
        if one.of_danger
        and one.decided >= trouble.at
        and (trouble.helped is None or one.decided <= trouble.helped)
    ]
    told = [one for one in later if one.arrived is not None and one.arrived == trouble.found]
    return next(iter(told or later), None)


@dataclass(frozen=True, slots=True)
class Followed:
    """A home, and how its records went."""

    home: HomeChronicle
    passages: tuple[Passage, ...]
    blind: tuple[tuple[datetime, datetime], ...]
    "When the center knew that the home could not be seen."
    not_due: tuple[Trouble, ...]
    "Plights of which nobody need have been told yet when the run ended."

    def was_blind(self, trouble: Trouble, end: datetime) -> bool:
        """Whether the center knew so in a plight; `end`: of the run."""
        until = min(one for one in (trouble.found, trouble.helped, end) if one is not None)
        return was_told(trouble.at, until, self.blind)


def followed(chronicle: Chronicle) -> list[Followed]:
    """Every home with its records."""
    by_gateway: dict[str, list[Handled]] = {home.gateway: [] for home in chronicle.homes}
    for one in chronicle.handled:
        by_gateway.setdefault(one.gateway, []).append(one)
    return [
        Followed(
            home,
            tuple(passages(chronicle, home, by_gateway[home.gateway])),
            tuple(told(chronicle, home)) if home.troubles else (),
            tuple(not_due(chronicle, home)),
        )
        for home in chronicle.homes
    ]

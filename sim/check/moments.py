"""What `sim.check.directed` carries out: small runs with a fault at just the moment.

Something certain happens to steady people of the `demo` population, and the faults are listed, or
aimed: a first run without them tells when a thing is decided, and in the second one the fault is
there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from rules.alarm import AlarmKind
from rules.errors import phrase
from rules.events import AwayReason, CaseClosed, CaseTaken, Escalated
from rules.inputs import Away
from rules.observation import Phenomenon
from rules.rulebook import Rulebook
from sim.faults.fault import OF_CENTER, Fault, FaultKind
from sim.homes import names
from sim.homes.act import Act, Announced, Happening, Plight, PlightKind
from sim.homes.population import DEMO, home
from sim.homes.scripted import Scripted, Span
from sim.world.chronicle import Chronicle, HomeChronicle
from sim.world.run import START, Bugs, Plan, run

SEED: Final = 1
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)
_MS: Final = timedelta(milliseconds=1)
_LONG_HOLD: Final = 5 * _MINUTE
"A hold of water in which anything else fits."

Aim = Callable[[HomeChronicle], Iterable[Fault]]
"The faults that belong to a home, from a run without them; their numbers are given later."


@dataclass(frozen=True, slots=True)
class Directed:
    """One run."""

    what: str
    "What meets what."
    script: tuple[Happening, ...]
    homes: tuple[int, ...] = (1,)
    days: int = 1
    faults: tuple[Fault, ...] = ()
    aim: Aim | None = None
    out: tuple[Span, ...] = ()
    leak_hold: timedelta | None = None
    "None: as the rulebook has it."

    def carry_out(self, bugs: Bugs | None = None) -> Chronicle:
        """Run it; a test plants a bug."""
        plan = Plan(SEED, self.homes, self.days, _numbered(self.faults), DEMO)
        if self.aim is not None:
            before = run(plan, homes=self._homes)
            aimed = [fault for each in before.homes for fault in self.aim(each)]
            plan = replace(plan, faults=_numbered((*self.faults, *aimed)))
        return run(plan, bugs=bugs, homes=self._homes)

    def _homes(self, plan: Plan) -> list[Scripted]:
        drawn = [home(plan.seed, number, plan.start, plan.population) for number in plan.homes]
        return [Scripted(each, self._book(each.book), self.script, self.out) for each in drawn]

    def _book(self, book: Rulebook) -> Rulebook:
        if self.leak_hold is None:
            return book
        return replace(book, hazard=replace(book.hazard, leak_hold=self.leak_hold))


def _numbered(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(replace(fault, number=number) for number, fault in enumerate(faults, 1))


def _on(hour: float) -> datetime:
    """A moment of the run."""
    return START.astimezone(UTC) + hour * _HOUR


def _fault(
    kind: FaultKind, at: datetime, lasting: timedelta, amount: float = 0.0, number: int = 1
) -> Fault:
    """A fault from `at` on; `number` is the home's, where it is one of a home."""
    of_home = None if kind in OF_CENTER else number
    return Fault(0, kind, of_home, at - START, lasting, amount)


def _leaks(*hours: float, lasting: timedelta = 30 * _MINUTE) -> tuple[Act, ...]:
    """Water in the bathroom."""
    return tuple(
        Act(at, names.BATHROOM_LEAK, Phenomenon.LEAK, wet, None)
        for hour in hours
        for at, wet in ((_on(hour), True), (_on(hour) + lasting, False))
    )


def _first(
    home: HomeChronicle, kind: type[Escalated | CaseTaken | CaseClosed], alarm: AlarmKind
) -> datetime | None:
    """When something of this kind was decided first of an alarm."""
    cases = {
        one.event.serial
        for one in home.decided
        if isinstance(one.event, Escalated) and one.event.alarm.kind is alarm
    }
    return next(
        (
            one.at
            for one in home.decided
            if isinstance(one.event, kind) and one.event.serial in cases
        ),
        None,
    )


def _damaged_after_escalation(home: HomeChronicle) -> Iterator[Fault]:
    """Before the state that includes it is saved."""
    at = _first(home, Escalated, AlarmKind.LEAK)
    if at is not None:
        yield _fault(FaultKind.DISK_CORRUPTED, at + _SECOND, 10 * _MINUTE, number=home.number)


def _cut_as_news_comes(home: HomeChronicle) -> Iterator[Fault]:
    """At the first write that news of a case leads to: taken in one home, closed in the next."""
    at = _first(home, CaseTaken if home.number % 2 else CaseClosed, AlarmKind.LEAK)
    if at is not None:
        yield _fault(FaultKind.POWER_CUT, at - _MS, 10 * _MINUTE, 1, home.number)


DIRECTED: Final[Mapping[str, Directed]] = {
    "center-dies-as-it-takes-a-record": Directed(
        phrase("Records reach a center that is killed with its answer on its way."),
        _leaks(10, 13, 16, 19),
        faults=tuple(
            _fault(FaultKind.CENTER_KILLED, _on(hour) - _MINUTE, 30 * _MINUTE)
            for hour in (10, 13, 16, 19)
        ),
    ),
    "card-damaged-while-a-record-waits": Directed(
        phrase(
            "A journal is damaged right after an escalation that the center does not have yet."
        ),
        _leaks(10),
        homes=(1, 2, 3, 4),
        faults=tuple(
            _fault(FaultKind.UPLINK_DOWN, _on(9.5), 2 * _HOUR, number=number)
            for number in range(1, 5)
        ),
        aim=_damaged_after_escalation,
    ),
    "card-damaged-after-a-record-went": Directed(
        phrase(
            "A journal is damaged right after an escalation that the center has; another one"
            " follows."
        ),
        _leaks(10, 12),
        homes=(1, 2, 3, 4),
        aim=_damaged_after_escalation,
    ),
    "power-cut-as-news-comes": Directed(
        phrase(
            "The power goes at the write with which a gateway learns that a case was taken"
            " or closed."
        ),
        _leaks(10),
        homes=(1, 2, 3, 4, 5, 6),
        aim=_cut_as_news_comes,
    ),
    "clock-set-within-a-hold": Directed(
        phrase(
            "Water must stand for five minutes; within them the clock jumps an hour ahead,"
            " or back."
        ),
        # A gateway without its center asks its machine for the date each hour after its start.
        _leaks(10 - 1 / 30, lasting=3 * _HOUR),
        homes=(1, 2),
        faults=tuple(
            fault
            for number, shift_s in ((1, 3_600), (2, -3_600))
            for fault in (
                _fault(FaultKind.UPLINK_DOWN, START, 15 * _HOUR, number=number),
                _fault(FaultKind.CLOCK_JUMP, _on(9.5), 6 * _HOUR, shift_s, number),
            )
        ),
        leak_hold=_LONG_HOLD,
    ),
    "restart-within-a-hold": Directed(
        phrase(
            "Water must stand for five minutes; after one the power goes, for one more or"
            " for twenty."
        ),
        _leaks(10, lasting=3 * _HOUR),
        homes=(1, 2),
        faults=tuple(
            # A write comes within a minute: what devices reported is saved.
            _fault(FaultKind.POWER_CUT, _on(10) + _MINUTE, lasting, 1, number)
            for number, lasting in ((1, 2 * _MINUTE), (2, 20 * _MINUTE))
        ),
        leak_hold=_LONG_HOLD,
    ),
    "collapse-after-an-announced-absence": Directed(
        phrase(
            "A trip is announced until ten at night, the gateway restarts, the resident comes back"
            " and collapses in the door."
        ),
        (
            # After dark: what daylight does in a room may pass for life.
            Announced(_on(18), Away(AwayReason.TRIP, "staff", _on(22))),
            Plight(_on(22.5), PlightKind.COLLAPSE),
        ),
        days=2,
        faults=(_fault(FaultKind.POWER_CUT, _on(20), _HOUR, 1),),
        out=((_on(18), _on(22.5)),),
    ),
    "uplink-cut-for-long-and-for-short": Directed(
        phrase(
            "One gateway is cut off for longer than three heartbeats, one for less, one loses its"
            " power, and one is cut off while the center restarts."
        ),
        (),
        homes=(1, 2, 3, 4),
        faults=(
            _fault(FaultKind.UPLINK_DOWN, _on(10), 4 * _HOUR, number=1),
            _fault(FaultKind.UPLINK_DOWN, _on(10), 55 * _MINUTE, number=2),
            _fault(FaultKind.POWER_CUT, _on(10), 4 * _HOUR, 1, number=3),
            _fault(FaultKind.UPLINK_DOWN, _on(16), 6 * _HOUR, number=4),
            _fault(FaultKind.CENTER_KILLED, _on(16.5), 30 * _MINUTE),
        ),
    ),
}
"By name."

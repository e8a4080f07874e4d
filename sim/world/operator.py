"""The people at the center: they take cases, call, send somebody, and close them.

What they do is drawn per case, so that one case more changes nothing about the others.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random

from central.cases import Case, Which
from rules.alarm import AlarmKind, Category
from rules.events import Outcome
from sim.world.center import Center
from sim.world.chronicle import SLOW, Handled, HomeChronicle, Trouble
from sim.world.site import Site
from sim.world.timeline import Timeline

_MINUTE = timedelta(minutes=1)
_AGAIN = 10 * _MINUTE
"When a board that did not answer is looked at again."
_LATELY = timedelta(hours=1)
"What was over so shortly before a case was opened is still seen."
_OF_ONE_WHO_LIES = frozenset({AlarmKind.INACTIVITY, AlarmKind.NO_MORNING, AlarmKind.SOS})
_VISITED = frozenset({AlarmKind.HOME_BLIND, AlarmKind.GATEWAY_SILENT, AlarmKind.MAINS_OUTAGE})
"Faults for which a technician may go to the home; whoever lies there is found."
_GOES = 0.2
"Else it is done from afar; were somebody always sent, no silence would be heard out in a storm."


def was_real(case: Case, home: HomeChronicle, now: datetime, trouble: Trouble | None) -> bool:
    """What whoever looks after a case of a person finds.

    Args:
        case: an escalation, or a note.
        home: what truly happened there.
        now: when somebody looks.
        trouble: the plight that nobody has helped yet.

    """
    if trouble is not None:
        return True
    if case.alarm in SLOW:
        begun = case.persisted_at - _LATELY
        return any(
            one.kind is SLOW[case.alarm]
            and one.begin <= now
            and (one.end is None or one.end > begun)
            for one in home.suffered
        )
    return case.alarm not in _OF_ONE_WHO_LIES


class Operators:
    """Everybody on duty."""

    def __init__(
        self,
        timeline: Timeline,
        center: Center,
        sites: Mapping[str, Site],
        seed: int,
        handled: Callable[[Handled], None],
    ) -> None:
        """`sites` by gateway; `handled` is told of every case that was taken or closed."""
        self._timeline = timeline
        self._center = center
        self._sites = sites
        self._seed = seed
        self._handled = handled
        self._known: set[str] = set()

    def look(self) -> None:
        """Notice what is new on the board. Asked whenever something may be."""
        if not self._center.up:
            return
        for case in self._center.cases(Which.OPEN):
            if case.id not in self._known:
                self._known.add(case.id)
                self._attend(case)

    def look_anew(self) -> None:
        """The board may have gone back: forget what was known of it."""
        self._known.clear()
        self.look()

    def _attend(self, case: Case) -> None:
        draw = Random(f"{self._seed}/case/{case.id}")
        if case.category is Category.ESCALATION:
            take, then = draw.randint(1, 5), draw.randint(15, 45)
        else:
            take, then = draw.randint(60, 360), draw.randint(60, 1_440)
        goes = case.category is Category.ESCALATION or (
            case.alarm in _VISITED and draw.random() < _GOES
        )
        self._later(take, case, lambda: self._take(case, then, goes=goes))

    def _later(self, minutes: int, case: Case, act: Callable[[], bool]) -> None:
        def attempt() -> None:
            if not act():
                # Down, or somebody else was quicker: what is still open is seen again.
                self._known.discard(case.id)
                self._timeline.after(_AGAIN, self.look)

        self._timeline.after(minutes * _MINUTE, attempt)

    def _take(self, case: Case, then: int, *, goes: bool) -> bool:
        if not self._center.up or not self._center.take(case.id, "duty"):
            return False
        self._note(case, None)
        self._later(then, case, lambda: self._visit(case, goes=goes))
        return True

    def _visit(self, case: Case, *, goes: bool) -> bool:
        """On site, or on the telephone: see how it is, and close the case."""
        if not self._center.up:
            return False
        site = self._sites[case.gateway]
        outcome = Outcome.TECHNICAL
        if case.category is not Category.FAULT:
            real = was_real(case, site.chronicle, self._timeline.now, site.trouble)
            outcome = Outcome.REAL if real else Outcome.FALSE
        if goes:
            site.help_comes()
        if self._center.close(case.id, "duty", outcome):
            self._note(case, outcome)
            # Should the home call again before it hears of that, the case waits anew.
            self._known.discard(case.id)
        return True

    def _note(self, case: Case, outcome: Outcome | None) -> None:
        at: datetime = self._timeline.now
        self._handled(Handled(at, bytes.fromhex(case.id), case.gateway, outcome))

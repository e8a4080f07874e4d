"""The people at the center: they take cases, call, send somebody, and close them.

What they do is drawn per case as in `sim.world.operator`; here through the center's own store.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Final

from central.cases import Case, CaseState
from rules.alarm import AlarmKind, Category
from rules.events import Outcome
from sim.rig.agenda import Agenda
from sim.rig.center_end import CenterEnd
from sim.rig.lives import Lives
from sim.world.chronicle import Handled
from sim.world.operator import was_real

_MINUTE: Final = timedelta(minutes=1)
_VISITED: Final = frozenset(
    {AlarmKind.HOME_BLIND, AlarmKind.GATEWAY_SILENT, AlarmKind.MAINS_OUTAGE}
)
"Faults for which a technician goes to the home; whoever lies there is found."

Work = Callable[[], Awaitable[None]]


class Duty:
    """Everybody on duty."""

    def __init__(
        self,
        agenda: Agenda,
        center: CenterEnd,
        lives: Mapping[str, Lives],
        seed: int,
        *,
        work: Callable[[Work], None],
        handled: Callable[[Handled], None],
    ) -> None:
        """`work` has something done that takes real time; `lives` are by gateway."""
        self._agenda = agenda
        self._center = center
        self._lives = lives
        self._seed = seed
        self._work = work
        self._handled = handled
        self._known: set[str] = set()

    def look(self, board: list[Case]) -> None:
        """Notice what is new on the board."""
        for case in board:
            if case.id not in self._known:
                self._known.add(case.id)
                self._attend(case)

    def look_anew(self) -> None:
        """The board went back: forget what was known of it."""
        self._known.clear()

    def _attend(self, case: Case) -> None:
        draw = Random(f"{self._seed}/case/{case.gateway}/{case.alarm}/{case.scope}/{case.level}")
        if case.category is Category.ESCALATION:
            take, then = draw.randint(1, 5), draw.randint(15, 45)
        else:
            take, then = draw.randint(60, 360), draw.randint(60, 1_440)
        if case.state is CaseState.TAKEN:
            # So it stands in a backup that was put back; its visit was forgotten with it.
            self._after(then, lambda: self._visit(case))
        else:
            self._after(take, lambda: self._take(case, then))

    def _after(self, minutes: int, act: Work) -> None:
        self._agenda.after(minutes * _MINUTE, lambda: self._work(act))

    async def _take(self, case: Case, then: int) -> None:
        if not self._center.up or not await self._center.take(case.id, "duty", self._agenda.now):
            # Down, or gone: what is still open is seen again.
            self._known.discard(case.id)
            return
        self._note(case, None)
        self._after(then, lambda: self._visit(case))

    async def _visit(self, case: Case) -> None:
        """On site, or on the telephone: see how it is, and close the case."""
        if not self._center.up:
            self._known.discard(case.id)
            return
        lives = self._lives[case.gateway]
        outcome = Outcome.TECHNICAL
        if case.category is not Category.FAULT:
            real = was_real(case, lives.chronicle, self._agenda.now, lives.trouble)
            outcome = Outcome.REAL if real else Outcome.FALSE
        if case.category is Category.ESCALATION or case.alarm in _VISITED:
            lives.help_comes()
        if await self._center.close(case.id, "duty", outcome, self._agenda.now):
            self._note(case, outcome)

    def _note(self, case: Case, outcome: Outcome | None) -> None:
        now = self._agenda.now
        self._handled(Handled(now, bytes.fromhex(case.id), case.gateway, outcome))

"""The lists of cases, one case, and what people do with it."""

from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from central.cases import Case, CaseConflict, CaseState
from central.console.board import SHOWN, Board, may_see, queue
from central.console.caller import glance
from central.console.desk import CLOSED, ESCALATIONS, FAULTS, NOTES, Desk, Place
from central.console.forms import LONGEST_TEXT, text_of
from central.console.found import closed_page, find, notice_of
from central.console.history import steps, why_over
from central.console.moments import Clock
from central.console.pages import Notice, Pages
from central.console.visits import Visit
from central.people import Role
from central.store import Store
from rules.alarm import Category
from rules.events import Outcome
from texts import N_, translator

_OUTCOMES: Final = frozenset(Outcome)

_DONE: Final = {
    "taken": Notice(N_("You have taken this case.")),
    "noted": Notice(N_("The note was added.")),
    "closed": Notice(N_("The case is closed.")),
    "empty": Notice(N_("An empty note was not added."), wrong=True),
    "outcome": Notice(N_("Choose an outcome in order to close the case."), wrong=True),
}


class Cases:
    """Every page about cases."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        board: Board,
        pages: Pages,
        desk: Desk,
        zone: tzinfo,
    ) -> None:
        self._store = store
        self._clock = clock
        self._board = board
        self._pages = pages
        self._desk = desk
        self._zone = zone

    # ------------------------------------------------------------------ lists

    async def escalations(self, visit: Visit) -> Response:
        """People who may be in danger."""
        if not may_see(visit.user.role, Category.ESCALATION):
            return RedirectResponse(FAULTS.path, 303)
        nothing = N_("No escalation is waiting. A new one appears here by itself.")
        return await self._queue(visit, ESCALATIONS, Category.ESCALATION, nothing)

    async def faults(self, visit: Visit) -> Response:
        """What technicians have to mend."""
        nothing = N_("No fault is waiting. A new one appears here by itself.")
        return await self._queue(visit, FAULTS, Category.FAULT, nothing)

    async def _queue(
        self, visit: Visit, place: Place, category: Category, nothing: str
    ) -> Response:
        cases = queue(await self._board.open(), category)
        left_out = max(len(cases.waiting) - SHOWN, 0) + max(len(cases.taken) - SHOWN, 0)
        context = {
            "heading": place.word,
            "waiting": cases.waiting[:SHOWN],
            "taken": cases.taken[:SHOWN],
            "left_out": left_out,
            "nothing": nothing,
        }
        return await self._desk.page("queue.html", visit, place.name, context)

    async def closed(self, visit: Visit) -> Response:
        """What is over, newest first."""
        role = visit.user.role
        before = visit.request.query_params.get("before")
        # Notes have a list of their own.
        mine = [one for one in (Category.ESCALATION, Category.FAULT) if may_see(role, one)]
        page = await closed_page(self._store, mine, CLOSED.path, before)
        context = {"cases": page.cases, "older": page.older}
        return await self._desk.page("closed.html", visit, CLOSED.name, context)

    # ------------------------------------------------------------------ one case

    async def case(self, visit: Visit) -> Response:
        """All that is known of one case, and what can be done with it."""
        case = await find(self._store, visit)
        if case.category is Category.NOTE:
            return RedirectResponse(f"{NOTES.path}/{case.id}", 303)
        words = translator(visit.reader.language)
        back, over = _back(case), why_over(case)
        context = {
            "case": case,
            "sentences": self._pages.sentences(case.explanation, visit.reader, case),
            "over": self._pages.sentences(over, visit.reader, case),
            "glance": glance(case, over, words, self._zone, visit.reader.now),
            "steps": steps(case, visit.reader, self._pages),
            "back": back,
            "mine": case.taken_by == visit.user.name,
            "longest": LONGEST_TEXT,
            # Who is sent to mend a device learns of a home no more than that needs.
            "whole_home": visit.user.role is not Role.TECHNICIAN,
        }
        notice = notice_of(visit, case, _DONE)
        return await self._desk.page("case.html", visit, back.name, context, notice)

    async def take(self, visit: Visit) -> Response:
        """Take the case, or take it over from the person that the form names."""
        instead_of = visit.form.get("instead_of")

        async def take(id_: str) -> str:
            await self._store.take(id_, visit.user.name, self._clock.now(), instead_of=instead_of)
            return "taken"

        return await self._act(visit, take)

    async def note(self, visit: Visit) -> Response:
        """Add a note."""
        text = text_of(visit.form)

        async def note(id_: str) -> str:
            if not text:
                return "empty"
            await self._store.note(id_, visit.user.name, text, self._clock.now())
            return "noted"

        return await self._act(visit, note)

    async def close(self, visit: Visit) -> Response:
        """Close the case with an outcome."""
        outcome = visit.form.get("outcome", "")

        async def close(id_: str) -> str:
            if outcome not in _OUTCOMES:
                return "outcome"
            await self._store.close(
                id_, visit.user.name, Outcome(outcome), text_of(visit.form), self._clock.now()
            )
            return "closed"

        return await self._act(visit, close)

    async def _act(self, visit: Visit, act: Callable[[str], Awaitable[str]]) -> Response:
        """Do it and show the case again; who was faster is said there, too."""
        case = await self._find(visit)
        try:
            done = await act(case.id)
        except CaseConflict:
            done = "conflict"
        return RedirectResponse(f"/cases/{case.id}?done={done}", 303)

    async def _find(self, visit: Visit) -> Case:
        case = await find(self._store, visit)
        if case.category is Category.NOTE:
            raise HTTPException(404)
        return case


def _back(case: Case) -> Place:
    if case.state is CaseState.CLOSED:
        return CLOSED
    return ESCALATIONS if case.category is Category.ESCALATION else FAULTS

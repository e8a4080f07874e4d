"""Notes: changes over weeks, for the welfare worker. Nothing here sounds, rings or hurries.

A note is read (the store calls it *taken*) by whoever sees it first, and closed with a word once
somebody talked to the resident. Nobody owns it: a colleague may go on where another began.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from central.cases import Case, CaseConflict, CaseState, HistoryWhat, Home
from central.console.board import SHOWN, Board, may_see, queue
from central.console.desk import NOTES, Desk
from central.console.forms import LONGEST_TEXT, text_of
from central.console.found import closed_page, find, notice_of
from central.console.history import steps, why_over
from central.console.moments import Clock
from central.console.pages import Notice, Pages
from central.console.visits import Visit
from central.store import Store
from rules.alarm import Category
from rules.events import Outcome
from texts import N_

_OUTCOMES: Final[dict[Enum, str]] = {
    Outcome.REAL: N_("The change is real"),
    Outcome.FALSE: N_("No change found"),
}
"Words that fit a change better than those for an alarm; the others fit both."
_WORDS: Final = {**_OUTCOMES, HistoryWhat.TAKEN: N_("Read")}
_DONE: Final = {
    "read": Notice(N_("Marked as read.")),
    "noted": Notice(N_("The note was added.")),
    "closed": Notice(N_("The change is closed.")),
    "empty": Notice(N_("An empty note was not added."), wrong=True),
    "outcome": Notice(N_("Choose an outcome in order to close the change."), wrong=True),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One open note with its sentences."""

    case: Case
    sentences: tuple[str, ...]
    over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HomeNotes:
    """The open notes of one home, newest first."""

    home: Home
    notes: tuple[Told, ...]


class Notes:
    """Every page about notes."""

    def __init__(self, store: Store, clock: Clock, board: Board, pages: Pages, desk: Desk) -> None:
        self._store = store
        self._clock = clock
        self._board = board
        self._pages = pages
        self._desk = desk

    async def page(self, visit: Visit) -> Response:
        """The open ones by home, the newest home first; the closed ones below."""
        if not may_see(visit.user.role, Category.NOTE):
            raise HTTPException(404)
        notes = queue(await self._board.open(), Category.NOTE)
        newest = sorted((*notes.waiting, *notes.taken), key=_age, reverse=True)
        before = visit.request.query_params.get("before")
        closed = await closed_page(self._store, [Category.NOTE], NOTES.path, before)
        context = {
            "homes": self._by_home(newest[:SHOWN], visit),
            "left_out": max(len(newest) - SHOWN, 0),
            "cases": closed.cases,
            "older": closed.older,
            "later": bool(before),
            "note_outcomes": _OUTCOMES,
        }
        return await self._desk.page("notes.html", visit, NOTES.name, context)

    async def note(self, visit: Visit) -> Response:
        """All that is known of one note, and what can be done with it."""
        case = await self._find(visit)
        context = {
            "case": case,
            "told": self._told(case, visit),
            "steps": steps(case, visit.reader, self._pages, _WORDS),
            "longest": LONGEST_TEXT,
            "note_outcomes": _OUTCOMES,
        }
        notice = notice_of(visit, case, _DONE)
        return await self._desk.page("note.html", visit, NOTES.name, context, notice)

    async def read(self, visit: Visit) -> Response:
        """Mark the note as read, with a word or without one."""
        case, text = await self._find(visit), text_of(visit.form)
        now, who = self._clock.now(), visit.user.name
        if text:
            await self._store.note(case.id, who, text, now)
        if case.state is CaseState.WAITING:
            # Somebody else read it at the same moment: then it is read.
            with suppress(CaseConflict):
                await self._store.take(case.id, who, now)
            return _to(case, "read")
        return _to(case, "noted" if text else "empty")

    async def close(self, visit: Visit) -> Response:
        """Close the note with an outcome and a word, whoever read it."""
        case, outcome = await self._find(visit), visit.form.get("outcome", "")
        if outcome not in frozenset(Outcome):
            return _to(case, "outcome")
        now, who = self._clock.now(), visit.user.name
        try:
            if case.state is CaseState.TAKEN and case.taken_by != who:
                await self._store.take(case.id, who, now, instead_of=case.taken_by)
            await self._store.close(case.id, who, Outcome(outcome), text_of(visit.form), now)
        except CaseConflict:
            return _to(case, "conflict")
        return _to(case, "closed")

    async def _find(self, visit: Visit) -> Case:
        case = await find(self._store, visit)
        if case.category is not Category.NOTE:
            raise HTTPException(404)
        return case

    def _by_home(self, newest: Iterable[Case], visit: Visit) -> list[HomeNotes]:
        homes: dict[str, list[Case]] = {}
        for case in newest:
            homes.setdefault(case.gateway, []).append(case)
        return [
            HomeNotes(cases[0].home, tuple(self._told(case, visit) for case in cases))
            for cases in homes.values()
        ]

    def _told(self, case: Case, visit: Visit) -> Told:
        return Told(
            case,
            tuple(self._pages.sentences(case.explanation, visit.reader, case)),
            tuple(self._pages.sentences(why_over(case), visit.reader, case)),
        )


def _age(case: Case) -> tuple[datetime, str]:
    return (case.persisted_at, case.id)


def _to(case: Case, done: str) -> Response:
    return RedirectResponse(f"{NOTES.path}/{case.id}?done={done}", 303)

"""Cases as pages ask for them: one that its reader may see, closed ones, what a click did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException

from central.cases import Case, CaseState, NoSuchCase, Which
from central.console.board import may_see
from central.console.pages import Notice
from central.console.visits import Visit
from central.store import Store
from rules.alarm import Category
from texts import N_

_CLOSED_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class ClosedPage:
    """Some closed cases, newest first."""

    cases: tuple[Case, ...]
    older: str
    "Where the next ones are; empty where there are none."


async def find(store: Store, visit: Visit) -> Case:
    """The case that the address names.

    Raises:
        HTTPException: 404 if there is none, or none for this reader.

    """
    case = await store.case(visit.request.path_params["id"])
    if case is None or not may_see(visit.user.role, case.category):
        raise HTTPException(404)
    return case


async def closed_page(
    store: Store, categories: Iterable[Category], path: str, before: str | None
) -> ClosedPage:
    """One page of the closed cases of some categories, from the case `before` on.

    Raises:
        HTTPException: 404 if there is no such case.

    """
    found: list[Case] = []
    try:
        for category in categories:
            found += await store.cases(
                state=Which.CLOSED, category=category, limit=_CLOSED_AT_ONCE + 1, before=before
            )
    except NoSuchCase as error:
        raise HTTPException(404) from error
    found.sort(key=lambda case: (case.persisted_at, case.id), reverse=True)
    shown = tuple(found[:_CLOSED_AT_ONCE])
    older = f"{path}?before={shown[-1].id}" if len(found) > len(shown) else ""
    return ClosedPage(shown, older)


def notice_of(visit: Visit, case: Case, done: Mapping[str, Notice]) -> Notice | None:
    """What came of the last click, by the word in the address."""
    what = visit.request.query_params.get("done", "")
    if what != "conflict":
        return done.get(what)
    if case.state is CaseState.CLOSED:
        say = N_("{who} closed this case first, at {time}.")
        return Notice(say, wrong=True, who=case.closed_by or "", moment=case.closed_at)
    say = N_("{who} took this case first, at {time}.")
    return Notice(say, wrong=True, who=case.taken_by or "", moment=case.taken_at)

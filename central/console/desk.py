"""What every page behind the login shows around its own contents: tabs, counts, alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from central.cases import Case, CaseState
from central.console.board import Board, home_of, may_see, shows_level
from central.console.pages import Notice, Pages
from central.console.visits import Visit
from central.people import Role
from central.store import Store
from rules.alarm import Category
from texts import N_, translator


@dataclass(frozen=True, slots=True)
class Place:
    """One page of the menu."""

    name: str
    path: str
    word: str
    category: Category | None = None


ESCALATIONS: Final = Place("escalations", "/", N_("Escalations"), Category.ESCALATION)
FAULTS: Final = Place("faults", "/faults", N_("Faults"), Category.FAULT)
NOTES: Final = Place("notes", "/notes", N_("Slow changes"), Category.NOTE)
CLOSED: Final = Place("closed", "/closed", N_("Closed"))
GATEWAYS: Final = Place("gateways", "/gateways", N_("Gateways"))
_PLACES: Final = (ESCALATIONS, FAULTS, NOTES, CLOSED, GATEWAYS)


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of the menu with the number of cases that wait there."""

    name: str
    path: str
    word: str
    waiting: int
    waits: str
    "What they do meanwhile; a text of the source."
    loud: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """A waiting case that the reader is told about, on whatever page they are."""

    id: str
    level: int
    "A case that rises is told about once more."
    say: str
    loud: bool
    "Sounds until somebody takes it; others sound once."


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame's contents for one reader."""

    version: int
    tabs: tuple[Tab, ...]
    alerts: tuple[Alert, ...]


class Desk:
    """Puts pages into their frame."""

    def __init__(self, store: Store, board: Board, pages: Pages) -> None:
        self._store = store
        self._board = board
        self._pages = pages

    async def page(
        self,
        template: str,
        visit: Visit,
        here: str,
        context: Mapping[str, object],
        notice: Notice | None = None,
        status: int = 200,
    ) -> Response:
        """One page in its frame."""
        # Before the cases are read: a change in between makes the page fetch itself once more.
        version = self._store.version
        waiting = [
            case
            for case in await self._board.open()
            if case.state is CaseState.WAITING and may_see(visit.user.role, case.category)
        ]
        frame = Frame(version, _tabs(visit.user.role, waiting), _alerts(visit, waiting))
        return self._pages.render(
            template,
            visit.reader,
            {"visit": visit, "desk": frame, "here": here, "notice": notice, **context},
            status,
        )


def _tabs(role: Role, waiting: Sequence[Case]) -> tuple[Tab, ...]:
    return tuple(
        Tab(
            place.name,
            place.path,
            place.word,
            sum(case.category is place.category for case in waiting),
            N_("unread") if place.category is Category.NOTE else N_("waiting"),
            loud=place.category is Category.ESCALATION,
        )
        for place in _PLACES
        if place.category is None or may_see(role, place.category)
    )


def _alerts(visit: Visit, waiting: Sequence[Case]) -> tuple[Alert, ...]:
    """An operator is alerted to people in danger, a technician to faults."""
    category = Category.FAULT if visit.user.role is Role.TECHNICIAN else Category.ESCALATION
    words = translator(visit.reader.language)
    return tuple(
        Alert(
            case.id,
            case.level,
            ", ".join(
                part
                for part in (
                    words.text("Drill") if case.drill else "",
                    words.name(category),
                    words.name(case.alarm),
                    words.text("Level {n}", n=case.level) if shows_level(case) else "",
                    home_of(case),
                    case.room,
                )
                if part
            ),
            loud=category is Category.ESCALATION and not case.drill,
        )
        for case in waiting
        if case.category is category
    )

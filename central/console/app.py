"""Puts the console together: which address leads where."""

from typing import Final
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from central.accounts import Accounts
from central.cases import StoreFailing
from central.console.assets import Assets
from central.console.board import Board
from central.console.cases import Cases
from central.console.desk import Desk
from central.console.gateways import Gateways
from central.console.live import Live
from central.console.login import Login
from central.console.moments import Clock
from central.console.notes import Notes
from central.console.pages import Pages
from central.console.shield import Shield
from central.console.visits import Door
from central.store import Store
from texts import N_

SEOUL: Final = ZoneInfo("Asia/Seoul")

_ERRORS: Final = {
    403: (N_("Not allowed"), N_("This form is out of date. Go back, reload the page, try again.")),
    404: (N_("Not found"), N_("There is no such page or case, or it is not meant for you.")),
    413: (N_("Too long"), N_("The text is too long to be kept. Please shorten it.")),
    503: (
        N_("Not kept"),
        N_("The center could not keep this change. Try again, and tell the administrator."),
    ),
}
_OTHERWISE: Final = (N_("That did not work"), N_("Go back, reload the page, try again."))


class Console:
    """The console as an ASGI application."""

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self._app = app
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def close(self) -> None:
        """End what would go on for ever, before the server waits for all to end."""
        self._live.close()


def console(
    store: Store,
    clock: Clock,
    *,
    accounts: Accounts | None = None,
    assets: Assets | None = None,
    zone: ZoneInfo = SEOUL,
) -> Console:
    """Make the console, within the event loop.

    Raises:
        ConfigError: a file that the browser needs is not installed.

    """
    pages = Pages(assets := assets or Assets.read(), zone)
    door = Door(store, clock)
    board = Board(store)
    desk = Desk(store, board, pages)
    cases = Cases(store, clock, board, pages, desk, zone)
    notes = Notes(store, clock, board, pages, desk)
    gateways = Gateways(store, desk)
    login = Login(accounts or Accounts(store), clock, pages, door, desk)
    live = Live(store, clock, door)

    async def failed(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 503
        heading, say = _ERRORS.get(status, _OTHERWISE)
        reader, _ = door.stranger(request)
        return pages.render("error.html", reader, {"heading": heading, "message": say}, status)

    app = Starlette(
        routes=[
            Route("/", door.page(cases.escalations)),
            Route("/faults", door.page(cases.faults)),
            Route("/notes", door.page(notes.page)),
            Route("/closed", door.page(cases.closed)),
            Route("/gateways", door.page(gateways.page)),
            Route("/settings", door.page(login.settings)),
            Route("/settings/password", door.action(login.set_password), methods=["POST"]),
            Route("/cases/{id}", door.page(cases.case)),
            Route("/cases/{id}/take", door.action(cases.take), methods=["POST"]),
            Route("/cases/{id}/note", door.action(cases.note), methods=["POST"]),
            Route("/cases/{id}/close", door.action(cases.close), methods=["POST"]),
            Route("/notes/{id}", door.page(notes.note)),
            Route("/notes/{id}/read", door.action(notes.read), methods=["POST"]),
            Route("/notes/{id}/close", door.action(notes.close), methods=["POST"]),
            Route("/login", login.show),
            Route("/login", login.log_in, methods=["POST"]),
            Route("/logout", door.action(login.log_out), methods=["POST"]),
            Route("/language", login.set_language, methods=["POST"]),
            Route("/live", live.follow),
            Route("/assets/{digest}/{name:path}", assets.serve),
        ],
        middleware=[Middleware(Shield)],
        exception_handlers={HTTPException: failed, StoreFailing: failed},
    )
    # Such an answer would lead to whatever host the request named.
    app.router.redirect_slashes = False
    return Console(app, live)

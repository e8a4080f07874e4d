"""In and out: login, logout, the language, and one's own password."""

import re
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from central.accounts import NAME_MAX, PASSWORD_MAX, PASSWORD_MIN, Accounts
from central.console.attempts import Attempts
from central.console.desk import Desk
from central.console.forms import read_form
from central.console.moments import Clock
from central.console.pages import Notice, Pages
from central.console.visits import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    Door,
    Visit,
    set_cookie,
)
from central.people import User
from texts import N_, Language

_WINDOW: Final = timedelta(minutes=15)
_TRIES_BY_NAME: Final = 8
_TRIES_BY_ADDRESS: Final = 40
"A whole control room may stand behind one address."
_YEAR: Final = timedelta(days=365)
_BACK: Final = re.compile(
    r"/(faults|notes|closed|gateways|settings|login|(cases|notes)/[0-9a-f]{32})?"
)

_NOTICES: Final = {
    "ended": Notice(N_("You were logged out. New escalations are not shown here."), wrong=True),
    "out": Notice(N_("You are logged out.")),
    "password": Notice(N_("The password is changed. Other logins of yours have ended.")),
    "wrong": Notice(N_("The current password is wrong."), wrong=True),
    "length": Notice(N_("The new password is too short or too long."), wrong=True),
    "differ": Notice(N_("The two new passwords differ."), wrong=True),
    "often": Notice(N_("Too many attempts; please wait a few minutes."), wrong=True),
}


class Login:
    """The pages around a login."""

    def __init__(
        self, accounts: Accounts, clock: Clock, pages: Pages, door: Door, desk: Desk
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._pages = pages
        self._door = door
        self._desk = desk
        self._by_name = Attempts(_TRIES_BY_NAME, _WINDOW)
        self._by_address = Attempts(_TRIES_BY_ADDRESS, _WINDOW)

    async def show(self, request: Request) -> Response:
        """The login page; who is logged in goes on."""
        if await self._door.visit(request) is not None:
            return RedirectResponse("/", 303)
        notice = _NOTICES.get(request.query_params.get("notice", ""))
        return self._page(request, notice, back=request.query_params.get("back", ""))

    async def log_in(self, request: Request) -> Response:
        """Check name and password, begin a session."""
        reader, _ = self._door.stranger(request)
        form = await read_form(request, reader.csrf)
        name = form.get("name", "").strip()[:NAME_MAX]
        back = form.get("back", "")
        wait = self._wait(request, name)
        if wait:
            notice = Notice(N_("Too many attempts; please wait {span}."), wrong=True, span=wait)
            return self._page(request, notice, name=name, back=back, status=429)
        user = await self._known(request, name, form.get("password", ""))
        if user is None:
            notice = Notice(N_("The name or the password is wrong."), wrong=True)
            return self._page(request, notice, name=name, back=back, status=401)
        response = RedirectResponse(back if _BACK.fullmatch(back) else "/", 303)
        await self._door.begin(request, user.name, response)
        return response

    async def log_out(self, visit: Visit) -> Response:
        """End the session."""
        await self._door.end(visit.token)
        response = RedirectResponse("/login?notice=out", 303)
        response.delete_cookie(SESSION_COOKIE)
        return response

    async def set_language(self, request: Request) -> Response:
        """Remember the language in the browser; also for who is not logged in."""
        visit = await self._door.visit(request)
        reader = self._door.stranger(request)[0] if visit is None else visit.reader
        form = await read_form(request, reader.csrf)
        back = form.get("back", "")
        response = RedirectResponse(back if _BACK.fullmatch(back) else "/", 303)
        if form.get("language") in set(Language):
            set_cookie(request, response, LANGUAGE_COOKIE, form["language"], _YEAR)
        return response

    async def settings(self, visit: Visit) -> Response:
        """What a person sets for themselves."""
        notice = _NOTICES.get(visit.request.query_params.get("notice", ""))
        context = {"role": visit.user.role, "shortest": PASSWORD_MIN, "longest": PASSWORD_MAX}
        return await self._desk.page("settings.html", visit, "settings", context, notice)

    async def set_password(self, visit: Visit) -> Response:
        """Change one's own password; all other sessions end, this one begins anew."""
        name, new = visit.user.name, visit.form.get("new", "")
        problem = await self._problem(visit, new)
        if problem:
            return RedirectResponse(f"/settings?notice={problem}", 303)
        await self._accounts.set_password(name, new, name, self._clock.now())
        response = RedirectResponse("/settings?notice=password", 303)
        await self._door.begin(visit.request, name, response)
        return response

    async def _problem(self, visit: Visit, new: str) -> str:
        """Key of the notice that says why the password stays as it is, if it does."""
        if not PASSWORD_MIN <= len(new) <= PASSWORD_MAX:
            return "length"
        if new != visit.form.get("again", ""):
            return "differ"
        if self._wait(visit.request, visit.user.name):
            return "often"
        known = await self._known(visit.request, visit.user.name, visit.form.get("old", ""))
        return "" if known else "wrong"

    def _wait(self, request: Request, name: str) -> timedelta:
        now = self._clock.now()
        return max(self._by_name.wait(name, now), self._by_address.wait(_address(request), now))

    async def _known(self, request: Request, name: str, password: str) -> User | None:
        """The user, if the password is theirs; each call is one try."""
        now, address = self._clock.now(), _address(request)
        self._by_name.begin(name, now)
        self._by_address.begin(address, now)
        user = await self._accounts.verify(name, password)
        if user is not None:
            self._by_name.take_back(name)
            self._by_address.take_back(address)
        return user

    def _page(
        self,
        request: Request,
        notice: Notice | None,
        *,
        name: str = "",
        back: str = "",
        status: int = 200,
    ) -> Response:
        reader, secret = self._door.stranger(request)
        context = {"notice": notice, "entered": name, "back": back}
        response = self._pages.render("login.html", reader, context, status)
        self._door.remember_stranger(request, response, secret)
        return response


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host

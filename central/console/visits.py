"""One request of a person: who, in which language, from which page.

`Door.page` and `Door.action` wrap every address behind the login, so that none can forget to ask
for it.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from central.console.forms import Form, csrf_token, read_form
from central.console.moments import Clock
from central.console.pages import Reader
from central.console.presence import Presence
from central.people import User
from central.store import Store
from texts import Language, preferred

SESSION_COOKIE: Final = "ongi-session"
LANGUAGE_COOKIE: Final = "ongi-language"
_DOOR_COOKIE: Final = "ongi-door"
"For who is not logged in: what ties a login form to the browser that asked for it."
SESSION_LASTS: Final = timedelta(days=30)
"A control room's screen stays logged in; one that nobody uses does not, see `presence`."
_IDLE_S: Final = 12 * 3600.0
"A long shift."
_LONGEST_TOKEN: Final = 64


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged in."""

    request: Request
    reader: Reader
    user: User
    token: bytes
    "Hash of the session's token, as the store knows it."
    form: Form = field(default_factory=dict)
    "What was posted; empty for a page."

    @property
    def csrf(self) -> str:
        """What the forms of the page carry."""
        return self.reader.csrf


Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """Lets in who has a session, and knows the language of everybody."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._presence = Presence(_IDLE_S)

    def page(self, endpoint: Callable[[Visit], Awaitable[Response]]) -> Endpoint:
        """A page behind the login; who is not logged in is sent there first."""

        async def guarded(request: Request) -> Response:
            visit = await self.visit(request)
            return _to_login(request) if visit is None else await endpoint(visit)

        return guarded

    def action(self, endpoint: Callable[[Visit], Awaitable[Response]]) -> Endpoint:
        """Something that changes what is stored: behind the login, by a form of ours."""

        async def guarded(request: Request) -> Response:
            visit = await self.visit(request)
            if visit is None:
                return _to_login(request)
            form = await read_form(request, visit.csrf)
            return await endpoint(
                Visit(visit.request, visit.reader, visit.user, visit.token, form)
            )

        return guarded

    async def visit(self, request: Request) -> Visit | None:
        """The visit, None without a good session."""
        secret = request.cookies.get(SESSION_COOKIE, "")
        if not secret or len(secret) > _LONGEST_TOKEN:
            return None
        token = token_hash(secret)
        session = await self._store.session(token, self._clock.now())
        if session is None:
            self._presence.forget(token)
            return None
        if not self._presence.use(token, asyncio.get_running_loop().time()):
            await self.end(token)
            return None
        return Visit(request, self.reader(request, secret), session.user, token)

    def page_opened(self, visit: Visit) -> None:
        """An open page keeps its session in use."""
        self._presence.open_page(visit.token, asyncio.get_running_loop().time())

    def page_shut(self, visit: Visit) -> None:
        """The page is gone."""
        self._presence.shut_page(visit.token, asyncio.get_running_loop().time())

    def reader(self, request: Request, secret: str) -> Reader:
        """For whom and when a page is rendered."""
        return Reader(
            language=_language(request),
            now=self._clock.now(),
            path=_path(request),
            csrf=csrf_token(secret),
        )

    def stranger(self, request: Request) -> tuple[Reader, str]:
        """For who is not logged in: the reader, and the secret that ties forms to the browser."""
        secret = request.cookies.get(_DOOR_COOKIE, "")
        if not secret or len(secret) > _LONGEST_TOKEN:
            secret = secrets.token_urlsafe(32)
        return self.reader(request, secret), secret

    def remember_stranger(self, request: Request, response: Response, secret: str) -> None:
        """Give the browser the secret of its login form."""
        set_cookie(request, response, _DOOR_COOKIE, secret)

    async def begin(self, request: Request, user: str, response: Response) -> None:
        """Begin a session and give its token to the browser; never one that was there before."""
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        await self._store.create_session(token_hash(secret), user, now, now + SESSION_LASTS)
        set_cookie(request, response, SESSION_COOKIE, secret)

    async def end(self, token: bytes) -> None:
        """End a session."""
        self._presence.forget(token)
        await self._store.drop_session(token)


def token_hash(secret: str) -> bytes:
    """What the store keeps of a token: who reads the file cannot log in with it."""
    return hashlib.sha256(secret.encode()).digest()


def set_cookie(
    request: Request, response: Response, name: str, value: str, lasts: timedelta | None = None
) -> None:
    """Give the browser a cookie that no script and no other site can use."""
    response.set_cookie(
        name,
        value,
        max_age=None if lasts is None else int(lasts.total_seconds()),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _path(request: Request) -> str:
    """Where the page fetches itself from: not with what came of the last click."""
    before = request.query_params.get("before", "")
    return f"{request.url.path}?before={quote(before)}" if before else request.url.path


def _language(request: Request) -> Language:
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in set(Language):
        return Language(chosen)
    return preferred(request.headers.get("accept-language", ""))


def _to_login(request: Request) -> Response:
    if request.headers.get("hx-request"):
        # A page that brings itself up to date must leave as a whole.
        return Response(status_code=204, headers={"HX-Redirect": "/login?notice=ended"})
    if request.method != "GET":
        return RedirectResponse("/login?notice=ended", 303)
    if request.url.path == "/":
        return RedirectResponse("/login", 303)
    return RedirectResponse(f"/login?back={request.url.path}", 303)

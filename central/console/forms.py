"""What a browser posts: small, of one kind, from our own pages.

Ref: OWASP Cross-Site Request Forgery Prevention Cheat Sheet (token per session, Origin).
"""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

LONGEST_TEXT: Final = 2_000
"Characters of a note or a closing."
_LARGEST_BYTES: Final = 32_768
"A text of that length in Hangul, each byte written as `%XX`, and the rest of the form."
_PATIENCE_S: Final = 30.0
"For the last byte of a form."
_FIELDS: Final = 16
_KIND: Final = "application/x-www-form-urlencoded"

Form = Mapping[str, str]


def csrf_token(secret: str) -> str:
    """What a form must carry: only who knows the session's secret can make it."""
    return hmac.new(secret.encode(), b"ongi console form", hashlib.sha256).hexdigest()


async def read_form(request: Request, csrf: str) -> Form:
    """The fields of a posted form, after all checks that hold for every form.

    Raises:
        HTTPException: 403 for a foreign page or a wrong token, 413 for too much, 415 for another
            kind, 408 for too slow, 400 for rubbish.

    """
    if not _ours(request.headers.get("origin", ""), request.headers.get("host", "")):
        raise HTTPException(403)
    if request.headers.get("content-type", "").partition(";")[0].strip() != _KIND:
        raise HTTPException(415)
    form = _fields(await _body(request))
    if not hmac.compare_digest(form.get("csrf", "").encode(), csrf.encode()):
        raise HTTPException(403)
    return form


def _ours(origin: str, host: str) -> bool:
    try:
        return bool(origin) and urlsplit(origin).netloc == host
    except ValueError:
        # Brackets that hold no address.
        return False


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST_BYTES:
                    raise HTTPException(413)
    except ClientDisconnect as error:
        raise HTTPException(400) from error
    except TimeoutError as error:
        raise HTTPException(408) from error
    return bytes(body)


def _fields(body: bytes) -> Form:
    try:
        return dict(
            parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                max_num_fields=_FIELDS,
                errors="strict",
            )
        )
    except ValueError as error:
        raise HTTPException(400) from error


def text_of(form: Form) -> str:
    """A person's words from the field `text`: whole lines, nothing that steers a screen."""
    text = form.get("text", "").replace("\r\n", "\n").replace("\r", "\n").strip()
    return "".join(one for one in text if one.isprintable() or one == "\n")[:LONGEST_TEXT]

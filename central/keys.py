"""Enrolment: a gateway's keys are made here, kept here, and handed over in one file."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from central.cases import Home
from central.store import Store
from protocol.identity import GatewayIdentity, new_identity
from rules.errors import ConfigError, phrase

_KID_BYTES = 4


async def enrol(
    store: Store,
    home: Home,
    out: Path,
    *,
    by: str,
    now: datetime,
    replace_keys: bool = False,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> GatewayIdentity:
    """Make keys for `home.gateway`, keep the center's part, write the gateway's to `out` (0600).

    With `replace_keys` a known gateway gets new ones and its old ones are worth nothing; its home
    is left as it is where `home` says nothing. Without the file nothing is enrolled.

    Raises:
        ConfigError: a name that cannot be a gateway's, or `out` is there.
        GatewayExists: it is enrolled already.
        OSError: the file cannot be written.

    """
    kid = random(_KID_BYTES)
    while store.find(kid) is not None:
        kid = random(_KID_BYTES)
    identity = new_identity(home.gateway, kid, random)
    await asyncio.to_thread(_hand_over, identity, out)
    enrolled = False
    try:
        await store.enrol(identity.entry(), home, by, now, replace_keys=replace_keys)
        enrolled = True
    finally:
        if not enrolled:
            await asyncio.to_thread(out.unlink)
    return identity


def _hand_over(identity: GatewayIdentity, out: Path) -> None:
    try:
        out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        right = phrase("name a file in a folder; a folder that is not there yet is made")
        raise ConfigError(str(out.parent), phrase("no folder"), right) from error
    try:
        identity.save(out)
    except FileExistsError as error:
        found = phrase("a folder") if out.is_dir() else phrase("a file that is there already")
        right = phrase("name a file that is not there yet; keys are never overwritten")
        raise ConfigError(str(out), found, right) from error

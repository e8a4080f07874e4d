"""Programs that are asked something, and end by themselves."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, phrase

DIES_WITH_US: Final = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"Whoever kills this command leaves nothing behind that runs."

_WITHIN_S: Final = 900.0
_LAST_LINES: Final = 5


async def said_by(
    *command: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """What a program writes.

    Raises:
        ConfigError: it fails, or does not end.

    """
    try:
        process = await asyncio.create_subprocess_exec(
            *DIES_WITH_US,
            *command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise ConfigError(command[0], error.strerror or "", phrase("install it")) from error
    try:
        async with asyncio.timeout(_WITHIN_S):
            out, complaints = await process.communicate()
    except TimeoutError as error:
        found = phrase("no end within {seconds} s", seconds=round(_WITHIN_S))
        raise ConfigError(command[0], found, phrase("start again")) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = complaints.decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
        raise ConfigError(" ".join(command[:1]), "\n".join(last), phrase("start again"))
    return out.decode(errors="replace")

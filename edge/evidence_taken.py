"""What `ongi export` does with files: evidence taken out of a home's, and saved in one."""

from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from edge.config import Site
from edge.evidence_export import Export, Head, dumped
from edge.evidence_files import FOLDER
from edge.evidence_history import history
from edge.torn_proof import replace
from rules.errors import ConfigError, phrase, unreadable


def taken(home: Path, site: Site, since: datetime | None) -> tuple[Export, int]:
    """A home's evidence, and how many lines of it were damaged. The gateway may run or not.

    Raises:
        ConfigError: there is none.
        OSError: it cannot be read.

    """
    folder = home / FOLDER
    found = history(folder, since)
    if not found.events:
        right = phrase("let the gateway run for some minutes first")
        if since is not None:
            right = phrase("name an earlier moment with --since")
        raise ConfigError(str(folder), phrase("no evidence"), right)
    head = Head(
        program=version("ongi"),
        redacted=False,
        gateway=site.id,
        zone=site.zone,
        preset=site.preset,
        book=site.book,
        trusted=found.trusted,
        devices=found.devices,
    )
    return Export(head, found.events), found.damaged


def save(export: Export, path: Path) -> None:
    """Write the file, all of it or none.

    Raises:
        ConfigError: the disk does not take it there.

    """
    try:
        replace(path, dumped(export))
    except OSError as error:
        right = phrase("name another place with --out")
        raise ConfigError(str(path), unreadable(error), right) from error

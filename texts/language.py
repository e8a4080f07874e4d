"""The languages we speak, and which of them a reader asks for."""

import re
from enum import StrEnum


class Language(StrEnum):
    """A language with a complete catalogue; Korean is the first."""

    KO = "ko"
    EN = "en"


_TAG = re.compile(r"\s*([A-Za-z]+)[^,;:]*(?:;\s*q=([0-9.]{1,5}))?")


def preferred(asked: str) -> Language:
    """The language that `asked` puts first among ours; Korean when it names none of them.

    Args:
        asked: an Accept-Language header (`en-US,en;q=0.9`) or a locale (`ko_KR.UTF-8`).

    """
    found: list[tuple[float, Language]] = []
    for part in asked.split(","):
        tag = _TAG.match(part)
        if tag is None or tag[1].lower() not in set(Language):
            continue
        weight = _weight(tag[2])
        if weight > 0:
            found.append((weight, Language(tag[1].lower())))
    return max(found, key=lambda one: one[0], default=(1.0, Language.KO))[1]


def _weight(written: str | None) -> float:
    try:
        return 1.0 if written is None else float(written)
    except ValueError:
        return 0.0

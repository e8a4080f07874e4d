"""Fill the words of a sentence into its template.

`{room}` is replaced by the word of that name. A part in square brackets vanishes when one of its
words is empty or absent: `[{room}: ]{at}`. No other syntax, so that no template can raise.
"""

import re
from collections.abc import Mapping

_FIELD = re.compile(r"\{([a-z0-9_]+)\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_SPACES = re.compile(r"\s+")


def fill(template: str, words: Mapping[str, str]) -> str | None:
    """The template with its words, or None where a word outside brackets is absent."""

    def keep(part: re.Match[str]) -> str:
        return part[1] if all(words.get(name) for name in fields(part[1])) else ""

    rest = _OPTIONAL.sub(keep, template)
    if any(name not in words for name in fields(rest)):
        return None
    return _SPACES.sub(" ", _FIELD.sub(lambda field: words[field[1]], rest)).strip()


def fields(template: str) -> list[str]:
    """Names of the words that a template holds, as often as it holds them."""
    return _FIELD.findall(template)


def required(template: str) -> set[str]:
    """Names of the words without which a template cannot be filled."""
    return set(fields(_OPTIONAL.sub("", template)))

"""Errors by who is to blame: the peer, the operator, or the world; and what they say to people."""

import errno
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Self

_FIELD = re.compile(r"\{([a-z0-9_]+)\}")


class Phrase(str):
    """Words for a person, in English; what it was made of lets another language say them."""

    __slots__ = ("template", "words")

    template: str
    "The text as the catalogues know it; `{name}` stands for the word of that name."
    words: Mapping[str, str]
    "Each may be a phrase itself."

    def __new__(cls, template: str, words: Mapping[str, str] = MappingProxyType({})) -> Self:
        """Fill `words` into `template`."""
        english = _FIELD.sub(lambda field: words.get(field[1], field[0]), template)
        made = super().__new__(cls, english)
        made.template = template
        made.words = words
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[str, dict[str, str]]]:
        """Keep the template and the words between processes."""
        return type(self), (self.template, dict(self.words))


def phrase(template: str, /, **words: object) -> Phrase:
    """A text of the catalogues with its words; those that are no phrases are no language's."""
    return Phrase(
        template,
        {name: word if isinstance(word, Phrase) else str(word) for name, word in words.items()},
    )


def meant(written: object, names: Iterable[str], right: Phrase) -> Phrase:
    """`right`, behind the one of `names` that was probably meant."""
    near = get_close_matches(str(written), list(names), n=1)
    return (
        phrase("did you mean {near}? {right}", near=repr(near[0]), right=right) if near else right
    )


def unreadable(error: OSError) -> Phrase:
    """What the system says of a file that it does not give, without its number."""
    match error:
        case FileNotFoundError():
            return phrase("no such file")
        case PermissionError(errno=errno.EACCES):
            return phrase("permission denied")
        case IsADirectoryError():
            return phrase("is a directory")
    return Phrase((error.strerror or phrase("cannot be read")).lower())


class FrameError(ValueError):
    """The bytes are no valid frame; the peer or the link is at fault, never the caller."""


class ConfigError(ValueError):
    """The operator wrote something unusable.

    The message reads: where it stands, what was found, and what would be right. The last two are
    phrases, or what no language changes: the value as it was written, a command.
    """

    def __init__(self, where: str, found: str, right: str) -> None:
        super().__init__(f"{where}: found {found}; {right}")
        self.where = where
        self.found = found
        self.right = right


class LinkLost(ConnectionError):  # noqa: N818 -- names what happened, as style.md lists it
    """The other end of a link is gone; the caller may try again."""

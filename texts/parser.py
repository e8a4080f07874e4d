"""Command lines of every program: help and refusals in the reader's language.

argparse speaks English, or what the gettext domain `messages` of the whole process says; both are
global, and its ids differ from one Python to the next. So nothing of it is replaced: what it says
passes through one parser, which knows its sentences and says ours. What it may say in another
version and is not known here is shown as it is.
"""

import argparse
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from texts.language import Language, preferred
from texts.translator import N_, Translator

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
_HEADINGS: Final = {
    "positional arguments": N_("arguments"),
    "options": N_("options"),
}
_OPTION: Final = r"argument (?P<option>.+?): "
_REFUSALS: Final = (
    (r"unrecognized arguments: (?P<what>.*)", N_("unknown: {what}")),
    (r"the following arguments are required: (?P<what>.*)", N_("missing: {what}")),
    (r"one of the arguments (?P<names>.*) is required", N_("missing: one of {names}")),
    (_OPTION + "expected one argument", N_("{option}: a value is missing")),
    (_OPTION + "expected at least one argument", N_("{option}: a value is missing")),
    (_OPTION + "not allowed with argument (?P<what>.*)", N_("{option}: not beside {what}")),
    (
        _OPTION + r"invalid choice: (?P<what>.*?) \(choose from (?P<names>.*)\)",
        N_("{option}: found {what}; choose from {names}"),
    ),
    (
        _OPTION + "invalid .* value: (?P<what>.*)",
        N_("{option}: found {what}, which cannot be read"),
    ),
    (
        _OPTION + "ignored explicit argument (?P<what>.*)",
        N_("{option}: found {what}; it takes no value"),
    ),
    (_OPTION + "(?P<what>.*)", "{option}: {what}"),
)
"What argparse says in English, and what we say. Ref: argparse of Python 3.11, 3.12 and 3.13."
Word = TypeVar("Word", bound=StrEnum)


def language(argv: Sequence[str]) -> Language:
    """The language that --language asks for, or the locale does; Korean where neither does."""
    asked = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    asked.add_argument("--language", type=Language, default=None)
    try:
        given: Language | None = asked.parse_known_args(argv)[0].language
    except argparse.ArgumentError:
        given = None  # The whole parser says what is wrong, in the locale's language.
    locale = next((value for name in _LOCALE if (value := os.environ.get(name))), "")
    return given or preferred(locale)


class Parser(argparse.ArgumentParser):
    """A parser that helps and refuses in one language."""

    def __init__(
        self, prog: str, what: str, say: Translator, *, epilog: str = "", is_set: bool = False
    ) -> None:
        """A parser with `--help` alone.

        Args:
            prog: as it is called.
            what: in a sentence, translated.
            say: of the reader's language.
            epilog: what stands under the options, translated.
            is_set: the lines of `what` and `epilog` end where they do.

        """
        super().__init__(
            prog=prog,
            description=what,
            epilog=epilog,
            formatter_class=partial(_Formatter, say, is_set=is_set),
            add_help=False,
            allow_abbrev=False,
        )
        self.say = say
        self.add_argument(
            "-h",
            "--help",
            action="help",
            default=argparse.SUPPRESS,
            help=say.text("show this and end"),
        )

    def commands(self) -> Callable[[str, str], "Parser"]:
        """Have commands of its own; what is returned adds one, of a name and what it does."""
        # Before or behind the command, as it is thought of: `language` has read it already.
        language_option(self, self.say)
        found = self.add_subparsers(
            metavar=self.say.text("COMMAND"),
            required=True,
            title=self.say.text("commands"),
            prog=self.prog,
        )

        def add(name: str, what: str) -> "Parser":
            return found.add_parser(name, help=what, what=what, say=self.say)

        return add

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Raises: `OSError` where it cannot be written, which argparse would keep to itself."""
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        """Say how it is used and what is wrong."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {self._refusal(message)}\n")

    def _refusal(self, message: str) -> str:
        for pattern, template in _REFUSALS:
            found = re.fullmatch(pattern, message, re.DOTALL)
            if found is not None:
                words = found.groupdict()
                if "names" in words:
                    # Python 3.11 quotes them, 3.13 does not.
                    words["names"] = words["names"].replace("'", "")
                return self.say.text(template, **words)
        return message


class _Formatter(argparse.HelpFormatter):
    """Lines as long as the terminal shows them, where a letter may take two cells."""

    def __init__(self, say: Translator, prog: str, *, is_set: bool) -> None:
        super().__init__(prog)
        self._say = say
        self._is_set = is_set

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        # Without one it is asked for by parsers of sub-commands, for the names before theirs.
        mine = f"{self._say.text('usage')}: " if prefix is None else prefix
        super().add_usage(usage, actions, groups, mine)

    def start_section(self, heading: str | None) -> None:
        super().start_section(heading and self._say.text(_HEADINGS.get(heading, heading)))

    def _split_lines(self, text: str, width: int) -> list[str]:
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".lstrip()
            if _cells(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = text.splitlines() if self._is_set else self._split_lines(text, width - len(indent))
        return "\n".join(indent + line for line in lines)


def _cells(text: str) -> int:
    """Ref: Unicode Standard Annex #11, East Asian Width."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def default(say: Translator) -> str:
    """The end of an option's help: ` (default: 1)`."""
    return f" ({say.text('default: %(default)s')})"


def language_option(parser: argparse.ArgumentParser, say: Translator) -> None:
    """`--language`, of help, refusals and all that is printed."""
    parser.add_argument(
        "--language",
        type=one_of(Language, say),
        default=say.language,
        metavar="ko|en",
        help=say.text("of all that is printed") + default(say),
    )


def one_of(words: type[Word], say: Translator) -> Callable[[str], Word]:
    """A word of a vocabulary, as the type of an option."""

    def read(written: str) -> Word:
        try:
            return words(written)
        except ValueError as error:
            right = say.text(
                "found {what}; choose from {names}", what=repr(written), names=", ".join(words)
            )
            raise argparse.ArgumentTypeError(right) from error

    return read


def whole(low: int, high: int, say: Translator) -> Callable[[str], int]:
    """A whole number of a range, as the type of an option."""
    wanted = range(low, high + 1)

    def read(written: str) -> int:
        try:
            number = int(written)
        except ValueError:
            number = low - 1
        if number not in wanted:
            right = say.text("write a whole number from {low} to {high}", low=low, high=high)
            raise argparse.ArgumentTypeError(f"{written!r}: {right}")
        return number

    return read

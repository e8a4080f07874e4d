"""Command lines of the simulator, with help and refusals in the reader's language."""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from rich.cells import cell_len

from texts import N_, Language, Translator

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

LANGUAGE: Final = Language.KO
"Where nothing else is asked for."
_HEADINGS: Final = {
    "positional arguments": N_("arguments"),
    "options": N_("options"),
}
_REFUSALS: Final = (
    (r"unrecognized arguments: (?P<what>.*)", N_("unknown: {what}")),
    (r"the following arguments are required: (?P<what>.*)", N_("missing: {what}")),
    (r"argument (?P<option>.+?): expected one argument", N_("{option}: a value is missing")),
    (
        r"argument (?P<option>.+?): invalid choice: (?P<what>.*?) \(choose from (?P<names>.*)\)",
        N_("{option}: found {what}; choose from {names}"),
    ),
    (
        r"argument (?P<option>.+?): invalid .* value: (?P<what>.*)",
        N_("{option}: found {what}, which cannot be read"),
    ),
    (
        r"argument (?P<option>.+?): ignored explicit argument (?P<what>.*)",
        N_("{option}: found {what}; it takes no value"),
    ),
    (r"argument (?P<option>.+?): (?P<what>.*)", "{option}: {what}"),
)
"What argparse says in English, and what we say; what is not among it stays as it is."


def language(argv: Sequence[str]) -> Language:
    """The language that `--language` asks for."""
    asked = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    asked.add_argument("--language", type=Language, default=LANGUAGE)
    try:
        given: Language = asked.parse_known_args(argv)[0].language
    except argparse.ArgumentError:
        return LANGUAGE  # The whole parser says what is wrong.
    return given


class Parser(argparse.ArgumentParser):
    """A parser that helps and refuses in one language."""

    def __init__(self, prog: str, what: str, say: Translator, *, epilog: str = "") -> None:
        """`what`: in a sentence, translated."""
        super().__init__(
            prog=prog,
            description=what,
            epilog=epilog,
            formatter_class=partial(_Formatter, say),
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
                return self.say.text(template, **found.groupdict())
        return message


class _Formatter(argparse.HelpFormatter):
    """Lines as long as the terminal shows them, where a letter may take two cells."""

    def __init__(self, say: Translator, prog: str) -> None:
        super().__init__(prog)
        self._say = say

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, prefix or self._say.text("usage") + ": ")

    def start_section(self, heading: str | None) -> None:
        super().start_section(heading and self._say.text(_HEADINGS.get(heading, heading)))

    def _split_lines(self, text: str, width: int) -> list[str]:
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".lstrip()
            if cell_len(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in self._split_lines(text, width - len(indent)))


def default(say: Translator) -> str:
    """The end of an option's help: ` (default: 1)`."""
    return f" ({say.text('default: %(default)s')})"


def language_option(parser: argparse.ArgumentParser, say: Translator) -> None:
    """`--language`, of help, refusals and all that is printed."""

    def read(written: str) -> Language:
        try:
            return Language(written)
        except ValueError as error:
            right = say.text(
                "found {what}; choose from {names}", what=repr(written), names="ko, en"
            )
            raise argparse.ArgumentTypeError(right) from error

    parser.add_argument(
        "--language",
        type=read,
        default=LANGUAGE,
        metavar="ko|en",
        help=say.text("of all that is printed") + default(say),
    )


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

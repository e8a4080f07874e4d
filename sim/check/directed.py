"""Directed runs: small ones in which a fault meets just the moment that a storm seldom hits.

`python -m sim.check.directed` carries all of them out, a second each, or those that are named;
`--list` tells what meets what. They are listed in `sim.check.moments`.
"""

import logging
import sys
from collections.abc import Sequence

from rules.errors import phrase
from sim.check import check
from sim.check.moments import DIRECTED
from sim.terminal import carried_out
from texts import Translator, translator
from texts.parser import Parser, language, language_option


def main(argv: Sequence[str] | None = None) -> int:
    """Carry them out, print what they broke, and say so by the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    say = translator(language(arguments))
    return carried_out(lambda: _asked_for(arguments, say), say)


def _asked_for(arguments: Sequence[str], say: Translator) -> int:
    parser = Parser(
        "python -m sim.check.directed",
        say.text("Small runs in which a fault meets just the moment that a storm seldom hits."),
        say,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=say.text("only these; by default all")
    )
    parser.add_argument(
        "--list", action="store_true", help=say.text("tell what meets what, run nothing")
    )
    language_option(parser, say)
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in DIRECTED:
            known = phrase("choose from {names}", names=", ".join(DIRECTED))
            parser.error(f"{name!r}: {say.said(known)}")
    chosen = options.names or list(DIRECTED)
    if options.list:
        for name in chosen:
            print(f"{name}: {say.said(DIRECTED[name].what)}")
        return 0
    return _carry_out(chosen, say)


def _carry_out(chosen: Sequence[str], say: Translator) -> int:
    # What gateways log of their simulated troubles is nobody's news.
    logging.getLogger().addHandler(logging.NullHandler())
    failed = 0
    for name in chosen:
        violations = check(DIRECTED[name].carry_out())
        failed += bool(violations)
        for violation in violations:
            evidence = map(say.said, violation.evidence)
            what = say.said(violation.what)
            print(f"{name}: {violation.checker}: {what}", *evidence, sep="\n  ")
    print(say.text("Directed runs: {count}, failed: {failed}", count=len(chosen), failed=failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

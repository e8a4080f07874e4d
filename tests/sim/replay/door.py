"""`ongi sim replay`, as the command line has it."""

from collections.abc import Sequence

import sim.__main__


def main(argv: Sequence[str]) -> int:
    """Carry out what is typed behind `ongi sim replay`."""
    return sim.__main__.main(["replay", *argv])

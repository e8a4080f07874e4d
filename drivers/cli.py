"""`ongi driver LINK`: runs one radio's driver process."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rules.device import Link

_NOT_POSSIBLE: Final = 2


def main(argv: Sequence[str]) -> int:
    """Carry out `argv`, which begins with `driver`; returns the exit status."""
    parser = argparse.ArgumentParser(prog="ongi driver", description="Run one radio's driver.")
    parser.add_argument("link", choices=[link.value for link in Link])
    parser.add_argument(
        "--socket", type=Path, required=True, help="the gateway's socket, DIR/run/driver.sock"
    )
    parser.add_argument(
        "--state", type=Path, required=True, help="folder of the driver's state, DIR/drivers"
    )
    options = parser.parse_args(argv[1:])
    print(
        f"ongi driver {options.link}: this version has no radio stack for {options.link} yet; "
        "only simulated homes (make run) have a driver.",
        file=sys.stderr,
    )
    return _NOT_POSSIBLE

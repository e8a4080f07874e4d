"""One change of a registry, `add` or `remove`, to be killed in the middle."""

import sys
from dataclasses import replace
from pathlib import Path

from edge.registry import Registry
from tests.edge.registries import DOOR, PLUG

if __name__ == "__main__":
    registry = Registry.load(Path(sys.argv[1]))
    # The marks by which the test finds the calls in between.
    Path("/begin").exists()
    if sys.argv[2] == "add":
        registry.add_device(replace(DOOR, keyed=True), bytes(16))
    else:
        registry.remove_device(PLUG.id)
    Path("/end").exists()

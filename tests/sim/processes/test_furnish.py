"""The files of a simulated home are read by the gateway as they were meant."""

from datetime import datetime
from pathlib import Path

import pytest

from edge.config import Site
from sim.homes.population import ZONE, home
from sim.processes.furnish import HomeFiles, furnish


@pytest.mark.parametrize("population", ["pet", "two", "mixed"])
def test_the_gateway_reads_the_rules_that_the_home_has(tmp_path: Path, population: str) -> None:
    for number in range(1, 9):
        one = home(2, number, datetime(2026, 1, 5, tzinfo=ZONE), population)
        folder = tmp_path / one.gateway
        folder.mkdir()
        pet = one.book.evidence.pet
        files = HomeFiles(
            one.gateway, one.gateway, "Asia/Seoul", one.preset, "127.0.0.1", 5683, pet=pet
        )
        furnish(folder, files, one.installed[:1])
        assert Site.load(folder).book == one.book

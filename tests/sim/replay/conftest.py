"""Homes by hand: a switch that somebody presses, so that each alarm can be told in advance."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sim.recordings.recorded import HEADER

BEGIN = datetime(2026, 3, 2, 8)  # noqa: DTZ001 -- as recordings have it, without zone

Home = Callable[[str, Sequence[float]], Path]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Writes a recording in which a light is switched so many hours after 08:00 of 2 March."""

    def write(name: str, hours: Sequence[float]) -> Path:
        moments = [BEGIN + timedelta(hours=each) for each in hours]
        lines = [
            f"{moment:%Y-%m-%dT%H:%M:%S},Lamp/Kitchen,switch,{'OFF' if number % 2 else 'ON'}"
            for number, moment in enumerate(moments)
        ]
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
        return path

    return write


@pytest.fixture
def rules(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a file of rules: living alone, and what is given."""
    written = iter(range(100))

    def write(text: str) -> Path:
        path = tmp_path / f"rules-{next(written)}.toml"
        path.write_text('preset = "living-alone"\n' + text, encoding="utf-8")
        return path

    return write

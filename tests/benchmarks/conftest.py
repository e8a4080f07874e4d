"""Recordings by hand, whose silences can be told in advance."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sim.recordings.recorded import HEADER

MIDNIGHT = datetime(2026, 3, 2)  # noqa: DTZ001 -- as recordings have it, without zone

Home = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Writes a recording in which a light is switched so many hours after a midnight."""

    def write(
        name: str, hours: Sequence[float], rows: Sequence[tuple[float, str, str, str]] = ()
    ) -> Path:
        told = [
            (hour, "Lamp/Kitchen", "switch", "OFF" if number % 2 else "ON")
            for number, hour in enumerate(hours)
        ]
        lines = [
            f"{MIDNIGHT + timedelta(hours=hour):%Y-%m-%dT%H:%M:%S},{sensor},{kind},{value}"
            for hour, sensor, kind, value in sorted([*told, *rows], key=lambda row: row[0])
        ]
        path = tmp_path / "homes" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
        return path

    return write

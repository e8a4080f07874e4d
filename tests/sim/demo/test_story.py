"""How far a run is, as a terminal shows it."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from sim.demo.story import Story
from texts import Language, translator

MORNING = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("hours", [0, 11, 23])
def test_a_recording_goes_on_steadily_though_its_days_fly_by(hours: int) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system=None, width=100)
    with Story(translator(Language.EN), UTC, console) as story:
        story.progress(MORNING + timedelta(hours=hours), 86_400.0, 0.5)
        assert out.getvalue().count("━") == 20  # of forty


def test_a_simulated_day_has_its_own_bar() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system=None, width=100)
    with Story(translator(Language.EN), UTC, console) as story:
        story.progress(MORNING + timedelta(hours=11.5), 4_800.0, None)
        assert out.getvalue().count("━") == 20

"""What `ongi sim` prints of a run, in both languages."""

import json
import re
from datetime import timedelta

import pytest

from sim.check import check, figures
from sim.homes.act import PlightKind
from sim.world.chronicle import Trouble
from sim.world.printed import Printed
from tests.sim.check.story import Good
from texts import Language, translator


def printed(story: Good, *, as_json: bool = False, language: Language = Language.EN) -> None:
    found = figures(story.run, check(story.run), 1.0)
    Printed(translator(language), as_json=as_json).outcome(story.run, found, None)


def test_a_collapse_that_is_not_due_stands_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    story = Good()
    printed(story)
    assert "Not due yet" not in capsys.readouterr().out
    story.home.troubles.append(Trouble(story.run.end - timedelta(hours=5), PlightKind.COLLAPSE))
    printed(story)
    lines = capsys.readouterr().out.splitlines()
    shown = dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines)
    assert (shown["Collapses found"], shown["Not due yet at the end"]) == ("1 / 1", "1")
    printed(story, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["collapses"], found["found"]) == (1, 1)
    assert "not_due" not in found

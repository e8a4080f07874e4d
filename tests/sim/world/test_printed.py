"""What `ongi sim` prints of a run, in both languages."""

import gettext
import json
import re
from datetime import timedelta

import pytest

from sim.check import check, figures
from sim.homes.act import PlightKind
from sim.world.chronicle import Trouble
from sim.world.printed import Printed
from tests.sim.check.story import Good
from texts import Language, Translator, translator


def printed(story: Good, *, as_json: bool = False, language: Language = Language.EN) -> None:
    found = figures(story.run, check(story.run), 1.0)
    Printed(translator(language), as_json=as_json).outcome(story.run, found, None)


class Bracketed(gettext.GNUTranslations):
    """Puts every text that went through it in brackets."""

    def __init__(self) -> None:
        super().__init__()

    def gettext(self, message: str) -> str:
        return f"[{message}]"


def test_a_violation_is_told_in_the_reader_s_language(capsys: pytest.CaptureFixture[str]) -> None:
    story = Good()
    story.forget_at_center(story.dead)
    found = figures(story.run, check(story.run), 1.0)
    Printed(Translator(Language.KO, Bracketed()), as_json=False).outcome(story.run, found, None)
    shown = capsys.readouterr().out
    assert "[Record 6 of boot 2 was queued [durably]" in shown
    assert "    [never arrived]" in shown
    printed(story, as_json=True, language=Language.KO)
    (plain,) = json.loads(capsys.readouterr().out)["violations"]
    assert plain["what"].startswith("Record 6 of boot 2 was queued durably")
    assert "never arrived" in plain["evidence"]


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

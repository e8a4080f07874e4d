"""What `ongi sim` prints of a run, in both languages."""

import gettext
import json
import re
from datetime import UTC, timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind
from rules.observation import DeviceId
from sim.check import check, figures
from sim.homes.act import PlightKind, SlowKind
from sim.report.harms import harms
from sim.report.passages import followed
from sim.report.speech import Speech
from sim.world.chronicle import Suffered, Trouble
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


def test_slow_harms_are_counted_as_the_report_counts_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    story = Good()
    printed(story)
    assert "Slow harms" not in capsys.readouterr().out
    heater, begin = DeviceId("heater"), story.run.start + timedelta(days=2)
    hours = [timedelta(hours=hour) for hour in range(13)]
    suffered = [
        Suffered(SlowKind.LEFT_ON, begin, heater, begin + hours[5]),
        # Another heater, and what is told of when it is over.
        Suffered(SlowKind.LEFT_ON, begin, DeviceId("iron"), begin + hours[5]),
        Suffered(SlowKind.LEFT_ON, begin + hours[6], heater, begin + hours[8]),
        Suffered(SlowKind.WANDERING, begin, None, begin + hours[1]),
    ]
    story.home.suffered.extend(suffered)
    story.escalates(begin + hours[3], AlarmKey(AlarmKind.LEFT_ON, heater))
    story.escalates(begin + hours[9], AlarmKey(AlarmKind.LEFT_ON, heater))
    printed(story)
    lines = capsys.readouterr().out.splitlines()
    shown = dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines if "/" in line)
    assert shown["Slow harms raised before they were over"] == "1 / 4"
    assert (shown["Left on"], shown["Night wandering"]) == ("1 / 3", "0 / 1")
    speech = Speech(translator(Language.EN), UTC, story.run)
    reported = harms(followed(story.run), speech)
    assert reported is not None
    assert (reported.raised, reported.count) == (1, 4)


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

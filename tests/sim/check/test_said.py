"""What checkers say is said in the reader's language."""

import gettext
import json
import pickle
import re
from datetime import timedelta

import pytest

from rules.alarm import AlarmKind
from rules.events import Stage
from rules.observation import Phenomenon
from sim.check import check
from sim.check.violation import lasting
from tests.sim.check.story import DEVICES, Good
from tests.sim.check.test_planted import PLANTED, Bug
from texts import Language, Translator

_FIELD = re.compile(r"\{\w+\}|[A-Za-z]+")
_NAMES = frozenset({*AlarmKind, *Stage, *Phenomenon, *(device.id for device in DEVICES)})
_DATA = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+\+00:00|\b[0-9a-f]{32}\b|\bGW-0001\b|True|False")


class Foreign(gettext.GNUTranslations):
    """Another language: no word of the original is left, whatever is filled in."""

    def __init__(self) -> None:
        super().__init__()

    def gettext(self, message: str) -> str:
        return _FIELD.sub(lambda part: part[0] if part[0][0] == "{" else "말", message)


@pytest.mark.parametrize(
    "bug", [bug for bugs in PLANTED.values() for bug in bugs], ids=lambda bug: bug.__name__
)
def test_nothing_of_it_is_english_alone(bug: Bug) -> None:
    story = Good()
    bug(story)
    say = Translator(Language.KO, Foreign())
    found = check(story.run)
    assert found
    for violation in found:
        for words in (violation.what, *violation.evidence):
            rest = _DATA.sub("", say.said(words))
            left = [word for word in re.findall(r"[A-Za-z_]+", rest) if word not in _NAMES]
            assert not left, words
            assert "말" in say.said(words), words


def test_json_and_another_process_have_it_in_english() -> None:
    story = Good()
    PLANTED["bounded"][0](story)
    first, *_ = check(story.run)
    assert json.loads(json.dumps(first.what)) == str(first.what)
    assert not re.search(r"[{}\uac00-\ud7a3]", first.what)
    again = pickle.loads(pickle.dumps(first))  # noqa: S301 -- our own bytes
    say = Translator(Language.KO, Foreign())
    assert (again, say.said(again.what)) == (first, say.said(first.what))


@pytest.mark.parametrize(
    ("span", "english"),
    [
        (timedelta(seconds=2), "0:00:02"),
        (timedelta(hours=23, milliseconds=250), "23:00:00.250000"),
        (timedelta(days=3, hours=1), "3 d 1:00:00"),
        (-timedelta(minutes=5), "-0:05:00"),
    ],
)
def test_a_span_is_exact(span: timedelta, english: str) -> None:
    assert lasting(span) == english

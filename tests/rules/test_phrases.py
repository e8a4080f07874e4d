"""Phrases are their English words, and keep what other languages need."""

import pickle
from pathlib import Path

import pytest

from rules.codec import parse, plain
from rules.errors import FrameError, Phrase, meant, phrase, unreadable

INNER = phrase("known: {names}", names="kitchen, bath")
NESTED = phrase("did you mean {near}? {right}", near="'bath'", right=INNER)


def test_a_phrase_is_its_english_wording() -> None:
    assert NESTED == "did you mean 'bath'? known: kitchen, bath"
    assert phrase("write an object: {...} {count}", count=2) == "write an object: {...} 2"
    assert phrase("{a}", a="{b}", b="x") == "{b}"


def test_only_a_near_miss_is_guessed_at() -> None:
    assert meant("bat", ("kitchen", "bath"), INNER) == NESTED
    assert meant("xyz", ("kitchen", "bath"), INNER) is INNER


def test_a_phrase_survives_the_wire_with_the_phrases_in_it() -> None:
    read = parse(plain(NESTED), Phrase)
    assert read == NESTED
    assert read.template == NESTED.template
    right = read.words["right"]
    assert isinstance(right, Phrase)
    assert right.template == "known: {names}"


def _deep(levels: int) -> object:
    return ["{a}", {"a": _deep(levels - 1)}] if levels else "end"


@pytest.mark.parametrize(
    "value",
    ["x", ["x"], ["x", []], [1, {}], ["x", {1: "y"}], ["x", {"a": 1}], ["x", {}, {}], _deep(9)],
)
def test_what_is_no_phrase_is_refused(value: object) -> None:
    with pytest.raises(FrameError):
        parse(value, Phrase)
    assert parse(_deep(8), Phrase) == "end"


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [("none", FileNotFoundError, "no such file"), ("", IsADirectoryError, "is a directory")],
)
def test_why_a_file_is_not_given_is_said_in_words_of_the_catalogues(
    tmp_path: Path, name: str, error: type[OSError], said: str
) -> None:
    with pytest.raises(error) as raised:
        (tmp_path / name).read_text()
    assert unreadable(raised.value).template == said


def test_a_phrase_comes_out_of_another_process_with_what_other_languages_need() -> None:
    read = pickle.loads(pickle.dumps(NESTED))  # noqa: S301 -- of this very test
    assert read == NESTED
    assert (read.template, read.words) == (NESTED.template, NESTED.words)
    assert read.words["right"].words == {"names": "kitchen, bath"}

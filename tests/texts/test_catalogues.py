"""Both catalogues hold every sentence, every name and every marked text of the source."""

import re
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from central.cases import CaseState, Condition, HistoryWhat
from central.people import Role
from rules.activity import ActivityClass
from rules.alarm import AlarmKind, AlarmState, Category
from rules.command import Refusal, Signal
from rules.device import EvidenceRole, Link, Liveness, Output
from rules.errors import ConfigError
from rules.events import AwayReason, Outcome, Stage
from rules.observation import Phenomenon, Press, Quality
from rules.sentence import Say
from tests.texts.arguments import documented
from texts import Language, translator
from texts.catalogue import load
from texts.template import fields, required
from texts.translator import name_id

ROOT = Path(__file__).parents[2]
NAMED: tuple[type[Enum], ...] = (
    ActivityClass,
    AlarmKind,
    AlarmState,
    AwayReason,
    CaseState,
    Category,
    Condition,
    EvidenceRole,
    HistoryWhat,
    Link,
    Liveness,
    Outcome,
    Output,
    Phenomenon,
    Press,
    Quality,
    Refusal,
    Role,
    Signal,
    Stage,
)
PARTICLE = re.compile(
    r"[}\]](을|를|이|가|은|는|과|와|로|으로|이나|나|아|야|랑|이랑)(?=[\s.,)\[]|$)"
)


def catalogue(language: Language) -> Catalog:
    path = ROOT / "texts" / "locale" / language.value / "LC_MESSAGES" / "ongi.po"
    with path.open("rb") as file:
        return read_po(file, locale=language.value)


def translated(language: Language, message: str) -> str:
    entry = catalogue(language).get(message)
    assert entry is not None, f"{message} is not in {language}"
    assert not entry.fuzzy, f"{message} is fuzzy in {language}"
    assert isinstance(entry.string, str)
    assert entry.string, f"{message} is empty in {language}"
    return entry.string


@pytest.mark.parametrize("language", Language)
def test_every_sentence_holds_exactly_its_documented_arguments(language: Language) -> None:
    assert set(documented()) == set(Say)
    for say, arguments in documented().items():
        template = translated(language, f"say.{say}")
        assert set(fields(template)) == set(arguments), f"{say} in {language}"


def test_both_languages_can_do_without_the_same_words() -> None:
    for say in Say:
        korean, english = (required(translated(one, f"say.{say}")) for one in Language)
        assert korean == english, say


@pytest.mark.parametrize("language", Language)
def test_every_member_that_a_person_meets_has_a_name(language: Language) -> None:
    speak = translator(language)
    for kind in NAMED:
        for member in kind:
            assert speak.name(member) == translated(language, name_id(member))


@pytest.mark.parametrize("language", Language)
def test_names_of_one_kind_differ(language: Language) -> None:
    for kind in NAMED:
        names = [translator(language).name(member) for member in kind]
        assert len(set(names)) == len(names), f"{kind.__name__}: {names}"


@pytest.mark.parametrize("language", Language)
def test_evidence_and_resident_texts_are_complete(language: Language) -> None:
    for phenomenon in Phenomenon:
        translated(language, f"evidence.{phenomenon}")
    for signal in Signal:
        assert translator(language).resident(signal) == translated(language, f"resident.{signal}")


def test_residents_are_addressed_politely_and_without_jargon() -> None:
    for signal in Signal:
        said = translator(Language.KO).resident(signal)
        assert re.search(r"요[.?]$", said), said
        assert not re.search(r"게이트웨이|경보|관제|escalation", said)


def test_no_korean_particle_follows_a_variable_word() -> None:
    # 을/를 and the like depend on the last syllable of what stands before; rooms and devices vary.
    for entry in catalogue(Language.KO):
        for form in [entry.string] if isinstance(entry.string, str) else entry.string or ():
            assert not PARTICLE.search(form), form


def test_catalogues_are_complete_and_used() -> None:
    """Extracts all of the source again: console, commands and simulator included."""
    found = subprocess.run(
        [sys.executable, "tools/messages.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_catalogue_that_was_not_compiled_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ko/LC_MESSAGES/ongi\.mo.*make setup"):
        load(Language.KO, tmp_path)


def test_a_broken_compiled_catalogue_is_refused_with_the_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "en" / "LC_MESSAGES" / "ongi.mo"
    broken.parent.mkdir(parents=True)
    for content in (b"", b"\xde\x12\x04\x95\x00\x00\x00\x00", b"no catalogue at all"):
        broken.write_bytes(content)
        load.cache_clear()
        with pytest.raises(ConfigError, match="make setup"):
            load(Language.EN, tmp_path)

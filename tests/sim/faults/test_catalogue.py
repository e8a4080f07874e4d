"""The catalogue in words, and faults kept by number."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rules.errors import ConfigError
from sim.faults import kept
from sim.faults.catalogue import CATALOGUE
from sim.faults.fault import Fault, FaultKind
from sim.faults.words import about, table
from texts import Language, translator


def test_every_kind_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) == set(FaultKind)
    for row in CATALOGUE.values():
        if row.amount is not None:
            assert row.amount.low < row.amount.high
            assert row.amount.default is None or row.amount.fits(row.amount.default)


@pytest.mark.parametrize("language", Language)
def test_the_table_shows_each_kind_with_its_limits(language: Language) -> None:
    console = Console(width=160, no_color=True)
    with console.capture() as captured:
        console.print(table(translator(language)))
    shown = captured.get()
    for kind in FaultKind:
        [line] = [line for line in shown.splitlines() if line.split()[:1] == [kind.value]]
        assert about(translator(language), kind)[:20] in line
    assert "0.001" in shown


FAULTS = tuple(
    Fault(number, FaultKind.DISK_FULL, 1, timedelta(), timedelta(hours=1)) for number in (1, 3, 7)
)


def test_named_faults_are_kept_with_their_numbers() -> None:
    assert kept.kept(FAULTS, kept.parse("7, 3,3")) == FAULTS[1:]
    assert kept.kept(FAULTS, kept.parse("none")) == ()


@given(st.sets(st.integers(1, 9_999_999)))
def test_numbers_are_read_as_they_are_written(numbers: set[int]) -> None:
    assert kept.parse(kept.written(numbers)) == tuple(sorted(numbers))


@pytest.mark.parametrize("text", ["", "3,", "0", "-3", "3-7", "x", "٣", "3;7", "99999999"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--keep: found .*write numbers of faults"):
        kept.parse(text)


def test_a_number_without_a_fault_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--keep: found 2; the run has 3 faults"):
        kept.kept(FAULTS, (2, 3))

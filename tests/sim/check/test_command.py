"""The command that shows a failure again asks for the very run that failed."""

import argparse
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import ConfigError
from sim.check.command import DAYS_MAX, Asked, add_options, asked
from sim.check.shrink import Attempt
from texts import Language, translator


def read(line: str) -> Asked:
    parser = argparse.ArgumentParser()
    add_options(parser, translator(Language.EN))
    words = shlex.split(line)
    assert words[:3] == ["replay:", "ongi", "sim"]
    return asked(parser.parse_args(words[3:]))


def test_the_line_of_a_run_that_was_made_smaller() -> None:
    first = Asked(41, 3, 12, "storm")
    smaller = first.narrowed(Attempt((2,), 12, (3, 7)), range(1, 90))
    assert smaller.line() == (
        "replay: ongi sim --seed 41 --homes 3 --only 2 --days 12 --faults storm --keep 3,7"
    )
    assert smaller.numbers == (2,)


def test_a_run_that_was_cut_says_what_its_faults_were_drawn_for() -> None:
    smaller = Asked(41, 3, 365, "storm").narrowed(Attempt((1, 2, 3), 12, (3,)), (3, 4))
    assert smaller.line() == (
        "replay: ongi sim --seed 41 --homes 3 --days 12 --faults storm --drawn-for 365 --keep 3"
    )
    assert smaller.narrowed(Attempt((1,), 5, (3,)), (3, 4)).drawn_for == 365


def test_a_run_that_needs_no_fault() -> None:
    smaller = Asked(41, 3, 365, "storm").narrowed(Attempt((2,), 12, ()), (3, 4))
    assert smaller.line() == (
        "replay: ongi sim --seed 41 --homes 3 --only 2 --days 12 --faults none"
    )


def test_a_file_with_a_blank_in_its_name() -> None:
    line = Asked(1, 1, 30, "my faults.toml").line()
    assert read(line).faults == "my faults.toml"


numbers = st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True).map(
    lambda found: tuple(sorted(found))
)


@given(
    st.builds(
        Asked,
        seed=st.integers(0, 10**9 - 1),
        homes=st.integers(30, 10_000),
        days=st.integers(1, 300),
        faults=st.sampled_from(["none", "calm", "storm", "a b/ü.toml", "--x"]).filter(
            lambda written: not written.startswith("-")
        ),
        only=st.none() | numbers,
        keep=st.none() | st.just(()) | numbers,
        drawn_for=st.none() | st.integers(300, DAYS_MAX),
        population=st.sampled_from(["mixed", "frail"]),
    )
)
def test_any_run_comes_back_from_its_line(run: Asked) -> None:
    assert read(run.line()) == run


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("--days=-3", "--days"),
        ("--days 0", "--days"),
        ("--days 3.5", "--days"),
        ("--days 99999", "--days"),
        ("--homes none", "--homes"),
        ("--seed -1e3", "--seed"),
        ("--homes 3 --only 4", "--only"),
        ("--homes 3 --only 0", "--only"),
        ("--only none", "--only"),
        ("--keep 3,x", "--keep"),
        ("--days 30 --drawn-for 12", "--drawn-for"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_name(words: str, where: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser, translator(Language.EN))
    options = parser.parse_args(words.replace("--seed -1e3", "--seed=-1e3").split())
    with pytest.raises(ConfigError) as refused:
        asked(options)
    assert str(refused.value).startswith(where)

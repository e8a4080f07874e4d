"""Every command line in Korean: its help and what it refuses, down to the words of argparse."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout

import pytest

import ongi
from benchmarks.detection.__main__ import main as detection
from benchmarks.detection.asked import Method
from central.people import Role
from rules.device import EvidenceRole, Link, Use
from rules.events import AwayReason
from sim.check.directed import main as directed
from sim.check.seeds import main as seeds
from sim.faults.drawn import Profile
from sim.faults.fault import FaultKind
from sim.homes.population import POPULATIONS
from sim.rig.network import Network
from texts import Language

Main = Callable[[list[str]], int]
OTHERS: dict[str, Main] = {
    "python -m benchmarks.detection": detection,
    "python -m sim.check.seeds": seeds,
    "python -m sim.check.directed": directed,
}
VOCABULARY = {
    word
    for names in (
        *(
            AwayReason,
            EvidenceRole,
            FaultKind,
            Language,
            Link,
            Method,
            Network,
            Profile,
            Role,
            Use,
        ),
        POPULATIONS,
    )
    for name in names
    for word in re.findall("[a-z]+", name)
}
"Written as they are on every command line."
PROPER = {
    "ongi",
    "python",
    "benchmarks",
    "detection",
    "CoAP",
    "Ctrl",
    "Dask",
    "buzzer",
    "relay",
    "drawn",
    "kitchen",
}
TOOLS = {"root", "ip", "nft", "tc"}
NAMED = re.compile(
    r"""
    `[^`]*` | "[^"]*" | '[^'\s]*'  # A command, an example, what was typed.
    | -{1,2}[A-Za-z][\w-]*=?       # An option.
    | [\w:~.-]*[/_.:][\w/.-]*\w    # A path, an address, the name of a field or a file.
    | \S*\d\S*                     # A number, and what holds one.
    | (?<![A-Za-z])[A-Z-]+(?![a-z])  # A word for a value, an abbreviation.
    """,
    re.VERBOSE,
)


def ended(path: tuple[str, ...], *more: str) -> tuple[int, str, str]:
    """Carry one out; its status, and what it says, out and err."""
    main = OTHERS.get(" ".join(path))
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            status = ongi.main([*path, *more]) if main is None else main(list(more))
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()


def helps(wanted: Language) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command and its help, however deep."""
    left: list[tuple[str, ...]] = [(), *((name,) for name in OTHERS)]
    # The one command that does something by itself lists those below it in a sentence.
    left += [("sim", name) for name in ("replay", "rig", "run")]
    while left:
        path = left.pop()
        status, text, err = ended(path, "--help", "--language", wanted)
        assert (status, err) == (0, "")
        yield path, text
        _, _, listed = text.rpartition("\n  COMMAND\n" if wanted is Language.EN else "\n  명령\n")
        if listed != text or not path:
            left += [
                (*path, name) for name in re.findall("^ {2,4}([a-z-]+)", listed, re.MULTILINE)
            ]


COMMANDS = {name for path, _ in helps(Language.EN) for word in path for name in word.split("-")}


def english(shown: str) -> set[str]:
    """The English words of a text, but for the names in it."""
    words = re.findall("[A-Za-z]{2,}", NAMED.sub(" ", shown))
    return set(words) - VOCABULARY - PROPER - TOOLS - COMMANDS


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")


def test_every_help_is_in_korean() -> None:
    found = dict(helps(Language.KO))
    assert {("devices", "add"), ("center", "gateway", "enrol"), ("sim", "rig")} <= set(found)
    assert not {path: left for path, text in found.items() if (left := english(text))}
    for path, text in found.items():
        without = [line for line in lines(text) if not re.search("[가-힣]", line)]
        assert not without, path


def test_the_same_search_finds_english() -> None:
    for path, text in helps(Language.EN):
        words = {"usage", "options", "show", "this", "and", "end"} if path else {"usage", "tells"}
        assert words <= english(text), path


def lines(text: str) -> Iterator[str]:
    """Each option and argument with its help on one line, and every other line."""
    return (line for line in re.sub(r"\n {8,}", " ", text).splitlines() if line.strip())


@pytest.mark.parametrize(
    "typed",
    [
        "bogus",
        "--language fr",
        "status --bogus",
        "status --home",
        "status --json=3",
        "status --language fr",
        "devices",
        "devices bogus",
        "devices add",
        "devices add --link x",
        "away",
        "away --end --reason trip",
        "shelve",
        "driver",
        "driver x",
        "center",
        "center bogus",
        "center serve --coap-port 70000",
        "center serve --interval x",
        "center user add x --role boss",
        "center --language fr",
        "sim bogus",
        "sim --seed",
        "sim replay",
        "sim rig --days x",
        "sim run --port 99999",
        "python_-m_benchmarks.detection",
        "python_-m_benchmarks.detection --homes",
        "python_-m_benchmarks.detection --methods",
        "python_-m_benchmarks.detection --methods best",
        "python_-m_benchmarks.detection --population x",
        "python_-m_benchmarks.detection --answers 2",
    ],
)
def test_every_refusal_is_in_korean(typed: str) -> None:
    first, *rest = typed.split()
    status, out, said = ended((first.replace("_", " "),), *rest)
    assert (status, out) == (2, "")
    assert re.search("[가-힣]", said.splitlines()[-1])
    assert not english(said)


@pytest.mark.parametrize("where", ["ahead", "behind"])
def test_the_language_stands_before_or_behind_the_command(
    where: str,
) -> None:
    asked = ("--language", "en")
    rest = (*asked, "user", "--help") if where == "ahead" else ("user", "--help", *asked)
    assert "who may use the console" in ended(("center",), *rest)[1]

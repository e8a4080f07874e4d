"""`ongi sim` as it is typed: help, refusals, and outputs of every kind."""

import gettext
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.__main__ import main
from sim.check import directed, seeds
from sim.check.moments import DIRECTED
from sim.faults.fault import FaultKind
from sim.homes.population import POPULATIONS
from sim.rig.network import Network
from texts import Language, Translator
from texts.parser import Parser

ROOT = Path(__file__).resolve().parents[2]
SIM = (sys.executable, "-m", "sim")
SHORT = ("--seed", "1", "--days", "1")
_FIELD = re.compile(r"%\(\w+\)s|\{\w+\}|[A-Za-z]+")
_NAMES = {
    *FaultKind,
    *POPULATIONS,
    *Network,
    "none",
    "calm",
    "storm",
    "drawn",
    "ongi",
    "run",
    "--help",
}


class Foreign(gettext.GNUTranslations):
    """Another language: no word of the original is left, whatever is filled in."""

    def __init__(self) -> None:
        super().__init__()

    def gettext(self, message: str) -> str:
        return _FIELD.sub(lambda part: part[0] if part[0][0] in "%{" else "말", message)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said of a command line that cannot be, in English."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--language", "en"])
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("name", ["world", "replay", "rig", "demo"])
def test_help_is_in_one_language(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    say = Translator(Language.KO, Foreign())
    parser = Parser("ongi", say.text("What it does."), say, epilog=say.text("And more."))
    importlib.import_module(f"sim.{name}.options").add_options(parser, say)
    usage, _, rest = parser.format_help().partition("\n\n")
    assert usage.startswith("말: ongi")
    words = set(re.findall(r"--?[a-z-]+|[A-Za-z][A-Za-z-]*", rest))
    left = {word for word in words if word not in _NAMES and word not in usage}
    assert not left


def test_help_shows_defaults_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help", "--language", "en"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "(default: 30)" in shown
    assert all(kind in shown for kind in FaultKind)
    assert ", ".join(POPULATIONS) in shown
    assert "Other commands: replay, rig, run" in shown


def test_an_unknown_command_is_told_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rigg", "--language", "en"]) == 2
    said = capsys.readouterr().err
    assert "'rigg'" in said
    assert "did you mean 'rig'" in said
    assert "replay, rig, run" in said
    assert not re.search("center|gateway|home", said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sed", "1"), "unknown: --sed 1"),
        (("--seed",), "--seed: found .*|--seed: a value is missing"),
        (("--json=3",), "--json: found '3'; it takes no value"),
        (("replay",), "missing: --rules"),
        (("replay", "--rules", "x", "--homes", "0"), "--homes: '0': write a whole number from 1 "),
        (("rig", "--population", "x"), "--population: found 'x'; choose from .*mixed"),
        (("rig", "--days", "x"), "--days: found 'x', which cannot be read"),
        (("run", "--port", "99999"), "--port: '99999' is no port: 0 to 65535"),
    ],
)
def test_a_line_that_cannot_be_is_refused_in_our_words(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert re.search(said, refused(capsys, *arguments))


def test_a_language_that_we_do_not_speak(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--language", "fr"])
    assert ended.value.code == 2
    assert "ko, en" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        (*SHORT,),
        (*SHORT, "--json"),
        ("--faults", "help"),
        ("--help",),
        ("run", "--port", "0", "--coap-port", "0"),
        ("bogus",),
    ],
    ids=" ".join,
)
def test_nobody_reads_on(arguments: tuple[str, ...], tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*SIM, *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == (2 if arguments == ("bogus",) else 141)


@pytest.mark.parametrize(
    "asked",
    [("seeds", "--help"), ("directed", "--help"), ("directed", "--list")],
    ids=" ".join,
)
def test_nobody_reads_on_what_ci_is_told(asked: tuple[str, ...]) -> None:
    name, *arguments = asked
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"sim.check.{name}", *arguments],
            cwd=ROOT,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert not done.stderr
    assert done.returncode == 141


@pytest.mark.parametrize("arguments", [SHORT, ("--faults", "help"), ("--help",)], ids=" ".join)
def test_a_full_disk(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*SIM, *arguments, "--language", "en"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "The output cannot be written: no space left on device\n"


@pytest.mark.parametrize("arguments", [SHORT, ("--faults", "help"), ("--help",)], ids=" ".join)
def test_a_terminal_without_hangul(arguments: tuple[str, ...]) -> None:
    done = in_ascii(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert r"\u" in done.stdout


def test_json_without_hangul_is_the_same_json() -> None:
    done = in_ascii(*SHORT, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["seed"] == 1


def in_ascii(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SIM, *arguments],
        cwd=ROOT,
        env=os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_directed_runs_are_asked_for_and_told_in_one_language(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    foreign = Translator(Language.KO, Foreign())
    monkeypatch.setattr(directed, "translator", lambda _language: foreign)
    assert directed.main(["--list"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in told] == list(DIRECTED)
    assert not any(re.search("[A-Za-z]", line.partition(": ")[2]) for line in told)


def test_many_seeds_are_asked_for_and_told_in_one_language(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        seeds.main(["--help", "--language", "en"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "seeds 1 to N (default: 100)" in shown
    with pytest.raises(SystemExit) as ended:
        seeds.main(["--fixed", "-1", "--language", "en"])
    assert ended.value.code == 2
    assert "--fixed: '-1': write a whole number from 0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        seeds.main(["--fixed", "0", "--fresh-s", "0", "--language", "en"])
    assert "nothing would be run" in capsys.readouterr().err
    one = ["--fixed", "1", "--fresh-s", "0", "--workers", "1", "--word", "dawn"]
    assert seeds.main([*one, "--language", "en"]) == 0
    assert capsys.readouterr().out == "Seeds: 1, failed: 0; the fresh ones of --word dawn\n"

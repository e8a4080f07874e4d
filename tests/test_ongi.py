"""The `ongi` command: what it hands over, and what it says when it cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ongi

ROOT = Path(ongi.__file__).parent
ENGLISH = ("--language", "en")


def test_without_a_command_it_lists_them_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert ongi.main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "check-config" in captured.err


def test_help_lists_the_commands_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert ongi.main(["--help"]) == 0
    captured = capsys.readouterr()
    assert "gateway" in captured.out
    assert captured.err == ""


def test_the_language_may_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert ongi.main([*ENGLISH, "--help"]) == 0
    assert "usage: ongi COMMAND" in capsys.readouterr().out
    assert ongi.main(["--language=en", "statsu"]) == 2
    assert "no command 'statsu'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        ongi.main([*ENGLISH, "status", "--help"])
    assert ended.value.code == 0
    assert "usage: ongi status" in capsys.readouterr().out


def test_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert ongi.main(["statsu", *ENGLISH]) == 2
    captured = capsys.readouterr()
    assert "no command 'statsu'" in captured.err
    assert "usage: ongi COMMAND" in captured.err
    assert ongi.main(["statsu"]) == 2
    assert "그런 명령이 없습니다: 'statsu'" in capsys.readouterr().err


def installed_alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of ongi.py that finds only what stands beside it in `folder`, and its words."""
    shutil.copy(ongi.__file__, folder)
    for words in ("rules", "texts"):
        (folder / words).symlink_to(ROOT / words)
    script = f"import sys; sys.path.insert(0, {str(folder)!r}); import ongi; sys.exit(ongi.main())"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_the_part_is_handed_the_whole_command_line(tmp_path: Path) -> None:
    part = tmp_path / "edge"
    part.mkdir()
    (part / "cli.py").write_text("def main(argv):\n    print(argv)\n    return 7\n")
    run = installed_alone(tmp_path, "away", "--until", "tomorrow")
    assert run.stdout == "['away', '--until', 'tomorrow']\n"
    assert run.returncode == 7


def test_a_part_that_is_not_installed_is_said(tmp_path: Path) -> None:
    run = installed_alone(tmp_path, "sim", "run", *ENGLISH)
    assert run.returncode == 2
    assert run.stderr == "ongi sim: this part is not installed here (no package 'sim').\n"


def test_a_missing_requirement_of_the_center_names_its_extra(tmp_path: Path) -> None:
    part = tmp_path / "central"
    part.mkdir()
    (part / "cli.py").write_text("import starlette\n")
    run = installed_alone(tmp_path, "center", *ENGLISH)
    assert run.returncode == 2
    assert "'starlette'" in run.stderr
    assert "ongi[center]" in run.stderr


def printed(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell, in which `ongi` is the command."""
    line = f'ongi() {{ {sys.executable} -u -m ongi "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("asked", ["--help", "status --help"])
def test_a_reader_who_has_seen_enough_is_no_error(asked: str) -> None:
    # The reader is gone before anything is written.
    ended = printed(f"{{ sleep 0.5; ongi {asked}; }} | true")
    assert ended.stderr == b""
    assert ended.returncode == 141


def test_a_terminal_without_korean_shows_what_it_can() -> None:
    ended = printed("ongi --help --language ko", PYTHONIOENCODING="latin-1")
    assert ended.returncode == 0, ended.stderr
    assert b"check-config" in ended.stdout
    assert "도움".encode() not in ended.stdout

"""A full, failing or read-only disk: the journal goes on, says so, and comes back."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.journal import Journal
from tests.edge.full_disk import CASES
from tests.edge.journals import NOW, at, escalation, record, snapshot

SMALL = "3m"


def in_own_mounts(folder: Path, *command: str) -> list[str]:
    """A command that sees a small file system of its own in `folder`, where that is possible."""
    alone = ["unshare", "--map-root-user", "--mount"]
    script = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'
    mounted = [*alone, "sh", "-c", script, "sh", SMALL, str(folder)]
    try:
        subprocess.run([*mounted, "true"], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system of its own to fill: {error}")
    return [*mounted, *command]


@pytest.mark.parametrize("case", CASES)
def test_on_a_disk_that_fails(case: str, tmp_path: Path) -> None:
    command = in_own_mounts(
        tmp_path, sys.executable, "-X", "dev", "-m", "tests.edge.full_disk", case, str(tmp_path)
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


@pytest.mark.processes
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
@pytest.mark.parametrize("calls", ["pwrite64,write", "fsync,fdatasync", "openat,rename,unlink"])
def test_calls_that_fail_from_the_nth_on(tmp_path: Path, calls: str, error: str) -> None:
    """Every call of a kind on the journal's files fails, from sooner or from later on."""
    before = tmp_path / "before"
    journal = Journal.open(before / "journal.sqlite", NOW)
    journal.append(escalation(1), [record(1)], at(1))
    journal.save(snapshot(1), at(1))
    journal.reserve_sequence(512)
    journal.close()
    in_memory = False
    # The first file that is opened holds what there was; no later failure loses that.
    for nth in (2, 3, 5, 8, 13) if calls.startswith("openat") else (1, 2, 3, 5, 8, 13):
        folder = tmp_path / f"{nth}"
        shutil.copytree(before, folder)
        done = subprocess.run(
            [*strace(folder, f"{calls}:error={error}:when={nth}+"), str(folder)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (nth, done.stderr[-2000:])
        told = done.stdout.split()
        assert "done" in told
        durable = {int(word) for word in told if word.isdigit()}
        journal = Journal.open(folder / "journal.sqlite", NOW)
        assert {row.seq for row in journal.pending(9)} >= {1} | durable, nth
        assert journal.load().snapshot in (snapshot(1), snapshot(5))
        assert journal.sequence() >= (1024 if "reserved" in told else 512)
        assert journal.recovery.what == (), nth
        journal.close()
        in_memory |= durable != {2, 3, 4, 5}
    assert in_memory, "no call failed"


def strace(folder: Path, inject: str) -> list[str]:
    """Run what follows with calls on the journal's files failing."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not there")
    names = ("journal.sqlite", "journal.sqlite-wal", "journal.new.sqlite.tmp", "sequence.json.tmp")
    paths = [argument for name in names for argument in ("-P", str(folder / name))]
    quiet = ["strace", "-qq", "-o", "/dev/null", *paths, "-e", f"inject={inject}"]
    return [*quiet, sys.executable, "-m", "tests.edge.journal_under_strace"]

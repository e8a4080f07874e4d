"""Killed at any call, the registry is the old one or the new one, never torn."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from edge.registry import Registry
from tests.edge.registries import DOOR, KEY, PLUG

WRITES = "openat,write,fsync,rename,unlink,mkdir,chmod"


def strace(home: Path, change: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not there")
    command = ["strace", "-qq", *arguments, sys.executable, "-m", "tests.edge.registry_writer"]
    return subprocess.run(
        [*command, str(home), change], capture_output=True, text=True, timeout=60, check=False
    )


def prepared(home: Path) -> Path:
    home.mkdir()
    Registry.load(home).add_device(PLUG, KEY)
    return home


def boundaries(tmp_path: Path, change: str) -> list[tuple[str, int]]:
    """Each call that the change makes on files: its name, and its number in the whole run."""
    home = prepared(tmp_path / "traced")
    log = tmp_path / "log"
    arguments = ("-o", str(log), "-e", f"trace={WRITES},newfstatat,stat")
    assert strace(home, change, *arguments).returncode == 0
    counts: dict[str, int] = {}
    found: list[tuple[str, int]] = []
    inside = False
    for line in log.read_text().splitlines():
        if '"/begin"' in line or '"/end"' in line:
            inside = '"/begin"' in line
        name = re.split(r"\W", line)[0]
        counts[name] = counts.get(name, 0) + 1
        if inside and name in WRITES.split(","):
            found.append((name, counts[name]))
    return found


@pytest.mark.processes
@pytest.mark.once
@pytest.mark.parametrize("change", ["add", "remove"])
def test_killed_at_every_call(tmp_path: Path, change: str) -> None:
    new = (PLUG, replace(DOOR, keyed=True)) if change == "add" else ()
    calls = boundaries(tmp_path, change)
    assert {name for name, _ in calls} >= {"write", "fsync", "rename"}

    def outcome(step: int) -> bool:
        name, number = calls[step]
        home = prepared(tmp_path / f"{step}")
        done = strace(
            home, change, "-o", "/dev/null", "-e", f"inject={name}:signal=KILL:when={number}"
        )
        assert done.returncode < 0 or done.returncode == 137, (name, number, done)
        registry = Registry.load(home)
        assert registry.findings == (), (name, number)
        assert registry.devices in ((PLUG,), new), (name, number)
        assert registry.keys.keys() == {device.id for device in registry.devices}
        is_new = registry.devices == new
        # The next change works on whatever is there.
        if registry.devices:
            registry.remove_device(registry.devices[0].id)
            assert Registry.load(home).findings == ()
        return is_new

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(outcome, range(len(calls))))
    # Old until some call, new from then on.
    assert outcomes == sorted(outcomes)
    assert not outcomes[0]
    assert outcomes[-1]

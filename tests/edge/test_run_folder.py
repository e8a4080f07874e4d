"""The folder of the sockets: in memory, reached by its old name."""

import socket
from pathlib import Path

import pytest

from edge import packets
from edge.run_folder import run_folder


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_it_is_a_link_into_memory_and_leaves_nothing_there(memory: Path, home: Path) -> None:
    for _ in range(2):
        with run_folder(home) as run:
            assert run == home / "run"
            assert run.is_symlink()
            assert run.resolve().parent == memory
            listener = packets.listen(run / "driver.sock", 0o660)
            assert [each.name for each in run.iterdir()] == ["driver.sock"]
            packets.unlisten(listener)
        assert not list(memory.iterdir())


def test_two_homes_have_two(memory: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with run_folder(home), run_folder(tmp_path / "other"):
        assert len(list(memory.iterdir())) == 2


def test_a_folder_with_sockets_that_a_kill_left_becomes_a_link(memory: Path, home: Path) -> None:
    (home / "run").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as left:
        left.bind(str(home / "run" / "driver.sock"))
    with run_folder(home) as run:
        assert run.resolve().parent == memory
        assert not list(run.iterdir())


def test_a_folder_with_anything_else_stays(memory: Path, home: Path) -> None:
    (home / "run").mkdir()
    (home / "run" / "notes.txt").write_text("mine")
    with run_folder(home) as run:
        assert not run.is_symlink()
        packets.unlisten(packets.listen(run / "driver.sock", 0o660))
    assert (home / "run" / "notes.txt").read_text() == "mine"
    assert not list(memory.iterdir())


def test_a_folder_in_memory_that_others_can_write_is_not_used(memory: Path, home: Path) -> None:
    with run_folder(home) as run:
        name = run.resolve().name
    (memory / name).mkdir()
    (memory / name).chmod(0o777)
    with run_folder(home) as run:
        assert run.resolve().parent != memory


def test_without_systemd_it_is_in_memory_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    with run_folder(home) as run:
        link = run.readlink()
        assert link.is_dir()
    assert link.parent == Path("/dev/shm")
    assert not link.exists()

"""What must be right before anything is started: the folder and the ports."""

import socket
from pathlib import Path

import pytest

from rules.errors import ConfigError
from sim.demo.prepare import check_ports, fresh


def test_a_run_begins_in_an_empty_folder(tmp_path: Path) -> None:
    data = tmp_path / "new" / "run"
    with fresh(data) as folders:
        (folders.gateway / "keys").mkdir(parents=True)
        folders.clock.write_bytes(b"old")
    with fresh(data) as folders:
        assert not folders.gateway.exists()
        assert not folders.clock.exists()
        assert folders.logs.is_dir()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "home" / "letters.txt"
    precious.parent.mkdir()
    precious.write_text("dear")
    with pytest.raises(ConfigError, match=r"--data .*: found files that no run has left there"):
        fresh(tmp_path).__enter__()
    assert precious.read_text() == "dear"


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        fresh(tmp_path),
        pytest.raises(ConfigError, match="a run that goes on there; stop that one"),
        fresh(tmp_path),
    ):
        pass
    with fresh(tmp_path):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="name a folder that can be written"):
        fresh(tmp_path / "file" / "run").__enter__()


@pytest.mark.parametrize(
    ("kind", "option"), [(socket.SOCK_STREAM, "--port"), (socket.SOCK_DGRAM, "--coap-port")]
)
def test_a_port_in_use_is_named_with_its_option(kind: socket.SocketKind, option: str) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        ports = (port, 0) if option == "--port" else (0, port)
        expected = rf"^{option}: found port {port} .*; choose another port with {option} N$"
        with pytest.raises(ConfigError, match=expected):
            check_ports(*ports)
    check_ports(*ports)

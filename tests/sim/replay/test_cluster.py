"""The fleet on a Dask cluster: a real scheduler and a real worker process on the loopback."""

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from distributed import LocalCluster

import rules as rulebooks
from rules.errors import ConfigError
from sim.replay import cluster
from tests.sim.replay.door import main

EIGHT_HOURS = '[rules.inactivity]\nlimits = ["8 h"]\n'
Home = Callable[[str, Sequence[float]], Path]
Rules = Callable[[str], Path]


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=True,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as started:
        yield started.scheduler_address.replace("tcp://", "dask://")


def test_a_cluster_says_the_same_as_this_machine(
    engine: str, home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home("fleet/a.csv", (0, 4, 8, 18, 22, 52)).parent
    home("fleet/b.csv", (0, 10, 20, 50))
    (folder / "c.csv").write_text("nonsense")
    arguments = [str(folder), "--rules", str(rules(EIGHT_HOURS)), "--json"]
    assert main([*arguments, "--workers", "1"]) == 1
    here = json.loads(capsys.readouterr().out)
    assert main([*arguments, "--engine", engine]) == 1
    there = json.loads(capsys.readouterr().out)
    assert here == there
    assert here["homes"] == 2
    assert here["moments"]


def test_workers_with_other_code_are_told_before_anything_is_sent(
    engine: str,
    home: Home,
    rules: Rules,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A file more on this side is other code.
    monkeypatch.setattr(rulebooks, "__file__", str(home("rules/a.csv", (0, 1)).parent / "x"))
    path = home("a.csv", (0, 4))
    arguments = ["--rules", str(rules("")), "--engine", engine, "--language", "en"]
    assert main([str(path), *arguments]) == 2
    assert "has other code" in capsys.readouterr().err


def test_a_cluster_without_workers_is_told(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    with LocalCluster(
        n_workers=0,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as empty:
        address = empty.scheduler_address.replace("tcp://", "dask://")
        arguments = ["--rules", str(rules("")), "--engine", address, "--language", "en"]
        assert main([str(home("a.csv", (0, 4))), *arguments]) == 2
    assert "without workers" in capsys.readouterr().err


def test_nobody_there_is_told_after_ten_seconds_at_most(
    home: Home,
    rules: Rules,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 1)
    # It takes connections and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"dask://127.0.0.1:{taken.getsockname()[1]}"
        arguments = ["--rules", str(rules("")), "--engine", address, "--language", "en"]
        assert main([str(home("a.csv", (0, 4))), *arguments]) == 2
    assert "nobody at tcp://127.0.0.1" in capsys.readouterr().err


def test_another_server_is_no_cluster(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        greeting = threading.Thread(target=_greet, args=(other,))
        greeting.start()
        address = f"dask://127.0.0.1:{other.getsockname()[1]}"
        arguments = ["--rules", str(rules("")), "--engine", address, "--language", "en"]
        assert main([str(home("a.csv", (0, 4))), *arguments]) == 2
        greeting.join()
    assert "something else at" in capsys.readouterr().err


def _greet(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"SSH-2.0-OpenSSH\r\n")


def test_without_dask_the_extra_is_named(
    home: Home,
    rules: Rules,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    arguments = ["--rules", str(rules("")), "--engine", "dask://127.0.0.1:8786"]
    assert main([str(home("a.csv", (0, 4))), *arguments, "--language", "en"]) == 2
    assert "ongi[fleet]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "engine",
    [
        "tcp://127.0.0.1:8786",
        "127.0.0.1:8786",
        "dask://127.0.0.1",
        "dask://:8786",
        "dask://h:99999",
        "dask://h:1/x",
        "dask://u@h:1",
        "dask://[::1",
        "ray://h:1",
        "",
    ],
)
def test_only_dask_addresses_are_engines(engine: str) -> None:
    with pytest.raises(ConfigError, match="write dask://host:port"):
        cluster.scheduler(engine)


def test_an_address_is_written_as_dask_has_it() -> None:
    assert cluster.scheduler("dask://127.0.0.1:8786") == "tcp://127.0.0.1:8786"
    assert cluster.scheduler("dask://[::1]:8786/") == "tcp://[::1]:8786"

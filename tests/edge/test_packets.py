"""Sockets of the gateway: who may connect, and what a file that is already there means."""

import asyncio
import resource
import socket
import stat
from pathlib import Path

import pytest

from edge import packets
from rules.errors import ConfigError
from tests.edge.peers import Peer


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("wanted", [0o600, 0o660])
def test_only_its_user_and_group_may_connect(tmp_path: Path, wanted: int) -> None:
    path = tmp_path / "run" / "driver.sock"
    listener = packets.listen(path, wanted)
    assert mode(path) == wanted
    assert mode(path.parent) == 0o750
    packets.unlisten(listener)
    assert not path.exists()


def test_a_folder_that_was_open_to_all_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o777)
    packets.unlisten(packets.listen(folder / "driver.sock", 0o660))
    assert mode(folder) == 0o750


async def test_a_socket_that_a_killed_gateway_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "driver.sock"
    packets.listen(path, 0o600).close()
    assert path.exists()
    listener = packets.listen(path, 0o600)
    (await Peer.at(path)).close()
    packets.unlisten(listener)


@pytest.mark.parametrize("kind", [socket.SOCK_SEQPACKET, socket.SOCK_STREAM])
def test_a_socket_that_somebody_answers_on_is_left_alone(
    tmp_path: Path, kind: socket.SocketKind
) -> None:
    path = tmp_path / "driver.sock"
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(str(path))
        other.listen(0)
        with pytest.raises(packets.SocketTaken):
            packets.listen(path, 0o600)
        assert path.is_socket()


def test_a_socket_with_a_full_backlog_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "driver.sock"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as waiting,
    ):
        other.bind(str(path))
        other.listen(0)
        waiting.connect(str(path))
        with pytest.raises(packets.SocketTaken):
            packets.listen(path, 0o600)


def test_a_file_that_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "driver.sock"
    path.write_text("precious")
    with pytest.raises(ConfigError, match=r"driver\.sock"):
        packets.listen(path, 0o600)
    assert path.read_text() == "precious"


def test_a_path_that_the_kernel_has_no_room_for_is_named(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 100) / "driver.sock"
    with pytest.raises(ConfigError, match="at most 107"):
        packets.listen(path, 0o600)
    assert not path.parent.exists()


async def test_what_a_peer_sent_before_it_died_is_read(tmp_path: Path) -> None:
    listener = packets.listen(tmp_path / "driver.sock", 0o600)
    ours = await Peer.at(tmp_path / "driver.sock")
    theirs = await packets.accept(listener)
    assert packets.send(theirs, b"never read")
    ours.send(b"help")
    ours.close()  # With a packet unread: the kernel reports a reset before it hands out "help".
    assert await packets.receive(theirs, 100) == [b"help"]
    assert await packets.receive(theirs, 100) == []
    theirs.close()
    packets.unlisten(listener)


async def test_a_burst_is_bounded(tmp_path: Path) -> None:
    listener = packets.listen(tmp_path / "driver.sock", 0o600)
    ours = await Peer.at(tmp_path / "driver.sock")
    theirs = await packets.accept(listener)
    for number in range(packets.BURST + 1):
        ours.send(bytes([number]))
    first = await packets.receive(theirs, 100)
    assert first == [bytes([number]) for number in range(packets.BURST)]
    assert await packets.receive(theirs, 100) == [bytes([packets.BURST])]
    ours.close()
    theirs.close()
    packets.unlisten(listener)


async def test_others_have_their_turn_after_each_burst(tmp_path: Path) -> None:
    listener = packets.listen(tmp_path / "driver.sock", 0o600)
    ours = await Peer.at(tmp_path / "driver.sock")
    theirs = await packets.accept(listener)
    for number in range(3 * packets.BURST):
        ours.send(bytes([number]))
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(count)

    count()
    for burst in range(3):
        assert turns > burst
        assert len(await packets.receive(theirs, 100)) == packets.BURST
    ours.close()
    theirs.close()
    packets.unlisten(listener)


async def test_a_process_out_of_files_takes_peers_again_when_it_has_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "BREATH_S", 0.01)
    listener = packets.listen(tmp_path / "driver.sock", 0o600)
    ours = await Peer.at(tmp_path / "driver.sock")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        accepting = asyncio.get_running_loop().create_task(packets.accept(listener))
        await asyncio.wait({accepting}, timeout=0.05)
        assert not accepting.done()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    async with asyncio.timeout(10):
        (await accepting).close()
    ours.close()
    packets.unlisten(listener)


async def test_a_packet_that_is_too_long_is_told_from_one_that_fits(tmp_path: Path) -> None:
    listener = packets.listen(tmp_path / "driver.sock", 0o600)
    ours = await Peer.at(tmp_path / "driver.sock")
    theirs = await packets.accept(listener)
    ours.send(bytes(10))
    ours.send(bytes(11))
    ours.send(bytes(500))
    assert [len(packet) for packet in await packets.receive(theirs, 10)] == [10, 11, 11]
    ours.close()
    theirs.close()
    packets.unlisten(listener)


async def test_a_packet_that_comes_as_time_runs_out_is_not_lost() -> None:
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        until_s = loop.time() + 0.01

        def busy() -> None:
            """Both are there when the loop looks next."""
            theirs.send(b"here")
            while loop.time() < until_s:
                pass

        waiting = asyncio.ensure_future(packets.receive_by(ours, 10, until_s))
        await asyncio.sleep(0)
        loop.call_soon(busy)
        first = await waiting
        async with asyncio.timeout(5.0):
            assert first or await packets.receive_by(ours, 10, loop.time() + 4.0) == b"here"
        assert await packets.receive_by(ours, 10, loop.time()) is None
        theirs.close()
        assert await packets.receive_by(ours, 10, loop.time() + 4.0) == b""

"""What the nightly virtual machine is started with, and how its console is read."""

import lzma
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import ConfigError
from sim.ble.frame import Frame, flags, name
from sim.ble.gatt import Link
from sim.ble.vm.compare import MEANT, differences
from sim.ble.vm.controller import Ear
from sim.ble.vm.image import archive, depends, initial, modules
from sim.ble.vm.inside import is_later
from sim.ble.vm.record import MARK, Book, Seen, decode, encode

HEADER_BYTES = 110


def entries(written: bytes) -> Iterator[tuple[str, int, bytes]]:
    """As the kernel reads it: a header of hexadecimal numbers, a name, contents."""
    at = 0
    while True:
        header = written[at : at + HEADER_BYTES]
        assert header[:6] == b"070701"
        fields = [int(header[6 + 8 * one : 14 + 8 * one], 16) for one in range(13)]
        mode, size, named = fields[1], fields[6], fields[11]
        start = at + HEADER_BYTES
        path = written[start : start + named - 1].decode()
        data_at = (start + named + 3) // 4 * 4
        if path == "TRAILER!!!":
            return
        yield path, mode, written[data_at : data_at + size]
        at = (data_at + size + 3) // 4 * 4


@given(st.dictionaries(st.text("abc/", min_size=1, max_size=9), st.binary(max_size=9)))
def test_an_archive_holds_what_was_put_into_it(files: dict[str, bytes]) -> None:
    written = archive({path: (0o100644, data) for path, data in files.items()})
    assert {path: data for path, _, data in entries(written)} == files


def test_a_machine_starts_with_its_modules_in_order_and_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "6.1.0/kernel"
    folder.mkdir(parents=True)
    (folder / "blue.ko").write_bytes(b"\x7fELF\0license=GPL\0depends=radio-kill,crc\0name=blue\0")
    (folder / "radio-kill.ko.xz").write_bytes(lzma.compress(b"\0depends=\0"))
    (folder / "crc.ko").write_bytes(b"\0depends=radio-kill\0")
    (folder / "other.ko").write_bytes(b"\0depends=\0")
    loaded = modules(tmp_path, ["blue", "built-in"])
    assert [one for one, _ in loaded] == ["radio_kill", "crc", "blue"]
    assert loaded[0][1] == b"\0depends=\0", "the kernel of a small system reads no xz"
    image = initial(b"busy", loaded, Path("/a home"), ["python", "it's"])
    found = {path: (mode, data) for path, mode, data in entries(image)}
    assert list(found)[-3:] == ["modules/00-radio_kill", "modules/01-crc", "modules/02-blue"]
    mode, script = found["init"]
    assert stat.S_IMODE(mode) == 0o755
    assert b"PYTHONPATH='/a home'" in script
    assert b"""python 'it'"'"'s'""" in script


def test_a_folder_without_modules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        modules(tmp_path)


@given(st.binary())
def test_any_module_says_what_it_needs_or_nothing(data: bytes) -> None:
    assert isinstance(depends(data), list)
    assert isinstance(depends(b"\0depends=" + data + b"\0"), list)


def test_what_is_seen_crosses_the_console() -> None:
    told: list[Seen] = []
    book = Book(told.append)
    book.look("strange\nthing", "ONGI {}", 1.2345)
    book.proof("it hears", "hears", right=True)
    assert [decode(encode(one)) for one in told] == told
    assert told[0].seconds == pytest.approx(1.23)
    assert decode(f"[   3.1] a kernel without its line's end {encode(told[1])}") == told[1]


@given(st.text() | st.text().map(MARK.__add__))
def test_any_line_is_something_seen_or_nothing(line: str) -> None:
    assert isinstance(decode(line), Seen | None)


def test_what_differs_is_found_and_nothing_else() -> None:
    real = [
        Seen("same", "a"),
        Seen("other", "a"),
        Seen("refused", "org.freedesktop.DBus.Error.UnknownMethod: no Fly"),
        Seen("named", "org.bluez.Error.Failed: No discovery started"),
        Seen("about as long", "gone", 29.0),
        Seen("longer", "gone", 29.0),
        Seen("proof", "hears", right=True),
        Seen("real alone", "a"),
    ]
    virtual = [
        Seen("same", "a"),
        Seen("other", "b"),
        Seen("refused", "org.freedesktop.DBus.Error.UnknownMethod: Fly"),
        Seen("named", "org.bluez.Error.Failed: No"),
        Seen("about as long", "gone", 31.0),
        Seen("longer", "gone", 3.0),
        Seen("virtual alone", "a"),
    ]
    found = {one.what: (one.real, one.virtual) for one in differences(real, virtual)}
    assert list(found) == ["other", "named", "longer", "real alone", "virtual alone"]
    assert found["longer"] == ("gone (29.0 s)", "gone (3.0 s)")
    assert found["real alone"] == ("a", "-")
    assert all(MEANT.values())


def test_what_a_later_bluetoothd_shows_of_connections_is_meant() -> None:
    real, virtual = [Seen("connected: UUIDs", "more"), Seen("off: heard", "more")], [Seen("x", "")]
    meant = {one.what: one.meant for one in differences(real, virtual, later=True)}
    assert meant["connected: UUIDs"] is not None
    assert meant["off: heard"] is meant["x"] is None
    assert [is_later(version) for version in ("5.66", "5.68", "5.69", "5.82", "6.0")] == [
        *(False, False),
        *(True, True, True),
    ]


async def test_a_controller_reports_what_its_host_wants_to_hear() -> None:
    ear = Link().controller("00:1A:7D:DA:71:11", Ear)
    frame = Frame("C0:DE:CC:00:00:01", flags(), response=name("plug"), connectable=True)
    assert not ear.reports(frame, -60), "it does not scan"
    ear.le_scan_enable, ear.le_scan_type = True, 0
    (passive,) = ear.reports(frame, -60)
    assert passive.hex() == "043e0f02010001010000ccdec0" + "03020106" + "c4"
    ear.le_scan_type, ear.filter_duplicates = 1, True
    assert len(ear.reports(frame, -60)) == 2
    assert not ear.reports(frame, -61), "the same again"

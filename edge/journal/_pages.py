"""A SQLite file and its write-ahead log as page images, and what is wrong with them.

SQLite silently ends its log at the first frame whose checksum is wrong: a flipped bit there takes
with it all that was committed later. So the log is read here before SQLite sees it.

Ref: SQLite, "Database File Format": The Database Header, The Write-Ahead Log.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from edge.journal._rows import PAGE

WAL_BYTES = 256 * 1024
"The log is made at this size and never shrinks: a shorter one was cut off."

_HEADER = 32
_FRAME = 24
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"Magic number and the byte order of the checksums."
_PAGE_COUNT = slice(28, 32)
_FORMAT = slice(18, 20)
_ROLLBACK, _WAL = b"\1\1", b"\2\2"


@dataclass(frozen=True, slots=True)
class Image:
    """One database as its files have it."""

    versions: tuple[bytes, ...]
    "The newest first; where there is no damage the first is what SQLite will see."
    damage: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    page: int
    pages: int
    "Size of the database after this frame; 0 unless the frame ends a transaction."
    salt: bytes
    data: bytes
    sums: tuple[int, int]


def read_image(main: bytes, wal: bytes | None) -> Image:
    """Put the pages of the log over those of the file, once as SQLite does, once forgivingly.

    The forgiving version also has the frames from a damaged one on, up to the last that ends a
    transaction: their rows prove themselves by their own checksums.
    """
    damage = []
    if len(main) % PAGE or not main:
        damage.append(f"cut off after {len(main)} bytes")
    if wal is None:
        strict = forgiven = main
    else:
        if len(wal) < WAL_BYTES:
            damage.append(f"its log cut off after {len(wal)} bytes")
        frames, sound, end = _frames(wal)
        committed = max((n + 1 for n in range(sound) if frames[n].pages), default=0)
        strict = _overlay(main, frames[:committed])
        forgiven = _overlay(main, frames[:end]) if end > committed else strict
        if end > sound:
            damage.append("frames of its log have a wrong checksum")
    pages = int.from_bytes(strict[_PAGE_COUNT])
    if not damage and len(strict) < pages * PAGE:
        damage.append(f"{pages - len(strict) // PAGE} pages missing")
    versions = dict.fromkeys((forgiven, strict, main)) if damage else (strict,)
    return Image(tuple(versions), tuple(damage))


def in_memory(image: bytes) -> bytes:
    """The image as SQLite opens it in memory, where there is no log."""
    return image[: _FORMAT.start] + _ROLLBACK + image[_FORMAT.stop :]


def on_disk(image: bytes) -> bytes:
    """The image as a file that is written through a log."""
    return image[: _FORMAT.start] + _WAL + image[_FORMAT.stop :]


def _frames(wal: bytes) -> tuple[list[_Frame], int, int]:
    """All frames; how many from the first on are sound; where the last one of this run ends."""
    frames = [
        _frame(wal[offset : offset + _FRAME + PAGE])
        for offset in range(_HEADER, len(wal) - _FRAME - PAGE + 1, _FRAME + PAGE)
    ]
    if not frames:
        return frames, 0, 0
    header = wal[:_HEADER]
    order = _MAGIC.get(int.from_bytes(header[:4]), "<")
    sums = _sums(header[:24], (0, 0), order)
    if header[:4] == bytes(4) or sums != struct.unpack(">2I", header[24:]):
        # Without a header nothing is sound; the first frame tells which run the others are of.
        salt, sound = frames[0].salt, 0
        if salt == bytes(8):
            return frames, 0, 0
    else:
        salt, sound = header[16:24], 0
        for frame in frames:
            sums = _sums(struct.pack(">2I", frame.page, frame.pages) + frame.data, sums, order)
            if sums != frame.sums:
                break
            if frame.salt != salt:
                # The checksum does not cover the salt: a frame of this run, its salt damaged.
                return frames, sound, max(sound + 1, _last(frames, salt))
            sound += 1
    return frames, sound, max(sound, _last(frames, salt))


def _frame(raw: bytes) -> _Frame:
    page, pages, salt, *sums = struct.unpack_from(">2I8s2I", raw)
    return _Frame(page, pages, salt, raw[_FRAME:], (sums[0], sums[1]))


def _last(frames: Sequence[_Frame], salt: bytes) -> int:
    """One past the last frame of a run that ends a transaction.

    What follows was being written at a crash, or is left over from an earlier run.
    """
    ends = (n + 1 for n, frame in enumerate(frames) if frame.salt == salt and frame.pages)
    return max(ends, default=0)


def _overlay(main: bytes, frames: Sequence[_Frame]) -> bytes:
    """The file with the frames' pages written over it, in order."""
    if not frames:
        return main
    # A file grows by no more pages than were written; a page number past that is a damaged one.
    largest = len(main) // PAGE + len(frames)
    pages = {frame.page: frame.data for frame in frames if 0 < frame.page <= largest}
    # Not cut to the size of the last commit: that number may be the damaged one.
    image = bytearray(main.ljust(max(pages, default=0) * PAGE, b"\0"))
    for page, data in pages.items():
        image[(page - 1) * PAGE : page * PAGE] = data
    return bytes(image)


def _sums(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    """The log's running checksum over an even number of 32-bit words."""
    first, second = start
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second

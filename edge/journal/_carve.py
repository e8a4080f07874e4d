"""Rows out of a broken database, page by page: each proves itself by its own checksum.

No schema, no tree and no page type is trusted: every page is tried as a table leaf, and overflow
chains are followed as far as they go.

Ref: SQLite, "Database File Format": B-tree Pages, Cell Payload Overflow Pages, Record Format.
"""

import struct
from collections.abc import Iterator

from edge.journal._rows import PAGE, Contents, proven

_FILE_HEADER = 100
_LEAF_HEADER = 8
_LOCAL_MAX = PAGE - 35
_LOCAL_MIN = (PAGE - 12) * 32 // 255 - 23
_PAYLOAD_MAX = 16 * 1024 * 1024
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"Serial type and its bytes."


class _NoCellError(ValueError):
    """This is no cell of a table."""


def carve(image: bytes) -> Contents:
    """Every row that can be read and proves itself."""
    contents = Contents()
    image = image.ljust(-(-len(image) // PAGE) * PAGE, b"\0")
    for page in range(1, len(image) // PAGE + 1):
        for offset in _cells(image, page):
            try:
                key, payload = _cell(image, page, offset)
                row = proven((key, *_columns(payload)))
            except _NoCellError:
                continue
            if row is not None:
                contents.make([row])
    return contents


def _cells(image: bytes, page: int) -> Iterator[int]:
    """Offsets of the cells of a page taken as a leaf."""
    start = (page - 1) * PAGE
    header = _FILE_HEADER if page == 1 else 0
    (count,) = struct.unpack_from(">H", image, start + header + 3)
    first = header + _LEAF_HEADER
    for n in range(min(count, (PAGE - first) // 2)):
        (offset,) = struct.unpack_from(">H", image, start + first + 2 * n)
        if first <= offset < PAGE:
            yield start + offset


def _cell(image: bytes, page: int, offset: int) -> tuple[int, bytes]:
    """Key and payload of the cell at an offset of the image."""
    size, offset = _varint(image, offset)
    key, offset = _varint(image, offset)
    if not 0 < size <= _PAYLOAD_MAX:
        raise _NoCellError
    local = size
    if size > _LOCAL_MAX:
        local = _LOCAL_MIN + (size - _LOCAL_MIN) % (PAGE - 4)
        if local > _LOCAL_MAX:
            local = _LOCAL_MIN
    if offset + local + (4 if local < size else 0) > page * PAGE:
        raise _NoCellError
    payload = bytearray(image[offset : offset + local])
    link = offset + local
    while len(payload) < size:
        (page,) = struct.unpack_from(">I", image, link)
        link = (page - 1) * PAGE
        # A chain that loops ends all the same: the payload grows with each page.
        if not 0 < page <= len(image) // PAGE:
            raise _NoCellError
        payload += image[link + 4 : link + 4 + min(PAGE - 4, size - len(payload))]
    return key, bytes(payload)


def _columns(record: bytes) -> tuple[object, ...]:
    """The columns of a record but the first, which only stands for the key."""
    size, offset = _varint(record, 0)
    types = []
    while offset < size:
        kind, offset = _varint(record, offset)
        types.append(kind)
    columns = []
    for kind in types:
        value, offset = _column(record, offset, kind)
        columns.append(value)
    return tuple(columns[1:])


def _column(record: bytes, offset: int, kind: int) -> tuple[object, int]:
    if kind == 0:
        return None, offset
    if kind in (8, 9):
        return kind - 8, offset
    size = _INTEGERS.get(kind, (kind - 12) // 2)
    if kind in (7, 10, 11) or offset + size > len(record):
        raise _NoCellError
    raw = record[offset : offset + size]
    if kind in _INTEGERS:
        return int.from_bytes(raw, signed=True), offset + size
    # Text has odd types; none of our rows has any.
    return (raw if kind % 2 == 0 else None), offset + size


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """A big-endian number of seven bits a byte, the ninth byte whole; and where it ends."""
    value = 0
    for n in range(9):
        if offset >= len(data):
            raise _NoCellError
        byte = data[offset]
        offset += 1
        if n == 8:
            return value << 8 | byte, offset
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, offset

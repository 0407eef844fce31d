"""MATLAB's files of weights from anybody: looked through before they are read, so that a small file stays small.

A few kilobytes can be compressed from gigabytes, and a cell or structure of no content can say that it has
billions of elements, each of which a reader makes room for.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

MOST_BYTES = 10**9  # of a file and what it is compressed from; the largest of the authors' has 30 million
MOST_DEPTH = 20
HEADER = 128  # bytes
INT32, MATRIX, COMPRESSED = 5, 14, 15  # types of elements
CELL, STRUCTURES = 1, (2, 3)  # classes of arrays


def read(path: str | Path, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The variables of a MATLAB v5 file, those of some names or all.

    Raises:
        ValueError: it is no such file, or holds more than its bytes have room for.
    """
    from scipy.io import loadmat  # only here

    check(Path(path))
    return loadmat(path, variable_names=names)


def check(path: Path) -> None:
    """Look through a file's elements, nothing of it laid out.

    Raises:
        ValueError: see `read`.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it is longer than {MOST_BYTES:,} bytes")
    data = memoryview(path.read_bytes())
    order = {b"IM": "<", b"MI": ">"}.get(bytes(data[HEADER - 2 : HEADER]))
    if order is None:
        raise ValueError("it is no file of MATLAB 5 to 7")
    left = MOST_BYTES
    for kind, start, end in _elements(data, HEADER, len(data), order):
        if kind == COMPRESSED:
            inner = zlib.decompressobj().decompress(data[start:end], left + 1)
            left -= len(inner)
            if left < 0:
                raise ValueError(f"it is compressed from more than {MOST_BYTES:,} bytes")
            content = memoryview(inner)
            for inner_kind, inner_start, inner_end in _elements(content, 0, len(content), order):
                if inner_kind == MATRIX:
                    _check_array(content, inner_start, inner_end, order)
        elif kind == MATRIX:
            _check_array(data, start, end, order)


def _elements(data: memoryview, start: int, end: int, order: str) -> Iterator[tuple[int, int, int]]:
    """Type, start and end of each element between two places."""
    while start + 8 <= end:
        (word,) = struct.unpack_from(f"{order}I", data, start)
        if word >> 16:  # a small one: type and size in four bytes, its content in the next four
            kind, size, first, following = word & 0xFFFF, word >> 16, start + 4, start + 8
        else:
            (size,) = struct.unpack_from(f"{order}I", data, start + 4)
            kind, first = word, start + 8
            following = first + size + (0 if kind == COMPRESSED else -size % 8)
        if first + size > end:
            raise ValueError("it is cut off, or says that it holds more than it does")
        yield kind, first, first + size
        start = following


def _check_array(data: memoryview, start: int, end: int, order: str, depth: int = 0) -> None:
    """Refuse an array that says it has more elements than there are bytes, or parts, of it."""
    if depth > MOST_DEPTH:
        raise ValueError(f"its cells lie more than {MOST_DEPTH} deep in one another")
    parts = list(_elements(data, start, end, order))
    inner = [part for part in parts if part[0] == MATRIX]
    if len(parts) > 1 and parts[1][0] == INT32:
        (flags,) = struct.unpack_from(f"{order}I", data, parts[0][1])
        sizes = np.frombuffer(data[slice(*parts[1][1:])], f"{order}i4")
        count, kind = prod(int(size) for size in sizes), flags & 0xFF
        room = len(inner) if kind == CELL else end - start
        if kind in STRUCTURES:
            names = parts[-len(inner) - 1] if inner else parts[-1]  # the fields' names stand before their values
            longest = np.frombuffer(data[slice(*parts[parts.index(names) - 1][1:])][:4], f"{order}i4")
            fields = (names[2] - names[1]) // max(1, int(longest[0]) if len(longest) else 1)
            count, room = count * fields, len(inner)
        if count > room or (sizes < 0).any():
            raise ValueError(f"it says that {count:,} values are where there is room for {room:,}")
    for _, first, last in inner:
        if last > first:
            _check_array(data, first, last, order, depth + 1)

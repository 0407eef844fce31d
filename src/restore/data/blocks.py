"""Images that lie side by side in one MATLAB array, as SIDD's validation and benchmark blocks do.

A. Abdelhamed, S. Lin, M. S. Brown, "A High-Quality Denoising Dataset for Smartphone Cameras", CVPR 2018: 40 scenes with
32 blocks of 256×256 RGB pixels each, one array of uint8 ``(40, 32, 256, 256, 3)`` a file.

An image in it has a path of its own, ``<file>.mat/<scene>-<block>``, counted from 0.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from restore.errors import RequestError
from restore.files import check_regular
from restore.memory import in_words

SUFFIX = ".mat"
HEADER, TAG, PIECE = (
    128,
    8,
    1 << 20,
)  # bytes: of a file of MATLAB 5, of an element's type and size, that are read at once
MATRIX, COMPRESSED, UINT8, UINT8_CLASS = 14, 15, 2, 9
MOST_BYTES = 2 * 10**9  # of an array; SIDD's has 252 million
AXES = 5  # scene, block, row, column, channel

Read = Callable[[int], bytes]


@dataclass(frozen=True)
class BlockLayout:
    """Two files of blocks in a folder, image by image the two halves of pairs.

    Args:
        clean: the file's name.
        degraded: with as many blocks of the same size.
    """

    clean: str
    degraded: str

    def find(self, folder: Path) -> list[tuple[str, Path, Path]]:
        """Name, clean and degraded image of each pair; none where neither file is there.

        Raises:
            RequestError: one file without the other, or of another size, or one that cannot be read.
        """
        clean, degraded = folder / self.clean, folder / self.degraded
        there = [file for file in (clean, degraded) if file.is_file()]
        if not there:
            return []
        if len(there) == 1:
            raise RequestError(f"{there[0]} has no {self.degraded if there[0] == clean else self.clean} beside it")
        sizes = [shape(file) for file in (clean, degraded)]
        if sizes[0] != sizes[1]:
            described = " and ".join("×".join(map(str, size)) for size in sizes)
            raise RequestError(f"{clean} and {degraded} have different sizes, {described}")
        scenes, blocks = sizes[0][:2]
        names = [f"{scene:02d}-{block:02d}" for scene in range(scenes) for block in range(blocks)]
        return [(name, clean / name, degraded / name) for name in names]


SIDD_BLOCKS = BlockLayout("ValidationGtBlocksSrgb.mat", "ValidationNoisyBlocksSrgb.mat")


def is_block(path: Path) -> bool:
    """Whether a path is that of an image in a file of blocks."""
    return path.parent.suffix == SUFFIX and not path.suffix and path.parent.is_file()


def read_block(path: Path) -> NDArray[np.uint8]:
    """The pixels ``(H, W, 3)`` of a block by its path.

    The file is laid out once, in a temporary file without a name that the system reads in and drops as it needs; of the
    two files of a set, both stay so.

    Raises:
        RequestError: the file cannot be read, or has no such block.
    """
    scene, _, block = path.name.partition("-")
    blocks = _laid_out(path.parent, path.parent.stat().st_mtime_ns)
    with contextlib.suppress(ValueError, IndexError):
        return blocks[int(scene), int(block)].transpose(1, 2, 0)
    raise RequestError(f"{path.parent} has no block {path.name}")


@lru_cache(maxsize=8)
def _shape(path: Path, changed: int) -> tuple[int, ...]:
    with _opened(path) as (size, _):
        return size


def shape(path: Path) -> tuple[int, ...]:
    """Scenes, blocks of each, rows, columns and channels of a file.

    Raises:
        RequestError: it holds no such array.
    """
    return _shape(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _laid_out(path: Path, changed: int) -> NDArray[np.uint8]:
    """All blocks ``(scenes, blocks, 3, H, W)``: MATLAB's first axis runs fastest, so that a file has them interleaved."""
    with _opened(path) as ((scenes, blocks, rows, columns, channels), read), tempfile.TemporaryFile() as file:
        size, free = scenes * blocks * rows * columns * channels, shutil.disk_usage(tempfile.gettempdir()).free
        if size > free:  # a mapped file takes its room as it is written to: a full disk would end the process
            raise ValueError(
                f"{tempfile.gettempdir()} has {in_words(free)} free, and they take {in_words(size)}: TMPDIR"
            )
        laid_out = np.memmap(file, np.uint8, "w+", shape=(scenes, blocks, channels, rows, columns))
        for channel in range(channels):
            for column in range(columns):
                data = np.frombuffer(read(rows * blocks * scenes), np.uint8)
                laid_out[:, :, channel, :, column] = data.reshape(rows, blocks, scenes).transpose(2, 1, 0)
        return laid_out


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[tuple[int, ...], Read]]:
    """The size of the array in a file, and what reads on in its numbers.

    Raises:
        RequestError: there is no array of that kind, or it is cut off.
    """
    try:
        check_regular(path)
        with path.open("rb") as file:
            order = {b"IM": "<", b"MI": ">"}.get(file.read(HEADER)[-2:])
            if order is None:
                raise ValueError("it is no file of MATLAB 5 to 7")
            read: Read = _whole(file.read)
            kind, size = _tag(read, order)
            if kind == COMPRESSED:
                read = _whole(_inflated(file, size))
                kind, size = _tag(read, order)
            if kind != MATRIX:
                raise ValueError("it begins with something else than an array")
            flags = _element(read, order)
            sizes = tuple(int(side) for side in np.frombuffer(_element(read, order), f"{order}i4"))
            _element(read, order)  # its name
            kind, size = _tag(read, order)
            if (
                len(sizes) != AXES
                or min(sizes) < 1
                or sizes[-1] != 3
                or kind != UINT8
                or _class(flags, order) != UINT8_CLASS
            ):
                described = "×".join(map(str, sizes))
                raise ValueError(f"its array is {described}, and one of uint8 scenes×blocks×rows×columns×3 is read")
            if prod(sizes) != size or size > MOST_BYTES:
                raise ValueError(f"its array has {size:,} bytes, which is not {'×'.join(map(str, sizes))}, or too many")
            yield sizes, read
    except (ValueError, zlib.error, OSError) as error:
        raise RequestError(f"cannot read the blocks of {path}: {error}") from error


def _whole(read: Read) -> Read:
    def exactly(count: int) -> bytes:
        parts = []
        while count > 0 and (part := read(count)):
            parts.append(part)
            count -= len(part)
        if count:
            raise ValueError("it is cut off")
        return b"".join(parts)

    return exactly


def _inflated(file: BinaryIO, size: int) -> Read:
    """What reads on in a compressed element of so many bytes, laying out no more than is asked for."""
    left, decompress = size, zlib.decompressobj()

    def read(count: int) -> bytes:
        nonlocal left
        while not decompress.eof:
            piece = decompress.unconsumed_tail
            if not piece:
                piece = file.read(min(left, PIECE))
                left -= len(piece)
            part = decompress.decompress(piece, count)
            if part or not piece:
                return part
        return b""

    return read


def _tag(read: Read, order: str) -> tuple[int, int]:
    kind, size = np.frombuffer(read(TAG), f"{order}u4")
    return int(kind), int(size)


def _element(read: Read, order: str) -> bytes:
    """The content of a short element: in its tag where that says so, else behind it, filled up to eight bytes."""
    tag = read(TAG)
    word, size = (int(part) for part in np.frombuffer(tag, f"{order}u4"))
    if word >> 16:
        return tag[4 : 4 + (word >> 16)]
    if size > PIECE:
        raise ValueError(f"its header has {size:,} bytes")
    return read(size + -size % 8)[:size]


def _class(flags: bytes, order: str) -> int:
    return int(np.frombuffer(flags[:4], f"{order}u4")[0]) & 0xFF

"""PNG of 16 bits a channel, which Pillow reads as 8 where it is in colour and cannot write.

PNG (Portable Network Graphics) Specification, third edition, W3C 2025: chunks (5), filters (9), colour types (11.2.1).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore.photos.photo import Metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 3: 2, 2: 4, 4: 6}  # by channels, alpha included
INCHES = 0.0254  # of a metre
SUB, UP = 1, 2
STRIP = 64  # rows filtered at a time


def read_deep(path: Path) -> tuple[NDArray, NDArray | None]:
    """Levels and alpha of a file that Pillow found whole.

    OpenCV decodes all 16 bits, but would hand over the top of a truncated file without a word.

    Returns:
        uint16 ``(H, W)`` or ``(H, W, 3)``, and ``(H, W)``.
    """
    import cv2

    content = np.fromfile(path, np.uint8)
    pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("its 16 bits a channel cannot be decoded")
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.ndim == 3 and pixels.shape[2] == 4 else None
    if content[25] in (0, 4):  # gray, which comes as three equal channels where there is alpha
        levels = np.ascontiguousarray(pixels[..., 0]) if pixels.ndim == 3 else pixels
    else:
        levels = np.ascontiguousarray(pixels[..., 2::-1])  # of BGR or BGRA
    return levels, alpha


def alpha_of(path: Path, levels: NDArray, transparent: int | tuple[int, ...]) -> NDArray:
    """The alpha of a file that names one transparent level, or colour, in its own depth (11.3.1.1).

    Pillow compares that of 2 and 4 bits with levels that it has stretched to 8 already.
    """
    with path.open("rb") as stream:
        bits = stream.read(25)[24]
    stretch = 255 // (2**bits - 1) if bits < 8 else 1
    hit = levels == np.asarray(transparent, levels.dtype) * levels.dtype.type(stretch)
    most = np.iinfo(levels.dtype).max
    return np.where(hit if levels.ndim == 2 else hit.all(axis=2), 0, most).astype(levels.dtype)


def write_deep(file: Path, channels: NDArray, metadata: Metadata) -> None:
    """Write uint16 ``(H, W, 1 to 4)``: gray, gray and alpha, RGB or RGBA.

    Each row is filtered by the one of ``Sub`` and ``Up`` with the smaller sum of absolute differences (12.7).
    """
    height, width, count = channels.shape
    with file.open("wb") as stream:
        stream.write(SIGNATURE)
        stream.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[count], 0, 0, 0)))
        if metadata.icc:
            stream.write(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc)))
        if metadata.dpi:
            stream.write(_chunk(b"pHYs", struct.pack(">IIB", *(round(dpi / INCHES) for dpi in metadata.dpi), 1)))
        if metadata.exif:
            stream.write(_chunk(b"eXIf", metadata.exif.removeprefix(b"Exif\0\0")))
        packer = zlib.compressobj(6)
        for rows in _filtered(channels):
            stream.write(_chunk(b"IDAT", packer.compress(rows)))
        stream.write(_chunk(b"IDAT", packer.flush()))
        stream.write(_chunk(b"IEND", b""))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _filtered(channels: NDArray) -> Iterator[bytes]:
    """The image's bytes as filtered rows, a strip of them at a time."""
    height, width, count = channels.shape
    step = 2 * count  # bytes of a pixel
    above = np.zeros((1, width * step), np.uint8)
    for top in range(0, height, STRIP):
        rows = np.ascontiguousarray(channels[top : top + STRIP].astype(">u2")).view(np.uint8).reshape(-1, width * step)
        left = np.zeros_like(rows)
        left[:, step:] = rows[:, :-step]
        candidates = np.stack((rows - left, rows - np.concatenate((above, rows[:-1]))))  # modulo 256, as in 9.2
        sums = np.abs(candidates.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)  # (2, rows)
        choice = sums.argmin(axis=0)
        lines = np.empty((len(rows), 1 + width * step), np.uint8)
        lines[:, 0] = np.where(choice == 0, SUB, UP)
        lines[:, 1:] = candidates[choice, np.arange(len(rows))]
        above = rows[-1:]
        yield lines.tobytes()

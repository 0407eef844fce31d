"""PGM and PPM of 16 bits a channel, of which Pillow keeps the upper 8 in colour; and their writing.

Netpbm's formats P5 and P6: a header of text, then the levels in big-endian order.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEADER = re.compile(rb"P([56])(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)\s")


def read_deep(path: Path) -> tuple[NDArray, None]:
    """Levels of a file whose largest level is above 255: uint16 ``(H, W)`` or ``(H, W, 3)``; it has no alpha."""
    header = _header(path)
    width, height = int(header[2]), int(header[3])
    channels = 1 if header[1] == b"5" else 3
    levels = np.fromfile(path, ">u2", width * height * channels, offset=header.end())
    if levels.size < width * height * channels:
        raise ValueError("the file is truncated")
    if levels.max() > largest(path):
        raise ValueError(f"it says that no level is above {largest(path):g}, and {levels.max()} is one")
    return levels.astype(np.uint16).reshape((height, width) if channels == 1 else (height, width, 3)), None


def largest(path: Path) -> float:
    """The level that stands for white."""
    return float(_header(path)[4])


def write(file: Path, channels: NDArray, peak: float) -> None:
    """Write uint8 or uint16 ``(H, W, 1 or 3)``."""
    height, width, count = channels.shape
    with file.open("wb") as stream:
        stream.write(f"P{5 if count == 1 else 6}\n{width} {height}\n{peak:.0f}\n".encode())
        stream.write(channels.astype(">u2" if peak > 255 else np.uint8).tobytes())


def _header(path: Path) -> re.Match[bytes]:
    with path.open("rb") as stream:
        match = HEADER.match(stream.read(4096))
    if not match:
        raise ValueError("its header is not one of P5 or P6")
    return match

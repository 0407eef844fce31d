"""Where read images lie: in memory, or, of a set too large for it, in a memory-mapped file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

MAPPED_ABOVE = 4_000_000_000  # bytes of decoded images from which a set is mapped


class ImageStorage:
    """Takes images one by one and gives each back as it is to be kept.

    A large set's images become views of one memory-mapped file, which the system reads in and drops
    as it needs; the file has no name once it is open, so it is gone with the process.

    Args:
        files: the images to come; their headers tell the size.
        channels: of each once read, at most.
        folder: where the file lies; the system's temporary folder by default.
        mapped_above: bytes from which images are mapped.
    """

    def __init__(self, files: Sequence[Path], channels: int, folder=None, mapped_above: int = MAPPED_ABOVE):
        self.buffer: Tensor | None = None
        self.used = 0
        size = sum(_pixels(file) for file in files) * channels
        if size > mapped_above:
            descriptor, path = tempfile.mkstemp(suffix=".images", dir=folder)
            os.close(descriptor)
            self.buffer = torch.from_file(path, shared=True, size=size, dtype=torch.uint8)
            os.unlink(path)

    def keep(self, image: Tensor) -> Tensor:
        if self.buffer is None:
            return image
        view = self.buffer[self.used : self.used + image.numel()].view(image.shape)
        self.used += image.numel()
        return view.copy_(image)


def _pixels(file: Path) -> int:
    try:
        with Image.open(file) as image:
            return image.width * image.height
    except OSError:
        return 0  # whoever reads it says so

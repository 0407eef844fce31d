"""Where read images lie: in memory, or, of a set too large for it, in a memory-mapped file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from restore.data.images import announced
from restore.errors import RequestError
from restore.image import deepened, deepest
from restore.memory import in_words

MAPPED_ABOVE = 4_000_000_000  # bytes of decoded images from which a set is mapped


class ImageStorage:
    """Takes images one by one and gives each back as it is to be kept.

    A large set's images become views of one memory-mapped file, which the system reads in and drops
    as it needs; the file has no name once it is open, so it is gone with the process.

    Args:
        files: the images to come; their headers tell the size.
        channels: of each once read, at most.
        peak: as `restore.data.images.read_image` takes it.
        folder: where the file lies; the system's temporary folder by default.
        mapped_above: bytes from which images are mapped.

    Raises:
        RequestError: the disk of the folder has no room for them.
    """

    def __init__(
        self,
        files: Sequence[Path],
        channels: int,
        folder=None,
        mapped_above: int = MAPPED_ABOVE,
        peak: float | None = None,
    ):
        self.buffer: Tensor | None = None
        self.used = 0
        headers = [announced(file, peak) for file in files]
        depth = deepest([torch.uint8, *(kind for _, kind in headers)])  # of one file there is one
        samples = sum(pixels for pixels, _ in headers) * channels
        size = samples * depth.itemsize
        if size > mapped_above:
            free = shutil.disk_usage(folder or tempfile.gettempdir()).free
            if size > free:  # a mapped file takes its room as it is written to: a full disk would end the process
                raise RequestError(
                    f"{len(files)} images of {in_words(size)} together are kept in a file in "
                    f"{folder or tempfile.gettempdir()}, which has {in_words(free)} free: TMPDIR names another folder"
                )
            descriptor, path = tempfile.mkstemp(suffix=".images", dir=folder)
            os.close(descriptor)
            self.buffer = torch.from_file(path, shared=True, size=samples, dtype=depth)
            os.unlink(path)

    def keep(self, image: Tensor) -> Tensor:
        if self.buffer is None:
            return image
        view = self.buffer[self.used : self.used + image.numel()].view(image.shape)
        self.used += image.numel()
        return view.copy_(deepened(image, self.buffer.dtype))

"""Image files to tensors of their own depth, each failure named by its file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restore.colour import to_luma
from restore.data.blocks import is_block, read_block, shape
from restore.errors import RequestError
from restore.files import MAX_PIXELS, printable, read_pixels
from restore.image import DEEP_LEVELS, as_stored
from restore.photos.reading import depth, read
from restore.resize import imresize

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def list_images(folder: Path) -> list[Path]:
    """The image files of a folder by sorted name.

    Raises:
        RequestError: the folder is missing or holds no image.
    """
    if not folder.is_dir():
        raise RequestError(f"there is no folder {folder}")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise RequestError(f"the folder {folder} holds no image file ({', '.join(sorted(SUFFIXES))})")
    return files


def distinct(names: Sequence[str], files: Sequence[Path]) -> tuple[str, ...]:
    """A name for each file that no other has: its own, else with its suffix, with its folder, or its whole path.

    Rows and the seeds of noise tell images apart by their names.

    Example:
        >>> distinct(["a", "a", "b"], [Path("set/a.png"), Path("set/a.jpg"), Path("set/b.png")])
        ('a.png', 'a.jpg', 'b')
    """
    forms = [
        (name, file.name, f"{file.parent.name}/{file.name}", str(file)) for name, file in zip(names, files, strict=True)
    ]
    places = [0] * len(forms)
    while True:
        chosen = [form[place] for form, place in zip(forms, places, strict=True)]
        counts = Counter(chosen)
        longer = [place + (counts[name] > 1 and place < 3) for name, place in zip(chosen, places, strict=True)]
        if longer == places:
            return tuple(chosen)
        places = longer


def read_image(
    path: Path, channels: int, luma: str = "gray", max_pixels: int = MAX_PIXELS, peak: float | None = None
) -> Tensor:
    """Read an image ``(channels, H, W)`` at its depth: uint8 or uint16 levels, or float32 in units of [0, 1].

    Alpha is left out.

    Where one channel is asked, colour becomes MATLAB's ``rgb2gray`` (`luma` of ``gray``), BT.601
    studio-range Y (``y``), or stays ``(3, H, W)`` (``as in file``).

    Args:
        max_pixels: the most that an image may have.
        peak: of images of more than 8 bits, the level that is 1, where it is not 65535, or 1 of floats: 4095 of a
            camera's 12 bits. Such images become float32.

    Raises:
        RequestError: the file is no regular one, no image, truncated, too large, or gray where colour is asked.
    """
    if is_block(path):
        pixels = read_block(path)
    elif announced(path, peak)[1] == torch.uint8:
        try:
            pixels = read_pixels(path, max_pixels)
        except ValueError as error:
            raise RequestError(f"cannot read the image {printable(str(path))}: {error}") from error
    else:
        photo = read(path, max_pixels, peak)
        own = photo.levels.dtype == np.uint16 and photo.peak == DEEP_LEVELS
        pixels = photo.levels if own else (photo.levels / np.float32(photo.peak)).astype(np.float32)
    if pixels.ndim == 2 and channels == 3:
        raise RequestError(f"{printable(str(path))} is gray, and task.channels=3 and task.colour need colour images")
    levels = torch.from_numpy(pixels)
    return levels[None] if pixels.ndim == 2 else to_luma(levels.permute(2, 0, 1), channels, luma).contiguous()


def announced(path: Path, peak: float | None = None) -> tuple[int, torch.dtype]:
    """Pixels that a file's header announces, and the type that `read_image` would make of it; 0 where it is broken."""
    if is_block(path):
        return shape(path.parent)[2] * shape(path.parent)[3], torch.uint8
    pixels, kind = depth(path)
    if kind == np.uint8:
        return pixels, torch.uint8
    return pixels, torch.uint16 if kind == np.uint16 and peak in (None, DEEP_LEVELS) else torch.float32


def resized(image: Tensor, side: int) -> Tensor:
    """A square of `side` pixels, by MATLAB's bicubic, at the image's depth."""
    return as_stored(imresize(image.double(), side, side), image.dtype)


def half_size(image: Tensor) -> Tensor:
    """Crop to even sides and halve by antialiased bicubic, as BSD200 is made for RED-Net's tables.

    Shape:
        ``(C, H, W)`` to ``(C, H // 2, W // 2)``, of the same type.
    """
    height, width = (side // 2 * 2 for side in image.shape[-2:])
    return as_stored(imresize(image[:, :height, :width].double(), height // 2, width // 2), image.dtype)


def centre(levels: Tensor, side: int) -> Tensor:
    """The square of at most `side` pixels in the middle of an image ``(C, H, W)``; 0 leaves it whole."""
    if not side:
        return levels
    height, width = levels.shape[-2:]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return levels[:, top : top + side, left : left + side]

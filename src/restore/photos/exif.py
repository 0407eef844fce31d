"""EXIF blocks: what of them goes with an image that was turned upright, stored anew, perhaps enlarged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ORIENTATION, EXIF_IFD, GPS_IFD = 0x0112, 0x8769, 0x8825
RESOLUTION = (282, 283, 296)  # across, down, unit: 2 is the inch, 3 the centimetre
WIDTH, HEIGHT = 0xA002, 0xA003  # of the image, in the EXIF folder
# How the file that was read stores its pixels (TIFF 6.0, sections 8 to 23), its thumbnail, profile and other blocks.
STORAGE = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291),
    *(292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340, 341),
    *(342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 700, 33723, 34377, 34675),
}


def descriptive(exif: Image.Exif) -> bytes | None:
    """The block without its thumbnail and what describes storage, upright; none where nothing is left."""
    for tag in [tag for tag in exif if tag in STORAGE or tag in RESOLUTION]:
        del exif[tag]
    if ORIENTATION in exif:
        exif[ORIENTATION] = 1
    return exif.tobytes() if len(exif) else None


def parsed(block: bytes | None) -> Image.Exif:
    exif = Image.Exif()
    if block:
        exif.load(block)
    return exif


def sized(block: bytes | None, width: int, height: int) -> bytes | None:
    """The block, its width and height (where it tells them) those of the image that it goes with."""
    exif = parsed(block)
    folder = exif.get_ifd(EXIF_IFD)
    if not (WIDTH in folder or HEIGHT in folder):
        return block
    folder.update({WIDTH: width, HEIGHT: height})
    return exif.tobytes()


def dpi_of(exif: Image.Exif) -> tuple[float, float] | None:
    """Resolution as the block tells it, in pixels an inch."""
    across, down, unit = (exif.get(tag) for tag in RESOLUTION)
    if not across or not down or unit not in (None, 2, 3):
        return None
    per_inch = 2.54 if unit == 3 else 1.0
    return float(across) * per_inch, float(down) * per_inch


def upright(pixels: NDArray, orientation: int) -> NDArray:
    """The image as its camera was held: EXIF orientations 1 to 8, of which 5 to 8 swap the sides.

    Shape:
        ``(H, W, ...)`` to ``(H, W, ...)`` or ``(W, H, ...)``.

    Example:
        >>> upright(np.array([[1, 2], [3, 4]]), 6).tolist()
        [[3, 1], [4, 2]]
    """
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)

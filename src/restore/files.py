"""Files that somebody else made: regular ones alone are opened, and images only as large as was agreed."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # Pillow tells them by content; of others some start programs
MAX_PIXELS = 250_000_000
KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_pillow = threading.Lock()


def check_regular(path: str | Path) -> None:
    """Refuse what may wait for ever or never end: a pipe, a device, a socket; a folder too.

    Raises:
        ValueError: what it is, or why that cannot be said.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:  # a name with a null in it
        raise ValueError(getattr(error, "strerror", None) or str(error)) from error
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in KINDS if test(mode)), "something else")
        raise ValueError(f"it is {kind}, and no regular file")


def printable(name: str) -> str:
    r"""A file's name as text that can be written: bytes that are no UTF-8 as ``\xff``, and so are control characters.

    Example:
        >>> printable("caf\udce9.png")
        'caf\\xe9.png'
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def read_pixels(path: str | Path, max_pixels: int = MAX_PIXELS, gray: bool = False) -> np.ndarray:
    """Read an 8-bit image file, turned as its camera says.

    Pillow and not OpenCV, which returns a truncated file as a half-gray image without a word.

    Args:
        max_pixels: that the header may announce; nothing is decoded of a larger image.
        gray: make colour gray, by Pillow's ``L``.

    Returns:
        uint8 ``(H, W)`` of a gray image, ``(H, W, 3)`` of one in colour.

    Raises:
        ValueError: no regular file, no image, a truncated one, one of more than 8 bits a channel, or too large.
    """
    check_regular(path)
    try:
        with open_header(path) as file:
            check_pixels(file, max_pixels)
            if is_deep(file):
                raise ValueError("it has more than 8 bits per channel, and restore works on 8-bit images")
            image = ImageOps.exif_transpose(file)
            return np.array(image.convert("L" if gray or image.mode in ("1", "L", "LA") else "RGB"))
    except UnidentifiedImageError as error:
        raise ValueError(f"it is not an image that is read here ({', '.join(FORMATS)})") from error
    except ValueError:
        raise
    except MemoryError as error:
        raise ValueError("it does not fit in memory") from error
    except Exception as error:  # Pillow's readers let through what a broken file makes of them: any kind
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from error


def count_pixels(path: str | Path) -> int:
    """Pixels that an image's header announces; 0 where it cannot be read, which whoever reads it says."""
    try:
        check_regular(path)
        with open_header(path) as image:
            return image.width * image.height
    except Exception:
        return 0


def open_header(path: str | Path) -> Image.Image:
    """The image of a header, without Pillow's own limit, a fixed one that warns at half of it: ours is asked."""
    with _pillow:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(path, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = before


def check_pixels(image: Image.Image, most: int) -> None:
    """Refuse an image of no pixels, and one of more than `most`, before anything of it is decoded.

    Raises:
        ValueError: its size.
    """
    pixels = image.width * image.height
    if pixels < 1:
        raise ValueError(f"it has {image.width}×{image.height} pixels")
    if pixels > most:
        raise ValueError(
            f"it has {image.width}×{image.height} pixels, {pixels / 1e6:,.0f} million, and max_pixels={most} are read"
        )


def is_deep(image: Image.Image) -> bool:
    """Whether a channel has more than 8 bits: of 16-bit colour Pillow hands over the upper 8 without a word."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return True
    arguments = [
        part for tile in getattr(image, "tile", []) for part in (tile[3] if isinstance(tile[3], tuple) else (tile[3],))
    ]
    rawmodes = [part for part in arguments if isinstance(part, str)]
    depths = [part for part in arguments if isinstance(part, int)] if image.format == "PPM" else []
    bits = getattr(image, "tag_v2", {}).get(258, ()) if image.format == "TIFF" else ()  # BitsPerSample
    return (
        any(";16" in mode or ";12" in mode for mode in rawmodes)
        or any(d > 255 for d in depths)
        or any(b > 8 for b in bits)
    )

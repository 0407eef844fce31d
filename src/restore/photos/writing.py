"""Photos to image files: the format by the suffix, whole or not at all, never over what was read."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restore import atomic
from restore.errors import RequestError
from restore.files import printable
from restore.photos import png, pnm, tiff
from restore.photos.exif import RESOLUTION, parsed, sized
from restore.photos.photo import Metadata, Photo

SUFFIXES = {
    **dict.fromkeys((".jpg", ".jpeg"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".pgm", ".ppm"), "PPM"),
    **{".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"},
}
BITS = {"JPEG": (8,), "WEBP": (8,), "BMP": (8,), "PNG": (8, 16), "PPM": (8, 16), "TIFF": (8, 16, 32)}
ALPHA = ("PNG", "TIFF", "WEBP", "BMP")
LARGEST = {"JPEG": 65_500, "WEBP": 16_383}  # pixels a side
KEPT = {  # of metadata
    **dict.fromkeys(("PNG", "JPEG", "TIFF", "WEBP"), ("icc", "exif", "dpi")),
    **{"BMP": ("dpi",), "PPM": ()},
}
NAMES = {"icc": "its ICC profile", "exif": "its EXIF", "dpi": "its resolution"}


def write(photo: Photo, path: str | Path, quality: int = 95) -> None:
    """Write an image file, whole or not at all: beside its name first, then renamed.

    PNG, TIFF (deflated), WebP, BMP, PGM and PPM keep every level; JPEG does not. WebP knows no gray: it holds three
    equal channels, as BMP does where there is alpha.

    Args:
        photo: what is written; `unkept` says what of its metadata the format has no place for.
        path: its suffix names the format: ``.png``, ``.jpg``, ``.jpeg``, ``.tif``, ``.tiff``, ``.webp``, ``.bmp``,
            ``.pgm``, ``.ppm``.
        quality: of JPEG, 1 to 100, with colour at full resolution (4:4:4).

    Raises:
        RequestError: an unknown suffix, a depth, alpha or size that the format does not hold, a quality out of range,
            or the path of the file that the photo was read from.
        OSError: it cannot be written; what was there is as it was.
    """
    path = Path(path)
    kind = _format(path)
    _check(photo, path, kind, quality)
    planes = photo.levels[..., None] if photo.levels.ndim == 2 else photo.levels
    channels = planes if photo.alpha is None else np.dstack((planes, photo.alpha))
    height, width = photo.levels.shape[:2]
    metadata = replace(photo.metadata, exif=sized(photo.metadata.exif, width, height))
    try:
        with atomic.replacing(path) as partial:
            if kind == "TIFF":
                tiff.write(partial, channels, metadata)
            elif kind == "PNG" and photo.bits == 16:
                png.write_deep(partial, channels, metadata)
            elif kind == "PPM":
                pnm.write(partial, channels, photo.peak)
            elif kind == "BMP" and photo.alpha is not None:
                _write_bmp_alpha(partial, channels, metadata)
            else:
                _write_pillow(partial, channels, metadata, kind, quality)
    except ValueError as error:  # a block of EXIF that is too long for JPEG
        raise RequestError(f"cannot write {printable(str(path))}: {error}") from error


def unkept(photo: Photo, path: str | Path) -> list[str]:
    """What of a photo's metadata the format of a path has no place for, in words."""
    held = KEPT[_format(Path(path))]
    return [words for name, words in NAMES.items() if getattr(photo.metadata, name) and name not in held]


def _format(path: Path) -> str:
    try:
        return SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise RequestError(f"{printable(str(path))} must end in {', '.join(SUFFIXES)}") from None


def _check(photo: Photo, path: Path, kind: str, quality: int) -> None:
    name = printable(str(path))
    if photo.source is not None and path.exists() and photo.source.exists() and path.samefile(photo.source):
        raise RequestError(f"{name} is what was read, and inputs are not written over")
    if photo.bits not in BITS[kind]:
        others = [suffix for suffix, other in SUFFIXES.items() if photo.bits in BITS[other] and other != "PPM"]
        depth = "32-bit floats" if photo.bits == 32 else f"{photo.bits} bits a channel"
        raise RequestError(f"{name}: {kind} does not hold {depth}; {', '.join(others)} do")
    if photo.alpha is not None and kind not in ALPHA:
        raise RequestError(f"{name}: {kind} does not hold alpha; {', '.join(ALPHA)} do")
    if kind == "PPM" and path.suffix.lower() != (".pgm" if photo.channels == 1 else ".ppm"):
        raise RequestError(f"{name}: a gray image is a .pgm, one in colour a .ppm")
    if max(photo.levels.shape[:2]) > LARGEST.get(kind, 2**31 - 1):
        raise RequestError(f"{name}: {kind} holds sides of {LARGEST[kind]} pixels at most")
    if not 1 <= quality <= 100:
        raise RequestError(f"quality must be from 1 to 100, and it is {quality}")


def _write_pillow(file: Path, channels: NDArray, metadata: Metadata, kind: str, quality: int) -> None:
    exif = metadata.exif
    if kind == "WEBP" and metadata.dpi:  # which has no other place for it
        block = parsed(exif)
        block.update(dict(zip(RESOLUTION, (*metadata.dpi, 2), strict=True)))
        exif = block.tobytes()
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": quality, "subsampling": 0},
        "WEBP": {"lossless": True, "exact": True},  # exact: colours under full transparency too
    }
    carried = {"icc_profile": metadata.icc, "exif": exif, "dpi": metadata.dpi}
    image = Image.fromarray(np.ascontiguousarray(channels[..., 0] if channels.shape[2] == 1 else channels))
    image.save(file, kind, **options.get(kind, {}), **{key: value for key, value in carried.items() if value})


def _write_bmp_alpha(file: Path, channels: NDArray, metadata: Metadata) -> None:
    """By OpenCV: Pillow leaves out the mask that says where alpha lies."""
    import cv2

    colours = channels if channels.shape[2] == 4 else channels[..., [0, 0, 0, 1]]
    content = bytearray(cv2.imencode(".bmp", colours[..., [2, 1, 0, 3]])[1].tobytes())
    if metadata.dpi:
        content[38:46] = struct.pack("<ii", *(round(dpi / png.INCHES) for dpi in metadata.dpi))  # pixels a metre
    file.write_bytes(content)

"""Image files to photos: Pillow says whether a file is whole, another library decodes what Pillow would make 8 bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from restore.errors import RequestError
from restore.files import FORMATS, MAX_PIXELS, check_pixels, check_regular, is_deep, open_header, printable
from restore.photos import png, pnm, tiff
from restore.photos.exif import ORIENTATION, descriptive, dpi_of, upright
from restore.photos.photo import PEAKS, Metadata, Photo

DIRECT = {"L", "LA", "RGB", "RGBA", "I;16", "F"}  # Pillow's modes whose arrays are levels already
CONVERTED = {"1": "L", "RGBX": "RGB", "La": "LA", "RGBa": "RGBA", "I;16B": "I;16", "I;16L": "I;16", "I;16N": "I;16"}
MULTIPLE = {"PNG", "WEBP"}  # formats in which further images are an animation's


def read(path: str | Path, max_pixels: int = MAX_PIXELS, peak: float | None = None) -> Photo:
    """Read an image file at its own depth, upright, with its alpha, profile, EXIF and resolution.

    Palettes become RGB and images of one bit gray of 8; of JPEG's multi-picture files it is the first; floats of
    16 and 64 bits become 32. PNG, JPEG, TIFF, WebP, BMP, PGM and PPM, told by content.

    Args:
        max_pixels: that the header may announce; nothing is decoded of a larger image.
        peak: the level that is 1 in the unit range, where it is not the largest of the file's type
            (1 for floats): 4095 of a camera's 12 bits in 16.

    Raises:
        RequestError: the file by name, and why: no regular file, no image, truncated or broken, too large, animated
            or of several pages, CMYK or another colour space, floats that are not finite.
    """
    path = Path(path)
    try:
        check_regular(path)
        photo = _read(path, max_pixels)
        if photo.levels.dtype == np.float32:
            for plane in (photo.levels, photo.alpha):
                if plane is not None and not np.isfinite(plane).all():
                    raise ValueError("some of its levels are not finite")
        if peak is not None and not 0 < peak <= _largest(photo):
            raise ValueError(f"peak must be above 0 and at most {_largest(photo):g}, and it is {peak:g}")
    except ValueError as error:
        raise _unread(path, str(error)) from error
    except MemoryError as error:
        raise _unread(path, "it does not fit in memory") from error
    except OSError as error:
        raise _unread(path, error.strerror or str(error)) from error
    except Exception as error:  # readers let through what a broken file makes of them: any kind
        raise _unread(path, str(error) or type(error).__name__) from error
    return replace(photo, source=path, peak=photo.peak if peak is None else float(peak))


def _unread(path: Path, reason: str) -> RequestError:
    return RequestError(f"cannot read the image {printable(str(path))}: {reason.partition(chr(10))[0]}")


def _largest(photo: Photo) -> float:
    return float("inf") if photo.levels.dtype == np.float32 else PEAKS[photo.levels.dtype]


def _read(path: Path, max_pixels: int) -> Photo:
    try:
        image = open_header(path)
    except UnidentifiedImageError as error:
        if tiff.is_tiff(path):
            return _deep_tiff(path, max_pixels)
        raise ValueError(f"it is not an image that is read here ({', '.join(FORMATS)})") from error
    with image:
        check_pixels(image, max_pixels)
        if image.format == "TIFF":
            tiff.check_pages(path)
            if is_deep(image):
                return _deep_tiff(path, max_pixels)
        elif image.format in MULTIPLE and getattr(image, "is_animated", False):
            raise ValueError(f"it is an animation of {getattr(image, 'n_frames', 2)} images")
        if image.format == "PNG":
            with open_header(path) as twin:
                twin.verify()  # the checksums of its chunks
        deep = is_deep(image)  # before EXIF is asked for, which loads a PNG, of which it is not told then
        exif = image.getexif()
        turned = exif.get(ORIENTATION, 1)
        image.load()  # a truncated file is refused here; of TIFF, Pillow turns it upright
        peak = None
        if image.format == "PPM" and deep:
            levels, alpha, peak = *pnm.read_deep(path), pnm.largest(path)
        elif image.format == "PNG" and deep:
            levels, alpha = png.read_deep(path)
        else:
            levels, alpha = _pixels(image)
        if image.format == "PNG" and alpha is None and "transparency" in image.info:
            alpha = png.alpha_of(path, levels, image.info["transparency"])
        dpi = image.info.get("dpi") or dpi_of(exif)
        metadata = Metadata(image.info.get("icc_profile") or None, descriptive(exif), _resolution(dpi, turned))
        left = image.getexif().get(ORIENTATION, 1) if image.format == "TIFF" else turned
        kind = "JPEG" if image.format == "MPO" else str(image.format)
    left = left if left in range(1, 9) else 1
    levels, alpha = upright(levels, left), None if alpha is None else upright(alpha, left)
    return Photo(levels, alpha, peak or PEAKS[levels.dtype], metadata, kind)


def _deep_tiff(path: Path, max_pixels: int) -> Photo:
    tiff.check_pages(path)
    levels, alpha, metadata, turned = tiff.read_deep(path, max_pixels)
    metadata = replace(metadata, dpi=_resolution(metadata.dpi, turned))
    levels, alpha = upright(levels, turned), None if alpha is None else upright(alpha, turned)
    return Photo(levels, alpha, PEAKS[levels.dtype], metadata, "TIFF")


def _resolution(dpi: tuple[float, float] | None, orientation: int) -> tuple[float, float] | None:
    """Across and down of the upright image; none where a file says none, or zero."""
    if not dpi or not all(value and 0 < float(value) < 1e9 for value in dpi):
        return None
    across, down = (float(value) for value in dpi)
    return (down, across) if orientation in range(5, 9) else (across, down)


def _pixels(image: Image.Image) -> tuple[NDArray, NDArray | None]:
    """Levels and alpha of an image that Pillow decodes at its own depth."""
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    elif image.mode in CONVERTED:
        image = image.convert(CONVERTED[image.mode])
    if image.mode not in DIRECT:
        raise ValueError(f"its colours are {image.mode}, and gray, RGB and palettes are read")
    pixels = np.array(image)
    if image.mode in ("LA", "RGBA"):
        levels = pixels[..., 0] if image.mode == "LA" else pixels[..., :3]
        return np.ascontiguousarray(levels), np.ascontiguousarray(pixels[..., -1])
    return pixels, None

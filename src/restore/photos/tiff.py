"""TIFF: what Pillow does not read of it (16-bit colour, float, gray with alpha), and all writing.

TIFF 6.0, Adobe 1992; its Supplement 1 for floats with predictors is not used. EXIF 2.32 for its two folders.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from restore.photos.exif import EXIF_IFD, GPS_IFD, ORIENTATION, descriptive, dpi_of, parsed
from restore.photos.photo import Metadata

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GRAY, RGB = 1, 2  # photometric interpretations
ASSOCIATED, STRAIGHT = 1, 2  # kinds of an extra sample: alpha that colours are multiplied by, and that they are not
UNSIGNED, FLOAT = 1, 3
BITS = {UNSIGNED: (8, 16), FLOAT: (16, 32, 64)}


def is_tiff(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) in MAGICS


def check_pages(path: Path) -> None:
    """Refuse a file of several pages: what is written has one. Smaller copies of a page and masks do not count.

    Raises:
        ValueError: how many pages it has.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        pages = sum(not (page.subfiletype & 0b101) for page in map(_whole, file.pages))
    if pages > 1:
        raise ValueError(f"it has {pages} pages, and files of one are read")


def read_deep(path: Path, max_pixels: int) -> tuple[NDArray, NDArray | None, Metadata, int]:
    """Levels, alpha, metadata and orientation of a TIFF's first page.

    Raises:
        ValueError: what is not read of TIFF, is not there, or is larger than was agreed.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = _whole(file.pages[0])
        _check(page, max_pixels)
        _check_whole(page, path.stat().st_size)
        pixels = _decode(page, path)
        profile = page.tags.get(34675)
        orientation = page.tags.get(ORIENTATION)
    if page.planarconfig == 2 and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, 2)
    colour = 3 if page.photometric == RGB else 1
    pixels = pixels.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    else:
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    alpha = np.ascontiguousarray(pixels[..., colour]) if page.extrasamples else None
    levels = np.ascontiguousarray(pixels[..., 0] if colour == 1 else pixels[..., :3])
    exif, dpi = _exif(path)
    turn = int(orientation.value) if orientation else 1
    return levels, alpha, Metadata(profile and bytes(profile.value), exif, dpi), turn if turn in range(1, 9) else 1


def write(file: Path, channels: NDArray, metadata: Metadata) -> None:
    """Write ``(H, W, 1 to 4)`` of uint8, uint16 or float32, deflated; the last of 2 or 4 channels is alpha."""
    import tifffile

    count = channels.shape[2]
    exif = parsed(metadata.exif)
    folders = {tag: exif.get_ifd(tag) for tag in (EXIF_IFD, GPS_IFD) if tag in exif}
    tifffile.imwrite(
        file,
        channels if count > 1 else channels[..., 0],
        photometric="rgb" if count > 2 else "minisblack",
        planarconfig="contig" if count > 1 else None,
        extrasamples=["unassalpha"] if count in (2, 4) else None,
        compression="zlib",
        predictor=channels.dtype.kind == "u",
        iccprofile=metadata.icc,
        resolution=metadata.dpi,
        resolutionunit="inch" if metadata.dpi else None,
        extratags=[*_described(exif), *((tag, 4, 1, 0, True) for tag in folders)],
        metadata=None,
        software=False,
    )
    if folders:
        _append(file, folders)


def _whole(page: Any) -> Any:
    """The page itself where tifffile keeps only its place."""
    return page.aspage() if hasattr(page, "aspage") else page


def _check(page: Any, max_pixels: int) -> None:
    width, height = page.imagewidth, page.imagelength
    if width * height > max_pixels or width * height < 1:
        raise ValueError(f"it has {width}×{height} pixels, and from 1 to max_pixels={max_pixels} are read")
    kind, bits = int(page.sampleformat), page.bitspersample
    if bits not in BITS.get(kind, ()):
        kinds = {1: "unsigned", 2: "signed", 3: "float"}
        raise ValueError(
            f"its channels are {kinds.get(kind, 'not numbers')} of {bits} bits, and unsigned of 8 and 16 bits and "
            f"floats of 16 to 64 are read"
        )
    if page.photometric not in (GRAY, RGB):
        raise ValueError(
            f"its photometric interpretation is {int(page.photometric)}, and gray (1) and RGB (2) are read"
        )
    extra = [int(sample) for sample in page.extrasamples or ()]
    if page.samplesperpixel - len(extra) != (3 if page.photometric == RGB else 1) or len(extra) > 1:
        raise ValueError(f"it has {page.samplesperpixel} channels, and gray and RGB, with alpha or without, are read")
    if ASSOCIATED in extra:
        raise ValueError("its colours are multiplied by its alpha, and straight alpha is read")


def _check_whole(page: Any, size: int) -> None:
    """Whether every strip or tile lies in the file: tifffile hands over zeros for one that is missing."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if not segments or any(length < 1 or start + length > size for start, length in segments):
        raise ValueError("the file is truncated")


def _decode(page: Any, path: Path) -> NDArray:
    """By tifffile; by OpenCV what that needs another package for (LZW)."""
    try:
        return page.asarray()
    except (KeyError, ValueError) as error:
        if "imagecodecs" not in str(error):
            raise
    import cv2

    content = np.fromfile(path, np.uint8)
    tag = page.tags.get(ORIENTATION)
    if tag is not None:  # OpenCV would turn some of the eight
        kind = page.parent.byteorder + "H"
        content[tag.valueoffset : tag.valueoffset + 2] = np.frombuffer(struct.pack(kind, 1), np.uint8)
    pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    whole = None if pixels is None else pixels.reshape(*pixels.shape[:2], -1)
    if whole is None or whole.shape != shape or whole.dtype != page.dtype or page.planarconfig == 2:
        raise ValueError(f"it is broken, or needs the package imagecodecs ({page.compression.name}, {page.dtype})")
    return whole if shape[2] == 1 else whole[..., [2, 1, 0, 3][: shape[2]]]


def _exif(path: Path) -> tuple[bytes | None, tuple[float, float] | None]:
    exif = Image.Exif()
    with path.open("rb") as stream:
        exif.load_from_fp(stream)
        dpi = dpi_of(exif)
        return descriptive(exif), dpi


def _described(exif: Image.Exif) -> list[tuple[int, int, int, Any, bool]]:
    """A block's own tags, without its folders, as tifffile writes them: number, type, count, value, once."""
    directory = ImageFileDirectory_v2()
    tags: list[tuple[int, int, int, Any, bool]] = []
    for tag, value in exif.items():
        if tag in (EXIF_IFD, GPS_IFD):
            continue
        directory[tag] = value
        kind, values = directory.tagtype[tag], directory[tag]
        if kind in (1, 7):  # bytes
            tags.append((tag, kind, len(values), bytes(values), True))
        elif kind == 2:
            tags.append((tag, kind, 0, str(values).encode("utf-8"), True))
        else:
            numbers = list(values) if isinstance(values, tuple) else [values]
            if kind in (5, 10):  # rationals: pairs of integers
                pairs = [(int(part.numerator), int(part.denominator)) for part in numbers]
                tags.append((tag, kind, len(pairs), [part for pair in pairs for part in pair], True))
            else:
                tags.append((tag, kind, len(numbers), numbers if len(numbers) > 1 else numbers[0], True))
    return tags


def _append(file: Path, folders: dict[int, dict[int, Any]]) -> None:
    """Put EXIF's folders at the file's end, where the tags that stand for them are made to point."""
    import tifffile

    with tifffile.TiffFile(file) as written:
        places = {tag: _whole(written.pages[0]).tags[tag].valueoffset for tag in folders}
        large = written.is_bigtiff
        order = written.byteorder
    if large:
        return  # above 4 GiB, where Pillow's folders (of 32-bit places) do not reach
    with file.open("r+b") as stream:
        for tag, folder in folders.items():
            start = stream.seek(0, 2)
            start += stream.write(b"\0" * (start % 2))
            directory = ImageFileDirectory_v2(b"II*\0\0\0\0\0" if order == "<" else b"MM\0*\0\0\0\0", group=tag)
            for key, value in folder.items():
                directory[key] = value
            stream.write(directory.tobytes(start))
            stream.seek(places[tag])
            stream.write(struct.pack(order + "I", start))

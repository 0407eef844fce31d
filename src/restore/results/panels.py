"""Panels of images with lines of text under them, drawn pixel by pixel: matplotlib would resample the crops."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from restore import atomic

PANEL = 216  # pixels that a panel's longer side has about; a crop is enlarged by a whole number
LARGEST = 512  # and that it has at most
ACROSS = 6  # panels of a line
GAP = 10
TITLE, TEXT = 16, 14  # sizes of the letters
BYTES = 480_000  # of a file, at most: what is larger is drawn smaller


@dataclass(frozen=True)
class Panel:
    """A crop and the lines of text under it."""

    image: Image.Image
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """The panels of one test image, and the line above them."""

    title: str
    panels: tuple[Panel, ...]


def compose(rows: Sequence[Row], figure: str, size: float = 1.0) -> Image.Image:
    """Rows of panels under each other, black text on white.

    Args:
        size: of the panels, less than 1 for a smaller file.
    """
    return stack([_block(row, f"{figure}: {row.title}", size) for row in rows])


def stack(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures under each other, gray where all of them are."""
    colour = any(picture.mode == "RGB" for picture in pictures)
    shape = (max(picture.width for picture in pictures), sum(picture.height for picture in pictures))
    stacked, top = Image.new("RGB" if colour else "L", shape, "white"), 0
    for picture in pictures:
        stacked.paste(picture, (0, top))
        top += picture.height
    return stacked


def write(draw: Callable[[float], Image.Image], path: Path) -> Path:
    """Write what is drawn at size 1, or smaller where the file would be larger than `BYTES`."""
    for size in (1.0, 0.8, 0.64, 0.5, 0.4, 0.32):
        file = io.BytesIO()
        draw(size).save(file, "PNG", optimize=True)
        if file.tell() <= BYTES:
            break
    atomic.write(path, file.getvalue())
    return path


def _block(row: Row, title: str, size: float) -> Image.Image:
    images = [_resized(panel.image, size) for panel in row.panels]
    columns = -(-len(images) // -(-len(images) // ACROSS))  # lines of about the same length
    wide, high = max(image.width for image in images), max(image.height for image in images)
    cell = max(wide, 130)
    letters, heading = _font(TEXT), _font(TITLE)
    texts = [[part for line in panel.lines for part in _wrapped(line, letters, cell)] for panel in row.panels]
    under = max(map(len, texts)) * (TEXT + 4) + GAP
    width = columns * (cell + GAP) + GAP
    above = _wrapped(title, heading, width - 2 * GAP)
    top = GAP + len(above) * (TITLE + 5)
    lines = -(-len(images) // columns)
    colour = any(image.mode == "RGB" for image in images)
    picture = Image.new("RGB" if colour else "L", (width, top + lines * (high + under)), "white")
    pen = ImageDraw.Draw(picture)
    for number, text in enumerate(above):
        pen.text((GAP, GAP // 2 + number * (TITLE + 5)), text, font=heading, fill="black")
    for number, (image, text) in enumerate(zip(images, texts, strict=True)):
        left, upper = GAP + number % columns * (cell + GAP), top + number // columns * (high + under)
        picture.paste(image, (left + (cell - image.width) // 2, upper))
        for line, words in enumerate(text):
            place = (left + cell // 2, upper + high + 3 + line * (TEXT + 4))
            pen.text(place, words, font=letters, fill="black", anchor="ma")
    return picture


def _resized(image: Image.Image, size: float) -> Image.Image:
    """Enlarged by a whole number, so that each pixel is seen, or made smaller."""
    longer = max(image.size)
    factor = min(max(1, round(PANEL / longer)), LARGEST / longer) * size
    shape = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(shape, Image.Resampling.NEAREST if factor >= 1 and size == 1 else Image.Resampling.LANCZOS)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Lines that fit, broken at blanks."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which has the letters of every language, from matplotlib; else Pillow's own."""
    try:
        import matplotlib

        return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
    except (ImportError, OSError):
        return ImageFont.load_default(size)

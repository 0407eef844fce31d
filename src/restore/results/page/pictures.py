"""The images that a page's viewer compares: crops that runs kept of the same test pair, as PNG in data addresses."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from restore.files import check_regular
from restore.results.crops import CLEAN, INPUT, file_name
from restore.results.quantities import quantity
from restore.results.sheets import Kept, kept_in, points

log = logging.getLogger("restore")

MOST_PIXELS = 1 << 21  # of one image: what a page shows is a crop
MOST_FILE_BYTES = 1 << 24


def comparisons(folders: Iterable[Path]) -> list[list[Kept]]:
    """The crops of some folders, those of the same pair and region together, in order of appearance."""
    groups: list[list[Kept]] = []
    for each in (kept for folder in folders for kept in kept_in(folder)):
        group = next((group for group in groups if group[0].record.same_pair(each.record)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return groups


def comparison(group: Sequence[Kept]) -> dict[str, Any] | None:
    """One test image as the viewer has it: clean, degraded and every restoration; None where it cannot be shown.

    A file that is no image, or of another size than the clean one, is left out, and said.
    """
    first = group[0]
    record = first.record
    known = quantity(record.metric)
    shown, _ = points(group)
    versions = [
        (CLEAN, "clean", first),
        (INPUT, "degraded", first),
        *((method, label, each) for label, method, each in shown),
    ]
    images: list[dict[str, Any]] = []
    size: tuple[int, int] | None = None
    for method, label, each in versions:
        file = each.folder / f"{file_name(method)}.png"
        try:
            address, found = encoded(file)
        except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            log.warning(f"left out    {file} of the page: {error}")
            continue
        if size is not None and size != found:
            log.warning(
                f"left out    {file} of the page: it is of {found[0]}×{found[1]} pixels, not {size[0]}×{size[1]}"
            )
            continue
        size = found
        value = each.record.values.get(method)
        caption = known.caption(value) if isinstance(value, int | float) else ""
        images.append({"name": label, "value": caption, "image": address})
    if size is None or len(images) < 2 or images[0]["name"] != "clean":
        return None
    place = {"dataset": record.dataset, "setting": record.setting, "image": record.image, "protocol": record.protocol}
    return place | {"width": size[0], "height": size[1], "box": list(record.box), "versions": images}


def encoded(file: Path) -> tuple[str, tuple[int, int]]:
    """An image file as a data address, written anew without loss, and its width and height.

    Raises:
        ValueError: it is no regular file, or larger than a page shows.
    """
    check_regular(file)
    if file.stat().st_size > MOST_FILE_BYTES:
        raise ValueError("the file is too large for a page")
    with Image.open(file, formats=["PNG"]) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width}×{image.height} pixels are more than a page shows")
        pixels = image.convert("L" if image.mode in ("1", "L") else "RGB")
    buffer = io.BytesIO()
    pixels.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(), pixels.size

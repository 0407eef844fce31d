"""Crops of test images, kept while a network and the methods beside it are tested, for figures of several methods."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from restore import atomic
from restore.data.datasets import Images
from restore.errors import RequestError, unknown_name
from restore.evaluation.baselines import BASELINES
from restore.evaluation.score import Restoration, same_fingerprint
from restore.image import to_levels
from restore.runfolder import RunFolder, read_json, write_json

log = logging.getLogger("restore")

RECORD = "crops.json"  # beside the crops of one image: what they are of, and their values
INPUT, CLEAN = "input", "clean"
AUTHORS = " (authors)"  # after the name of a network that is filled from its authors' file
SIDES = (48, 120)  # pixels: the least and the most of a crop whose region is not given

Place = tuple[str, str, str]  # set, setting and image
Box = tuple[int, int, int, int]  # top, left, height and width


@dataclass(frozen=True)
class Sheet:
    """A test image of a paper's figure: one entry of ``sheets``.

    Attributes:
        figure: of the paper; it names the file, and the images of one figure are rows of one picture.
        dataset, setting, image: as in the tables: ``set12``, ``sigma=50``, ``07``; of an image the beginning is enough,
            so that ``butterfly`` is ``butterfly_GT`` where the set's files are called so.
        region: top, left and side of a square in pixels, ``whole`` for the whole image, or None for the square with
            most detail in the clean image.
        residual: whether what each method took away, ``degraded − restored``, is kept too, normalised to [0, 1].
        grid: rows and columns of the regions that one image has (DnCNN, Fig. 12), told apart by white lines.
    """

    figure: str
    dataset: str
    setting: str
    image: str
    region: tuple[int, int, int] | str | None = None
    residual: bool = False
    grid: tuple[int, int] | None = None

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Sheet:
        """An entry as it stands in a configuration.

        Raises:
            RequestError: a key is missing, unknown, or has a value of another form.
        """
        for key in entry:
            if key not in cls.__dataclass_fields__:
                raise unknown_name("key of sheets", str(key), cls.__dataclass_fields__)
        for key in ("figure", "dataset", "setting", "image"):
            if entry.get(key) in (None, "") or isinstance(entry[key], list | dict):
                raise RequestError(f"sheets is a list of {{figure, dataset, setting, image}}, and {entry} lacks {key}")
        region, grid = entry.get("region"), entry.get("grid")
        if region not in (None, "whole") and not (_numbers(region, 3) and region[2] > 0):
            raise RequestError(f"region of sheets is [top, left, side] in pixels or whole, and it is {region!r}")
        if not isinstance(entry.get("residual", False), bool):
            raise RequestError(f"residual of sheets is true or false, and it is {entry['residual']!r}")
        if grid is not None and not (_numbers(grid, 2) and min(grid) > 0 and region == "whole"):
            raise RequestError(f"grid of sheets is [rows, columns] of a region that is whole, and it is {grid!r}")
        names = {key: str(entry[key]) for key in ("figure", "dataset", "setting", "image")}
        square = tuple(region) if isinstance(region, list) else region
        return cls(**names, region=square, residual=entry.get("residual", False), grid=tuple(grid) if grid else None)

    @property
    def place(self) -> Place:
        return self.dataset, self.setting, self.image

    def box(self, clean: Tensor) -> Box:
        """The region of a clean image ``(1, C, H, W)``; one that reaches over its edge slides inside."""
        height, width = clean.shape[-2:]
        if self.region == "whole":
            return 0, 0, height, width
        if self.region is None:
            top, left, side = detailed_square(clean, min(max(SIDES[0], min(height, width) // 3), SIDES[1]), blur=5)
        else:
            top, left, side = self.region
        side = min(side, height, width)
        return min(top, height - side), min(left, width - side), side, side


@dataclass
class Record:
    """What the crops of one test image are of.

    Attributes:
        protocol: by which the pair was made and scored; the first of several.
        fingerprint: of the test pair, so that two methods stand side by side only where they restored the same.
        metric: the label of the values; the first of several.
        values: of the whole image, by method; the clean image has none.
    """

    figure: str
    dataset: str
    setting: str
    image: str
    protocol: str
    fingerprint: str
    metric: str
    box: Box
    residual: bool = False
    grid: tuple[int, int] | None = None
    values: dict[str, float | None] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Record | None:
        """The record of a folder of crops; None where there is none, or it is damaged, which is said."""
        try:
            content = read_json(folder / RECORD)
            return cls(**{**content, "box": tuple(content["box"])}) if content else None
        except (ValueError, TypeError, KeyError) as error:
            log.warning(f"{folder / RECORD} is damaged ({error}): its crops are left out until they are tested again")
            return None

    def same_pair(self, other: Record) -> bool:
        """Whether the crops of both belong into one row: the same pair, region, protocol, metric and parts."""
        mine, theirs = (
            (each.dataset, each.setting, each.image, each.protocol, each.metric, each.box, each.residual)
            for each in (self, other)
        )
        return mine == theirs and same_fingerprint(self.fingerprint, other.fingerprint)


class Crops:
    """Writes the crops that ``sheets`` asks for to ``crops/<set>/<setting>/<image>/<method>.png``, as they are tested.

    Beside them lies ``crops.json`` with each method's value and the region. The region depends on the clean image
    alone, so that all methods show the same pixels. Of several protocols the first is shown. Crops of an earlier test
    stay where they are of the same pair, so that methods that are scored one after the other come together.

    Args:
        folder: of the run, or of the results file.
        entries: of the configuration's ``sheets``.
        tests: what is tested.

    Raises:
        RequestError: an entry is malformed, or an image stands twice.
    """

    def __init__(self, folder: Path, entries: Sequence[Mapping[str, Any]], tests: Sequence[Images]):
        self.folder = RunFolder(folder).crops
        self.sheets: dict[Place, Sheet] = {}
        self.kept: set[tuple[Place, str]] = set()
        images = {each.name: each.names for each in tests}
        for sheet in map(Sheet.read, entries):
            names = images.get(sheet.dataset, [sheet.image])
            name = image_of(sheet.image, names)
            if name is None:
                log.warning(
                    f"no sheet    {sheet.figure}: {unknown_name(f'image of {sheet.dataset}', sheet.image, names)}"
                )
            sheet = replace(sheet, image=name or sheet.image)
            if sheet.place in self.sheets:
                raise RequestError(f"sheets names {' '.join(sheet.place)} twice")
            self.sheets[sheet.place] = sheet

    def keep(self, method: str, restoration: Restoration) -> None:
        """Write a method's crop, where a sheet asks for one and the image was scored."""
        if not restoration.scores:
            return
        score = restoration.scores[0]
        place = (score.dataset, score.setting, score.image)
        if place not in self.sheets or (place, method) in self.kept:
            return
        self.kept.add((place, method))
        sheet, pair, restored = self.sheets[place], restoration.pair, restoration.restored
        protocol = score.protocol.partition("×")[0]  # how many orientations a network's ensemble has is its own matter
        record = Record(
            *(sheet.figure, *place, protocol, score.fingerprint, score.metric, sheet.box(pair.clean.cpu())),
            *(sheet.residual, sheet.grid, {INPUT: score.value_input, CLEAN: None}),
        )
        folder = self._at(place)
        earlier = Record.read(folder)
        if earlier is None or not earlier.same_pair(record):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            record.values |= {name: value for name, value in earlier.values.items() if name not in record.values}
        folder.mkdir(parents=True, exist_ok=True)
        images = {INPUT: pair.degraded, CLEAN: pair.clean}
        if is_compared(method) or not torch.equal(to_levels(restored), to_levels(pair.degraded)):  # no identity
            record.values[method] = score.value
            images |= {method: restored} | (
                {residual_of(method): normalised_residual(restoration)} if sheet.residual else {}
            )
        for name, image in images.items():
            with atomic.replacing(folder / f"{file_name(name)}.png") as partial:
                Image.fromarray(pixels(_cut(image, record.box))).save(partial, "PNG", optimize=True)
        write_json(folder / RECORD, asdict(record))

    @property
    def missing(self) -> list[str]:
        """A line for each entry whose image was not tested in its setting, by this process or another."""
        missing = {place: sheet for place, sheet in self.sheets.items() if not (self._at(place) / RECORD).is_file()}
        return [f"{sheet.figure}: {' '.join(place)}" for place, sheet in missing.items()]

    def _at(self, place: Place) -> Path:
        return self.folder.joinpath(*map(file_name, place))


def is_compared(method: str) -> bool:
    """Whether a method's crops are the same whichever job they were made beside: no network that was trained."""
    return method in BASELINES or method.endswith(AUTHORS)


def image_of(image: str, names: Sequence[str]) -> str | None:
    """The name that an image has in a set: its own, or the only one that begins so; None where there is none.

    Example:
        >>> image_of("butterfly", ["bird_GT", "butterfly_GT"])
        'butterfly_GT'
    """
    longer = [name for name in names if name.lower().startswith(image.lower())]
    return image if image in names else longer[0] if len(longer) == 1 else None


def normalised_residual(restoration: Restoration) -> Tensor:
    """What a method took away, ``degraded − restored``, shifted and stretched to [0, 1] over the whole image.

    DnCNN (Fig. 12) shows its residual so.
    """
    residual = restoration.pair.degraded - restoration.restored
    low, high = residual.aminmax()
    return (residual - low) / (high - low).clamp(min=1e-12)


def detailed_square(clean: Tensor, side: int, shown: float = 1.0, blur: int = 1) -> tuple[int, int, int]:
    """Top, left and side of the square with most detail in an image ``(1, C, H, W)``: the mean absolute Laplacian.

    Args:
        side: in pixels; less where the image is smaller.
        shown: the lower right corner from this share of height and width on is covered: a square there is not taken.
        blur: side of the mean filter before, in pixels and odd: above 1, edges count and grain does not.
    """
    gray = clean.mean(dim=1).cpu()  # (1, H, W)
    gray = functional.avg_pool2d(functional.pad(gray, (blur // 2,) * 4, mode="reflect"), blur, stride=1)[0]
    side = min(side, *gray.shape)
    laplacian = 4 * gray[1:-1, 1:-1] - gray[:-2, 1:-1] - gray[2:, 1:-1] - gray[1:-1, :-2] - gray[1:-1, 2:]
    detail = functional.pad(laplacian.abs(), (1, 1, 1, 1))
    step = max(1, side // 4)
    windows = detail.unfold(0, side, step).unfold(1, side, step)  # (rows, columns, side, side)
    energy = windows.clamp(max=0.2 / blur).mean(dim=(2, 3))  # clamped: texture rather than one hard edge
    rows, columns = (torch.arange(count) * step + side for count in energy.shape)
    hidden = (rows[:, None] > shown * gray.shape[0]) & (columns > shown * gray.shape[1])
    if not hidden.all():
        energy = energy.masked_fill(hidden, -1)
    row, column = divmod(int(energy.flatten().argmax()), energy.shape[1])
    return row * step, column * step, side


def pixels(image: Tensor) -> np.ndarray:
    """An image ``(1, C, H, W)`` as uint8 ``(H, W)`` or ``(H, W, 3)``."""
    levels = to_levels(image[0].cpu())
    return levels[0].numpy() if levels.shape[0] == 1 else levels.permute(1, 2, 0).numpy()


def residual_of(method: str) -> str:
    """The name under which a method's residual is kept."""
    return f"{method}.residual"


def file_name(name: str) -> str:
    """A set, setting, image, method or figure as a file is called."""
    return re.sub(r"[^\w.,=+-]+", "_", name)


def _cut(image: Tensor, box: Box) -> Tensor:
    top, left, height, width = box
    return image[..., top : top + height, left : left + width]


def _numbers(value: Any, count: int) -> bool:
    whole = isinstance(value, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in value)
    return whole and len(value) == count and min(value) >= 0

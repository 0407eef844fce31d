"""The papers' numbers, to stand beside ours."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from restore.released import released

TABLE = Path(__file__).parent / "published.csv"
METHODS = {  # of models whose papers have no short name for them
    "gopro_red_plain": "without skip connections",
    "gopro_red_pool": "max pooling and up-sampling",
    "gopro_red": "with skip connections",
}
AUTHORS = "authors"  # in place of a table's number: what a method's authors print of it themselves
STAND_INS = {
    "fourteen": "set12",  # RED-Net's fourteen images are shown, not named
    "cbsd68": "bsd68",  # its originals, in colour
}
COLOUR_SETS = ("gopro", "cbsd68")
ANY_SET = {  # not stated, or of pairs that few machines hold: any set may stand in, and is named
    "unstated": "a set that is not stated",
    "gopro": "GOPRO",
}
SET12 = (
    *("cameraman", "house", "peppers", "starfish", "monarch", "airplane", "parrot", "lena", "barbara", "boat", "man"),
    "couple",
)

Row = Mapping[str, str]


@lru_cache(maxsize=1)
def published() -> tuple[Row, ...]:
    """Every value that the papers print: paper, table, task, dataset, setting, method, metric, value.

    What the authors of a compared method print of it themselves is their own paper's table ``authors``.
    The GOPRO study's PSNRs do not follow from its MSEs (it prints -4.74, -1.19, 14, -0.17, 15 and 0.84 dB): its rows
    have the MSE as printed and, as ``psnr_of_mse``, ``10 log10(1 / MSE)``. RED-Net's Fig. 7 ends at four values; which
    network has which, and the noise level, are not in its text.
    """
    with TABLE.open(newline="") as file:
        return tuple(csv.DictReader(file))


def find(
    task: str, dataset: str, setting: str, method: str, channels: int = 1, metrics: Sequence[str] = ("psnr", "ssim")
) -> list[Row]:
    """The published rows of a method on a set; a model's name stands for its method (dncnn_s for DnCNN-S).

    For a blind task the rows printed for it come first; where there are none, those of the plain task
    (DnCNN-B, which is blind, stands in tables of plain denoising). RED-Net deblurs and inpaints RGB, the GOPRO study
    and CBSD68 are in colour, and all else is gray or luma; other `channels` have no published number. Sets that a paper does not
    name are those that stand in for them here (`stands_for`).

    Example:
        >>> [row["value"] for row in find("denoise", "bsd68", "sigma=25", "dncnn_s", metrics=["psnr"])]
        ['29.23']
    """
    name = _plain(METHODS.get(method, method))
    rows = [row for row in printed_for(task, dataset, setting, channels) if _plain(row["method"]) == name]
    exact = [row for row in rows if row["task"] == task]
    return [row for row in exact or rows if row["metric"] in metrics]


def method_of(row: Row) -> str:
    """What the method of a row of ``results.csv`` is called in the papers' tables: an authors' file by the list's method.

    In a setting that a file was not trained for it has its own name: what is printed there is of another file.

    Example:
        >>> row = {"method_kind": "released", "run": "tnrd_sr_3", "model": "tnrd_sr", "channels": "1"}
        >>> method_of(row | {"setting": "scale=3"}), method_of(row | {"setting": "scale=2"})
        ('TNRD', 'tnrd_sr_3')
    """
    if row["method_kind"] == "released":
        file = next((each for each in released() if each.name == row["run"]), None)
        if file and not file.fits(row["setting"], int(row["channels"])):
            return file.name
        return file.method if file else row["model"]
    return row["model"]


def printed_for(task: str, dataset: str, setting: str, channels: int = 1) -> list[Row]:
    """What the papers print of all methods for a set and setting, for the task or, where it is blind, the plain one."""
    return [
        row
        for row in published()
        if row["setting"] == setting
        and row["task"] in printed_tasks(task)
        and stands_for(dataset, row["dataset"])
        and channels == channels_of(row)
    ]


def printed_tasks(task: str) -> set[str]:
    """The tasks under which the papers print what a network of a task of ours may stand beside."""
    if task == "general":
        return {"denoise", "sr", "jpeg"}
    return {task, "inpaint" if task.startswith("inpaint") else task.removesuffix("_blind")}


def stands_for(dataset: str, printed: str) -> bool:
    """Whether a set's scores may stand beside those that a paper prints for a set.

    Where the paper does not say what it tested, and for GOPRO, any set may; tables say which one it was.
    """
    return dataset == printed or printed in ANY_SET or STAND_INS.get(printed) == dataset


def channels_of(row: Row) -> int:
    """1 for gray and luma, 3 for colour."""
    return 3 if row["dataset"] in COLOUR_SETS or row["task"].startswith(("deblur", "inpaint")) else 1


def of_image(row: Row) -> tuple[str, str]:
    """The set of a row, and the image that it is about: empty where it is the set's mean.

    Example:
        >>> of_image({"dataset": "set12/house"})
        ('set12', 'house')
    """
    dataset, _, image = row["dataset"].partition("/")
    return dataset, image


def image_name(dataset: str, image: str) -> str:
    """What a paper calls an image of ours: Set12's files are numbered in the order of DnCNN's Table III.

    Example:
        >>> image_name("set12", "02")
        'house'
    """
    if dataset == "set12" and image.isdecimal() and 1 <= int(image) <= len(SET12):
        return SET12[int(image) - 1]
    return image


def cell(rows: Sequence[Row], metrics: Sequence[str], dataset: str = "") -> str:
    """Published rows as a table has them, a paper's numbers together: ``33.82 / 0.9230 (red 4)``.

    Args:
        metrics: in their order; – for what a paper leaves out before one that it prints.
        dataset: that was tested: where the paper's was another, its name stands behind the table's.

    Example:
        >>> cell(find("sr", "set5", "scale=3", "red30"), ["psnr", "ssim"])
        '33.82 / 0.9230 (red 4); 33.82 / 0.9230 (red 7)'
    """
    places: dict[tuple, dict[str, str]] = {}
    for row in rows:
        place = tuple(value for column, value in row.items() if column not in ("metric", "value"))
        places.setdefault(place, {})[row["metric"]] = row["value"]
    cells = []
    for (paper, table, _, printed_set, *_), values in places.items():
        elsewhere = f", on {set_title(printed_set)}" if dataset and printed_set != dataset else ""
        printed = joined(values, metrics)
        cells += [f"{printed} ({paper} {table}{elsewhere})"] if printed else []
    return "; ".join(cells) or "–"


def joined(values: Mapping[str, str], metrics: Sequence[str]) -> str:
    """Values by metric in one cell, ``33.82 / 0.9230``; empty where there is none of them."""
    printed = [values.get(metric, "–") for metric in metrics]
    while printed and printed[-1] == "–":
        printed.pop()
    return " / ".join(printed)


def set_title(dataset: str) -> str:
    """A set as a table names it."""
    return {"fourteen": "fourteen images that are not named", **ANY_SET}.get(dataset, dataset)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())

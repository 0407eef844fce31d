"""The papers' numbers, to stand beside ours."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).parent / "published.csv"


@lru_cache(maxsize=1)
def published() -> tuple[dict[str, str], ...]:
    """Every PSNR and SSIM that the papers print: paper, table, task, dataset, setting, method, metric, value."""
    with TABLE.open(newline="") as file:
        return tuple(csv.DictReader(file))


def find(
    task: str, dataset: str, setting: str, method: str, channels: int = 1, metrics: Sequence[str] = ("psnr", "ssim")
) -> list[dict[str, str]]:
    """The published rows of a method on a set; a model's name stands for its method (dncnn_s for DnCNN-S).

    For a blind task the rows printed for it come first; where there are none, those of the plain task
    (DnCNN-B, which is blind, stands in tables of plain denoising). The papers deblur and inpaint RGB and
    do all else in gray or on luma; other `channels` have no published number, nor have sets they do not name.

    Example:
        >>> [row["value"] for row in find("denoise", "bsd68", "sigma=25", "dncnn_s", metrics=["psnr"])]
        ['29.23']
    """
    if channels != (3 if task.startswith(("deblur", "inpaint")) else 1):
        return []
    place = (dataset, setting, _plain(method))
    rows = [row for row in published() if (row["dataset"], row["setting"], _plain(row["method"])) == place]
    exact = [row for row in rows if row["task"] == task]
    plain = "inpaint" if task.startswith("inpaint") else task.removesuffix("_blind")
    printed = exact or [row for row in rows if row["task"] == plain or task == "general"]
    return [row for row in printed if row["metric"] in metrics]


def cell(rows: Sequence[dict[str, str]], metrics: Sequence[str]) -> str:
    """Published rows as a table has them, a paper's numbers together: ``33.82 / 0.9230 (red 4)``.

    Args:
        metrics: in their order; – for what a paper leaves out before one that it prints.

    Example:
        >>> cell(find("sr", "set5", "scale=3", "red30"), ["psnr", "ssim"])
        '33.82 / 0.9230 (red 4); 33.82 / 0.9230 (red 7)'
    """
    places: dict[tuple, dict[str, str]] = {}
    for row in rows:
        place = tuple(value for column, value in row.items() if column not in ("metric", "value"))
        places.setdefault(place, {})[row["metric"]] = row["value"]
    cells = []
    for (paper, table, *_), values in places.items():
        printed = [values.get(metric, "–") for metric in metrics]
        while printed and printed[-1] == "–":
            printed.pop()
        cells += [f"{' / '.join(printed)} ({paper} {table})"] if printed else []
    return "; ".join(cells) or "–"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())

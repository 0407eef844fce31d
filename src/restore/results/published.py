"""The papers' numbers, to stand beside ours."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).parent / "published.csv"


@lru_cache(maxsize=1)
def published() -> tuple[dict, ...]:
    """Every PSNR and SSIM that the two papers print: paper, table, task, dataset, setting, method, psnr_db, ssim."""
    with TABLE.open(newline="") as file:
        return tuple(csv.DictReader(file))


def find(task: str, dataset: str, setting: str, method: str, channels: int = 1) -> list[dict]:
    """The published rows of a method on a set; a model's name stands for its method (dncnn_s for DnCNN-S).

    For a blind task the rows printed for it come first; where there are none, those of the plain task
    (DnCNN-B, which is blind, stands in tables of plain denoising). The papers deblur and inpaint RGB and
    do all else in gray or on luma; other `channels` have no published number, nor have sets they do not name.

    Example:
        >>> [row["psnr_db"] for row in find("denoise", "bsd68", "sigma=25", "dncnn_s")]
        ['29.23']
    """
    if channels != (3 if task.startswith(("deblur", "inpaint")) else 1):
        return []
    wanted = (dataset, setting, _plain(method))
    rows = [row for row in published() if (row["dataset"], row["setting"], _plain(row["method"])) == wanted]
    exact = [row for row in rows if row["task"] == task]
    plain = "inpaint" if task.startswith("inpaint") else task.removesuffix("_blind")
    return exact or [row for row in rows if row["task"] == plain or task == "general"]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())

"""A sweep as a table and as curves, its seeds taken together."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import numpy as np

from restore.results.figures import pyplot
from restore.results.statistics import mean_and_deviation, paired_difference
from restore.results.table import markdown


def without_seed(run: str) -> str:
    """A job's name less its seed: what its seeds have in common.

    Example:
        >>> without_seed("model.skip_step=2,seed=1")
        'model.skip_step=2'
    """
    return re.sub(r"(^|,)seed=\d+", "", run).strip(",") or "all"


def grid_table(rows: Sequence[dict]) -> str:
    """A table for each set, setting and protocol: the grid's points, seeds, PSNR and the difference from the first.

    Args:
        rows: of a sweep's ``results.csv``; classical methods, which no sweep changes, are left out.
    """
    parts = []
    places = dict.fromkeys((r["dataset"], r["setting"], r["protocol"]) for r in rows if r["checkpoint_sha256"])
    for place in places:
        points: dict[str, dict[str, dict[str, float]]] = {}  # point, run, image: PSNR
        for row in rows:
            if (row["dataset"], row["setting"], row["protocol"]) == place and row["checkpoint_sha256"]:
                runs = points.setdefault(without_seed(row["run"]), {})
                runs.setdefault(row["run"], {})[row["image"]] = row["psnr"]
        lines, first = [], None
        for point, runs in points.items():
            average, deviation = mean_and_deviation([sum(run.values()) / len(run) for run in runs.values()])
            images = {image: [run[image] for run in runs.values()] for image in next(iter(runs.values()))}
            difference = "–" if first is None else str(paired_difference(first, images))
            first = first or images
            spread = "" if isnan(deviation) else f" ± {deviation:.3f}"
            lines.append([point, str(len(runs)), f"{average:.3f}{spread}", difference])
        title = f"{place[0]} {place[1]}, protocol {place[2]}: PSNR in dB; difference from the first line, 95 % interval"
        parts += [title, markdown(("setting", "seeds", "PSNR", "difference"), lines)]
    return "\n\n".join(parts)


@dataclass(frozen=True)
class Curve:
    """Validation PSNR over the patches a job was trained on."""

    point: str
    patches: tuple[float, ...]
    psnr: tuple[float, ...]

    @classmethod
    def read(cls, job: Path) -> Curve:
        with (job / "history.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        columns = (tuple(float(row[key]) for row in rows) for key in ("patches", "val/psnr"))
        return cls(without_seed(job.name), *columns)


def draw(curves: Sequence[Curve], title: str, path: Path) -> None:
    """The papers' ablation figure: validation PSNR over training, a line a setting, its seeds' range shaded."""
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(6.8, 4.2), layout="constrained")
    for number, point in enumerate(dict.fromkeys(curve.point for curve in curves)):
        seeds = [curve for curve in curves if curve.point == point]
        end = min(curve.patches[-1] for curve in seeds)
        grid = np.linspace(max(curve.patches[0] for curve in seeds), end, 60)
        values = np.array([np.interp(grid, curve.patches, curve.psnr) for curve in seeds])
        colour = f"C{number % 10}"
        axis.plot(grid / 1000, values.mean(axis=0), color=colour, label=f"{point}: {values[:, -1].mean():.2f} dB")
        if len(seeds) > 1:
            axis.fill_between(grid / 1000, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    axis.set(xlabel="thousand patches", ylabel="validation PSNR / dB", title=title)
    axis.title.set_fontsize(10)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)

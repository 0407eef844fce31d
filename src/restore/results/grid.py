"""A sweep as a table and as curves, its seeds taken together."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from statistics import fmean

import numpy as np

from restore.results.figures import pyplot
from restore.results.statistics import mean_and_deviation, paired_difference
from restore.results.tables import markdown


def without_seed(run: str) -> str:
    """A job's name less its seed: what its seeds have in common.

    Example:
        >>> without_seed("model.skip_step=2,seed=1")
        'model.skip_step=2'
    """
    return re.sub(r"(^|,)seed=\d+", "", run).strip(",") or "all"


def short(job: str) -> str:
    """A job's name with the last part of each of its keys.

    Example:
        >>> short("model.skip_step=2,data.patch_size=50,seed=0")
        'skip_step=2,patch_size=50,seed=0'
    """
    return re.sub(r"(^|,)[\w/@]+[.](?=[\w.]+=)", r"\1", job)


def grid_table(rows: Sequence[dict]) -> str:
    """A table for each set, setting and protocol: the grid's points, seeds, PSNR and the difference from the first.

    Args:
        rows: of a sweep's ``results.csv``; classical methods, which no sweep changes, are left out.
    """
    parts = []
    for place, points in places(rows).items():
        lines, first = [], None
        for point, images in points.items():
            seeds = [fmean(values) for values in zip(*images.values(), strict=True)]
            average, deviation = mean_and_deviation(seeds)
            difference = "–" if first is None else str(paired_difference(first, images))
            first = first or images
            spread = "" if isnan(deviation) else f" ± {deviation:.3f}"
            lines.append([point, str(len(seeds)), f"{average:.3f}{spread}", difference])
        title = f"{place[0]} {place[1]}, protocol {place[2]}: PSNR in dB; difference from the first line, 95 % interval"
        parts += [title, markdown(("setting", "seeds", "PSNR", "difference"), lines)]
    return "\n\n".join(parts)


def places(rows: Sequence[dict]) -> dict[tuple[str, str, str], dict[str, dict[str, list[float]]]]:
    """By set, setting and protocol: each point of the grid with its images' PSNR, one for every seed."""
    found: dict[tuple, dict[str, dict[str, list[float]]]] = {}
    for row in rows:
        if row["checkpoint_sha256"]:
            points = found.setdefault((row["dataset"], row["setting"], row["protocol"]), {})
            points.setdefault(without_seed(row["run"]), {}).setdefault(row["image"], []).append(row["psnr"])
    return found


def verdicts(rows: Sequence[dict], claims: Sequence[dict[str, str]]) -> str:
    """What became of a paper's conclusions: ``holds``, ``contradicted`` or ``not distinguishable``, a line each.

    Args:
        claims: `says` in words, and the two points of the grid it is about, `better` and `worse`; those whose
            points were not run are left out.
    """
    lines = []
    for (dataset, setting, _), points in places(rows).items():
        for claim in claims:
            if claim["better"] in points and claim["worse"] in points:
                gain = paired_difference(points[claim["worse"]], points[claim["better"]])
                verdict = "holds" if gain.low > 0 else "contradicted" if gain.high < 0 else "not distinguishable"
                lines.append([claim["says"], verdict, f"{gain.mean:+.2f} dB [{gain.low:+.2f}, {gain.high:+.2f}]"])
        if lines:
            return markdown((f"the paper says ({dataset} {setting})", "here", "difference, 95 %"), lines)
    return ""


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
    points = list(dict.fromkeys(curve.point for curve in curves))
    below = len(points) > 5  # the legend, where it would hide curves
    columns = 2 if max(map(len, points), default=0) < 40 else 1
    size = (6.8, 4.2 + (0.17 * len(points) / columns if below else 0))
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    for number, point in enumerate(points):
        seeds = [curve for curve in curves if curve.point == point]
        end = min(curve.patches[-1] for curve in seeds)
        grid = np.linspace(max(curve.patches[0] for curve in seeds), end, 60)
        values = np.array([np.interp(grid, curve.patches, curve.psnr) for curve in seeds])
        colour = f"C{number % 10}"
        label = f"{short(point)}: {values[:, -1].mean():.2f} dB"
        axis.plot(grid / 1000, values.mean(axis=0), color=colour, label=label)
        if len(seeds) > 1:
            axis.fill_between(grid / 1000, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    axis.set(xlabel="thousand patches", ylabel="validation PSNR / dB", title=title)
    axis.title.set_fontsize(10)
    axis.grid(alpha=0.3)
    if below:
        figure.legend(loc="outside lower center", fontsize=7, ncols=columns)
    else:
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)

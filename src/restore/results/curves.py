"""Validated metrics over training: of one run, and of the jobs of a sweep."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restore.results.grid import short, without_seed
from restore.results.pyplot import pyplot
from restore.results.quantities import quantity


def read_history(history: Path) -> dict[str, list[float]]:
    """The columns of a ``history.csv``, none where there is no such file; nan where a cell is empty."""
    if not history.is_file():
        return {}
    with history.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [float(row[column] or "nan") for row in rows] for column in (rows[0] if rows else ())}


def validated_metrics(history: Path) -> list[str]:
    """Labels of the metrics that a ``history.csv`` has, the one that chose the best checkpoint first."""
    return [column.removeprefix("val/") for column in read_history(history) if column.startswith("val/")]


def metric_over_training(
    history: Path, metric: str, title: str, path: Path, levels: dict[str, float] | None = None
) -> None:
    """A validated metric against training seconds, with the patches seen along the top.

    Args:
        history: ``history.csv`` of a run folder, with the column ``val/<metric>``.
        levels: horizontal lines to compare with, by label, on the same validation images.
    """
    plt = pyplot()
    known, columns = quantity(metric), read_history(history)
    seconds, values, patches = (columns[key] for key in ("seconds", f"val/{metric}", "patches"))
    figure, axis = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    axis.plot(seconds, values, marker="o", markersize=3, color="#1b6ca8")
    end = known.with_unit(values[-1])
    axis.annotate(end, (seconds[-1], values[-1]), textcoords="offset points", xytext=(-4, -14), ha="right")
    for label, level in (levels or {}).items():
        axis.axhline(level, color="#888", linewidth=1, linestyle="--")
        axis.text(seconds[-1], level, f"{label} {known.text(level)}", ha="right", va="bottom", fontsize=8, color="#555")
    axis.set(xlabel="training time / s", ylabel=f"validation {known.axis}", title=title)
    axis.title.set_fontsize(10)
    axis.grid(alpha=0.3)
    if seconds[-1] > 0 and len(seconds) > 1:
        rate = patches[-1] / seconds[-1] / 1000
        top = axis.secondary_xaxis("top", functions=(lambda s: s * rate, lambda p: p / rate))
        top.set_xlabel("thousand patches", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


@dataclass(frozen=True)
class Curve:
    """A validated metric over the patches a job was trained on."""

    point: str
    patches: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def read(cls, job: Path, metric: str) -> Curve | None:
        """The curve of a job's folder; None where the metric was not validated."""
        columns = read_history(job / "history.csv")
        if f"val/{metric}" not in columns:
            return None
        return cls(without_seed(job.name), *(tuple(columns[key]) for key in ("patches", f"val/{metric}")))


def draw_curves(curves: Sequence[Curve], metric: str, title: str, path: Path) -> None:
    """The papers' ablation figure: a validated metric over training, a line a setting, its seeds' range shaded."""
    plt = pyplot()
    known = quantity(metric)
    points = list(dict.fromkeys(curve.point for curve in curves))
    below = len(points) > 5  # the legend, where it would hide curves
    columns = 2 if max(map(len, points), default=0) < 40 else 1
    size = (6.8, 4.2 + (0.17 * len(points) / columns if below else 0))
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    for number, point in enumerate(points):
        seeds = [curve for curve in curves if curve.point == point]
        end = min(curve.patches[-1] for curve in seeds)
        grid = np.linspace(max(curve.patches[0] for curve in seeds), end, 60)
        values = np.array([np.interp(grid, curve.patches, curve.values) for curve in seeds])
        colour = f"C{number % 10}"
        label = f"{short(point)}: {known.with_unit(values[:, -1].mean())}"
        axis.plot(grid / 1000, values.mean(axis=0), color=colour, label=label)
        if len(seeds) > 1:
            axis.fill_between(grid / 1000, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    axis.set(xlabel="thousand patches", ylabel=f"validation {known.axis}", title=title)
    axis.title.set_fontsize(10)
    axis.grid(alpha=0.3)
    if below:
        figure.legend(loc="outside lower center", fontsize=7, ncols=columns)
    else:
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)

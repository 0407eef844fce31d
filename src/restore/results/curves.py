"""Columns of ``history.csv`` over training: of one run, and of the jobs of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite
from pathlib import Path

import numpy as np

from restore import atomic
from restore.results.grid import short, without_seed
from restore.results.histories import History, read_history
from restore.results.pyplot import pyplot
from restore.results.quantities import quantity

# Okabe and Ito's colours, which the colour-blind tell apart, without their yellow: then the same again, dashed
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
STYLES = ("-", "--", ":")
LOSS, FIRST_GRADIENT = "train/loss", "gradient/first"  # columns beside the metrics, which begin with val/


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
    with atomic.replacing(path) as partial:
        figure.savefig(partial, dpi=110, format="png")
    plt.close(figure)


@dataclass(frozen=True)
class Axis:
    """How a column of ``history.csv`` is drawn.

    Attributes:
        file: name of the picture, without suffix.
        text: a value as the legend has it.
    """

    label: str
    file: str
    text: Callable[[float], str]
    logarithmic: bool = False

    @classmethod
    def of(cls, column: str) -> Axis:
        """That of a validated metric is linear; the loss and the gradient's norm, which span decades, are not."""
        if column == LOSS:
            return cls("training loss", "training_loss", "{:.3g}".format, True)
        if column == FIRST_GRADIENT:
            return cls("gradient norm of the first layer", "gradient_norms", "{:.2g}".format, True)
        known = quantity(column.removeprefix("val/"))
        return cls(f"validation {known.axis}", known.name, known.with_unit)


@dataclass(frozen=True)
class Curve:
    """A column of a job's history over the patches that the job was trained on."""

    point: str
    patches: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, run: str, history: History, column: str) -> Curve | None:
        """The curve of a job by its name and history, without rows that have no value; None where nothing is left."""
        rows = zip(history.get("patches", ()), history.get(column, ()), strict=column in history)
        known = [(patches, value) for patches, value in rows if isfinite(value)]
        return cls(without_seed(run), *zip(*known, strict=True)) if known else None


def draw_history(histories: Mapping[str, History], metric: str, title: str, out: Path) -> list[Path]:
    """Draw the jobs of a sweep over training: a validated metric, the training loss, the first layer's gradient norm.

    Jobs whose history lacks a column are left out, and a picture for which no job has one is not drawn: ``psnr.png``
    (the metric's own name), ``training_loss.png`` (RED-Net, Fig. 6) and ``gradient_norms.png`` (its section 4.2).

    Args:
        histories: by the jobs' names.
    """
    files = []
    for column in (f"val/{metric}", LOSS, FIRST_GRADIENT):
        curves = [curve for run, history in histories.items() if (curve := Curve.of(run, history, column))]
        if curves:
            files.append(out / f"{Axis.of(column).file}.png")
            draw_curves(curves, column, title, files[-1])
    return files


def draw_curves(curves: Sequence[Curve], column: str, title: str, path: Path) -> None:
    """The papers' ablation figure: a column of the history over training, a line a setting, its seeds' range shaded."""
    plt = pyplot()
    known = Axis.of(column)
    points = list(dict.fromkeys(curve.point for curve in curves))
    below = len(points) > 4  # the legend, where it would hide curves
    columns = 2 if max(map(len, points), default=0) < 40 else 1
    size = (6.8, 4.2 + (0.17 * len(points) / columns if below else 0))
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    looks = [(colour, style) for style, colour in product(STYLES, COLOURS)]
    for number, point in enumerate(points):
        seeds = [curve for curve in curves if curve.point == point]
        start, end = max(curve.patches[0] for curve in seeds), min(curve.patches[-1] for curve in seeds)
        grid = np.unique([end, *(patches for curve in seeds for patches in curve.patches if start <= patches <= end)])
        values = np.array([np.interp(grid, curve.patches, curve.values) for curve in seeds])
        colour, style = looks[number % len(looks)]
        label = f"{short(point)}: {known.text(values[:, -1].mean())}"
        axis.plot(grid / 1000, values.mean(axis=0), color=colour, linestyle=style, label=label)
        if len(seeds) > 1:
            axis.fill_between(grid / 1000, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    axis.set(xlabel="thousand patches", ylabel=known.label, title=title)
    if known.logarithmic:
        axis.set_yscale("log")
    axis.title.set_fontsize(10)
    axis.grid(alpha=0.3, which="both")
    if below:
        figure.legend(loc="outside lower center", fontsize=7, ncols=columns)
    else:
        axis.legend(fontsize=8)
    with atomic.replacing(path) as partial:
        figure.savefig(partial, dpi=110, format="png")
    plt.close(figure)

"""The papers' figures from runs and records: each as SVG and PNG, one column wide, or a sentence that it was not run."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image

from restore import atomic
from restore.results.comparison import budget_in_words
from restore.results.curves import LOSS
from restore.results.figures import MAPS
from restore.results.grid import places, seed_means, without_seed
from restore.results.histories import History
from restore.results.panels import compose, write
from restore.results.paper_gain import draw_gain
from restore.results.printed_figures import PrintedFigure
from restore.results.published import method_of
from restore.results.quantities import quantity
from restore.results.records import Record, records_of
from restore.results.sheets import kept_in, row_of
from restore.results.statistics import mean_and_deviation
from restore.results.style import TEXT, drawing, look, save

WORDS = re.compile(r",(?=[\w./@]+=)")  # between the words of a job's name
START = 0.25  # share of the training whose values the axis need not hold: they begin far below
LEGEND = 56  # letters that stand side by side under a column


@dataclass(frozen=True)
class Drawn:
    """A figure that was asked for.

    Attributes:
        files: that were written; none where it was not run.
        sentence: what it is of, or how to get it.
    """

    figure: PrintedFigure
    files: tuple[Path, ...]
    sentence: str


def draw_figure(figure: PrintedFigure, records: Sequence[Record], out: Path) -> Drawn:
    """Draw a figure to ``<name>.svg`` and ``<name>.png``.

    Of several records of its experiment the one that was trained longest is drawn. One that kept no curves, or no
    crops, is drawn by what it reached on its test images, and the sentence says so.

    Args:
        records: whatever there is, of any experiments.
        out: the folder that the files go to.
    """
    found = records_of(figure.experiment, records)
    path = out / figure.name
    if figure.kind == "gain":
        files, sentence = draw_gain(records, path)
        return Drawn(figure, tuple(files), sentence or _not_run(figure))
    if figure.kind in ("maps", "sheet"):
        named = [each for each in records if each.folder.name == figure.record]
        for record in [*found, *named]:
            if picture := _picture(figure, record, path):
                return Drawn(figure, _with_svg(picture), f"{_of(record)}. From {record.folder}.")
    if not found:
        return Drawn(figure, (), _not_run(figure))
    record = found[0]
    column = LOSS if figure.kind == "loss" else f"val/{_leading(record)}"
    if figure.kind in ("curves", "loss") and any(column in history for history in record.histories.values()):
        files = draw_curves(record.histories, column, figure.panels, path)
        return Drawn(figure, tuple(files), f"{_of(record)}: {_curves_in_words(record)}. {_source(record)}.")
    files = draw_reached(record, path)
    lost = {"sheet": "recovered images", "maps": "feature maps"}.get(figure.kind, "curves")
    again = f"its {lost} were not kept, what it reached is drawn; they come by: {figure.command}"
    return Drawn(figure, tuple(files), f"{_of(record)}; {again}. {_source(record)}.")


def _not_run(figure: PrintedFigure) -> str:
    return f"not run: {figure.command}"


def _of(record: Record) -> str:
    """``Experiment red_width, budget cpu (reduced), recipe ours_ablation, 3,200 patches, 3 seeds``."""
    rows = [row for row in record.rows if row["method_kind"] != "classical"] or record.rows
    experiment = f"experiment {rows[0]['experiment']}, " if rows[0]["experiment"] else f"{method_of(rows[0])}, "
    seeds = {row["seed"] for row in rows if row["method_kind"] == "network"}
    count = f", {len(seeds)} seed{'s' if len(seeds) > 1 else ''}" if seeds else ""
    text = f"{experiment}{budget_in_words(rows[0])}{count}"
    return text[:1].upper() + text[1:]


def _source(record: Record) -> str:
    places = dict.fromkeys(f"{row['dataset']} {row['setting']}" for row in record.rows)
    return f"From {record.folder}, tested on {', '.join(list(places)[:3])}{' …' if len(places) > 3 else ''}"


def _curves_in_words(record: Record) -> str:
    seeds = {re.sub(r".*seed=(\d+).*", r"\1", run) for run in record.histories if "seed=" in run}
    return "mean over the seeds and, shaded, their range" if len(seeds) > 1 else "one seed"


def _leading(record: Record) -> str:
    return next((row["metric"] for row in record.rows), "psnr")


# -- what a grid's points are called ---------------------------------------------------------------


def labels_of(points: Sequence[str], apart: Sequence[str] = ()) -> dict[str, str]:
    """Names of a grid's points by what they differ in, less the keys that are `apart`.

    Example:
        >>> labels_of(["model.width=32,optim=a", "model.width=64,optim=a"])
        {'model.width=32,optim=a': 'width 32', 'model.width=64,optim=a': 'width 64'}
    """
    words = {point: [word for word in WORDS.split(point) if "=" in word] for point in points}
    common = set.intersection(*map(set, words.values())) if len(words) > 1 else set()
    labels = {}
    for point, own in words.items():
        shown = [word for word in own if word not in common and word.partition("=")[0] not in apart]
        labels[point] = ", ".join(map(_in_words, shown)) or point
    return labels


def _in_words(word: str) -> str:
    key, _, value = word.partition("=")
    name = key.rpartition(".")[2].replace("_", " ")
    if value in ("True", "False"):
        return name if value == "True" else f"no {name}"
    return value if key in ("model", "optim", "task") else f"{name} {value}"


def _panel_of(point: str, keys: Sequence[str]) -> str:
    words = dict(word.split("=", 1) for word in WORDS.split(point) if "=" in word)
    return "\n".join(_in_words(f"{key}={words[key]}") for key in keys if key in words)


# -- over training ---------------------------------------------------------------------------------


def draw_curves(histories: Mapping[str, History], column: str, keys: Sequence[str], path: Path) -> list[Path]:
    """A column of the history over iterations: a line a point of the grid, its seeds' range shaded, a panel by `keys`."""
    points: dict[str, list[History]] = {}
    for run, history in histories.items():
        if column in history:
            points.setdefault(without_seed(run), []).append(history)
    panels: dict[str, list[str]] = {}
    for point in points:
        panels.setdefault(_panel_of(point, keys), []).append(point)
    labels = labels_of(list(points), keys)
    order = list(dict.fromkeys(labels.values()))
    rows = -(-len(panels) // 2)
    columns = min(len(panels), 2)
    legend = max(1, min(3, len(order), LEGEND // (max(map(len, order)) + 8)))
    height = (1.95 if rows == 1 else 1.6 * rows) + 0.14 * -(-len(order) // legend) + 0.1 * len(keys)
    with drawing(height, rows, columns, sharex=True, sharey=True) as (figure, axes):
        for axis in axes.flat[len(panels) :]:
            axis.set_axis_off()
        for axis, (title, members) in zip(axes.flat, panels.items(), strict=False):
            axis.set_title(title)
            axis.grid(True)
            for point in members:
                _line(axis, points[point], column, look(order.index(labels[point])), labels[point])
        if column == LOSS:
            axes[0][0].set_yscale("log")
        else:
            axes[0][0].set_ylim(*_range(points.values(), column))
        label = "training loss" if column == LOSS else f"validation {quantity(column.removeprefix('val/')).axis}"
        for axis in axes[:, 0]:
            axis.set_ylabel(label)
        for axis in axes[-1]:
            axis.set_xlabel("iterations")
        handles = {
            label: line for axis in axes.flat for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=legend)
        return save(figure, path)


def _line(axis: Any, seeds: Sequence[History], column: str, style: Mapping[str, Any], label: str) -> None:
    curves = []
    for history in seeds:
        known = [(step, value) for step, value in zip(history["step"], history[column], strict=True) if isfinite(value)]
        if known:
            curves.append(tuple(zip(*known, strict=True)))
    if not curves:
        return
    start, end = max(steps[0] for steps, _ in curves), min(steps[-1] for steps, _ in curves)
    grid = np.unique([end, *(step for steps, _ in curves for step in steps if start <= step <= end)])
    values = np.array([np.interp(grid, steps, of_seed) for steps, of_seed in curves])
    axis.plot(grid, values.mean(axis=0), label=label, markevery=max(1, len(grid) // 6), **style)
    if len(curves) > 1:
        axis.fill_between(grid, values.min(axis=0), values.max(axis=0), color=style["color"], alpha=0.18, linewidth=0)


def _range(points: Any, column: str) -> tuple[float, float]:
    """Ends of the axis: the values after the start of the training, which begins far below."""
    late = []
    for seeds in points:
        at: dict[float, list[float]] = {}
        for history in seeds:
            for step, value in zip(history["step"], history[column], strict=True):
                if isfinite(value) and step >= START * max(history["step"]):
                    at.setdefault(step, []).append(value)
        late += map(fmean, at.values())
    low, high = min(late), max(late)
    margin = 0.05 * (high - low) or 0.1
    return low - margin, high + margin


# -- at the end ------------------------------------------------------------------------------------


def draw_reached(record: Record, path: Path) -> list[Path]:
    """What each point of a grid reached on its first set and setting: a dot a seed, their mean ± deviation."""
    place, points = next(iter(places(record.rows).items()))
    labels, known = labels_of(list(points)), quantity(_leading(record))
    with drawing(0.78 + 0.24 * len(points)) as (figure, ((axis,),)):
        for number, images in enumerate(points.values()):
            seeds = seed_means(images)
            average, deviation = mean_and_deviation(seeds)
            style = {key: value for key, value in look(0).items() if key == "color"}
            axis.plot(seeds, [number] * len(seeds), "o", markersize=2.5, color="#999999", zorder=2)
            spread = deviation if len(seeds) > 1 else 0
            axis.errorbar(average, number, xerr=spread, fmt="D", capsize=2.5, zorder=3, **style)
            axis.annotate(
                known.text(average), (average, number), xytext=(0, 4), textcoords="offset points", ha="center"
            )
        axis.set(yticks=range(len(points)), yticklabels=labels.values(), xlabel=f"test {known.axis}")
        figure.suptitle(f"{place[0]} {place[1]}, protocol {place[2]}", fontsize=TEXT)
        axis.set_ylim(len(points) - 0.5, -0.7)
        axis.margins(x=0.12)
        axis.grid(True, axis="x")
        return save(figure, path)


# -- pictures --------------------------------------------------------------------------------------


def _picture(figure: PrintedFigure, record: Record, path: Path) -> Path | None:
    """The sheet or the maps of a record, as PNG; None where it has none."""
    target = path.with_name(f"{path.name}.png")
    if figure.kind == "maps":
        kept = record.folder / MAPS
    else:
        folders = dict.fromkeys([record.folder, *(job.path for job in record.jobs)])
        crops: dict[tuple, list] = {}
        for each in (each for folder in folders for each in kept_in(folder)):
            if each.record.figure == figure.figure:
                place = (each.record.dataset, each.record.setting, each.record.image)
                crops.setdefault(place, []).append(each)
        if crops:
            path.parent.mkdir(parents=True, exist_ok=True)
            return write(partial(compose, [row_of(each) for each in crops.values()], figure.title), target)
        kept = record.folder / f"sheet_{figure.figure}.png"
    if not kept.is_file():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(target, kept.read_bytes())
    return target


def _with_svg(picture: Path) -> tuple[Path, Path]:
    """A picture, and an SVG that holds it pixel for pixel."""
    content = picture.read_bytes()
    width, height = Image.open(io.BytesIO(content)).size
    data = base64.b64encode(content).decode()
    svg = picture.with_suffix(".svg")
    atomic.write(
        svg,
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/></svg>\n',
    )
    return svg, picture

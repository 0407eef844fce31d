"""DnCNN, Fig. 8: how far networks are ahead of BM3D as the noise grows, in gray and in colour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restore import atomic
from restore.results.curves import COLOURS
from restore.results.grid import short, without_seed
from restore.results.published import find
from restore.results.pyplot import pyplot
from restore.results.statistics import Difference, paired_difference

BM3D = "bm3d"  # as the baseline is called; on colour images it is CBM3D
NAMES = {1: ("gray", "BM3D"), 3: ("colour", "CBM3D")}  # by the channels of the images
PREFERRED = "bsd68"  # the figure's set

Values = dict[str, list[float]]  # of each image, one for every seed
Levels = dict[float, Values]  # by sigma
Method = tuple[str, str, str]  # task, model and point of a grid


@dataclass(frozen=True)
class Half:
    """The gray or the colour half of the figure.

    Attributes:
        where: set and protocol.
        gains: by label and sigma.
        printed: what a paper's table gives at some of the sigmas, by the same labels.
    """

    where: str
    gains: dict[str, dict[float, Difference]]
    printed: dict[str, dict[float, float]]

    @classmethod
    def of(cls, rows: Sequence[dict], channels: int) -> Half | None:
        """The half that rows of ``results.csv`` have; None where they have none."""
        by_place: dict[tuple[str, str], dict[Method, Levels]] = {}
        for row in rows:
            level = re.fullmatch(r"sigma=([\d.]+)", row["setting"])
            if row["metric"] == "psnr" and int(row["channels"]) == channels and level:
                place = (row["dataset"], row["protocol"].partition("×")[0])
                task = "" if row["method_kind"] == "classical" else row["task"]
                # a network's run; of the authors' files, one a sigma, all together are the method
                run = without_seed(row["run"]) if row["method_kind"] == "network" else ""
                method = (task, row["model"], run)
                images = by_place.setdefault(place, {}).setdefault(method, {}).setdefault(float(level[1]), {})
                images.setdefault(row["image"], []).append(row["value"])
        for place in sorted(by_place, key=lambda place: place[0] != PREFERRED):  # stable: else as in the rows
            methods = by_place[place]
            reference = methods.pop(("", BM3D, ""), {})
            gains = {
                method: {
                    sigma: paired_difference(_first(reference[sigma]), images)
                    for sigma, images in sorted(levels.items())
                    if reference.get(sigma, {}).keys() == images.keys()
                }
                for method, levels in methods.items()
                if method[0]
            }
            gains = {method: levels for method, levels in gains.items() if len(levels) > 1}
            if gains:
                labels = _labels(list(gains))
                printed = {labels[each]: _printed(each, place[0], list(gains[each]), channels) for each in gains}
                return cls(f"{place[0]}, protocol {place[1]}", {labels[each]: gains[each] for each in gains}, printed)
        return None


def draw_gain(rows: Sequence[dict], out: Path) -> Path | None:
    """Draw ``gain.png``: mean PSNR over BM3D against sigma, gray on the left and colour (CBM3D) on the right.

    A half needs rows of BM3D and of a network at two noise levels or more, on the same images by the same protocol;
    where one is missing its place says so, and where both are nothing is drawn. BSD68 is taken where it was tested,
    else the first set. The band is the 95 % interval over images and seeds, and rings are differences of what a
    paper's table prints for the two methods.

    Args:
        rows: of ``results.csv``.
        out: the folder that the picture goes to.

    Returns:
        The file; None where there is nothing to draw.
    """
    halves = {channels: Half.of(rows, channels) for channels in NAMES}
    if not any(halves.values()):
        return None
    plt = pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.9), layout="constrained")
    for axis, (channels, half) in zip(axes, halves.items(), strict=True):
        name, method = NAMES[channels]
        axis.set_title(f"{name}: {half.where}" if half else name, fontsize=10)
        if half is None:
            missing = f"not run: {method} beside a network\non {name} images at several levels of noise"
            axis.text(0.5, 0.5, missing, ha="center", va="center", transform=axis.transAxes)
            axis.set(xticks=[], yticks=[])
        else:
            _draw_half(axis, half, method)
    path = out / "gain.png"
    with atomic.replacing(path) as partial:
        figure.savefig(partial, dpi=110, format="png")
    plt.close(figure)
    return path


def _draw_half(axis: Any, half: Half, method: str) -> None:
    for number, (label, gains) in enumerate(half.gains.items()):
        colour = COLOURS[number % len(COLOURS)]
        axis.plot([*gains], [gain.mean for gain in gains.values()], marker="o", markersize=3, color=colour, label=label)
        low, high = ([getattr(gain, end) for gain in gains.values()] for end in ("low", "high"))
        axis.fill_between([*gains], low, high, color=colour, alpha=0.2, linewidth=0)
        if printed := half.printed[label]:
            ring = {"marker": "o", "markersize": 9, "linestyle": "none", "markerfacecolor": "none", "color": colour}
            axis.plot([*printed], [*printed.values()], label=f"{label}, printed", **ring)
    axis.axhline(0, color="#555", linewidth=1)
    axis.set(xlabel="sigma", ylabel=f"PSNR over {method} / dB")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)


def _first(images: Values) -> Values:
    """BM3D has no seed: every job of a sweep stores the same values."""
    return {image: values[:1] for image, values in images.items()}


def _labels(methods: Sequence[Method]) -> dict[Method, str]:
    """A network's name; with its place in the grid where it has several."""
    models = [model for _, model, _ in methods]
    return {each: each[1] if models.count(each[1]) == 1 else f"{each[1]} {short(each[2])}" for each in methods}


def _printed(method: Method, dataset: str, sigmas: Sequence[float], channels: int) -> dict[float, float]:
    """The network's printed value less BM3D's of the same table, by sigma."""
    gains = {}
    for sigma in sigmas:
        ours, theirs = (
            {(row["paper"], row["table"]): float(row["value"]) for row in rows}
            for rows in (
                find(method[0], dataset, f"sigma={sigma:g}", name, channels, ["psnr"]) for name in (method[1], BM3D)
            )
        )
        if both := [table for table in ours if table in theirs]:
            gains[sigma] = ours[both[0]] - theirs[both[0]]
    return gains

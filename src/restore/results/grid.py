"""A sweep as a table, its seeds taken together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isnan
from statistics import fmean

from restore.results.quantities import quantity
from restore.results.statistics import mean_and_deviation, paired_difference
from restore.results.tables import markdown, metrics_of

Points = dict[str, dict[str, list[float]]]  # of a grid: each image's values, one for every seed


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


def grid_table(rows: Sequence[dict], metric: str = "") -> str:
    """A table for each set, setting and protocol: the grid's points, seeds, values and the difference from the first.

    Args:
        rows: of a sweep's ``results.csv``; classical methods, which no sweep changes, are left out.
        metric: the label of one that the rows have; by default the first.
    """
    known = quantity(metric or metrics_of(rows)[0])
    unit = f"{known.title} in {known.unit}" if known.unit else known.title
    parts = []
    for place, points in places(rows, metric).items():
        lines, first = [], None
        for point, images in points.items():
            seeds = seed_means(images)
            average, deviation = mean_and_deviation(seeds)
            spread = "" if isnan(deviation) else f" ± {deviation:.{known.fine_digits}f}"
            difference = "–"
            if first is not None:
                gain = paired_difference(first, images)
                difference = gain.text(known) + ("" if gain.distinguishable else ", not distinguishable")
            first = first or images
            lines.append([point, str(len(seeds)), f"{average:.{known.fine_digits}f}{spread}", difference])
        title = f"{place[0]} {place[1]}, protocol {place[2]}: {unit}; difference from the first line, 95 % interval"
        parts += [title, markdown(("setting", "seeds", known.title, "difference"), lines)]
    return "\n\n".join(parts)


def places(rows: Sequence[dict], metric: str = "", column: str = "value") -> dict[tuple[str, str, str], Points]:
    """By set, setting and protocol: each point of the grid with its images' values, one for every seed.

    Args:
        metric: the label of one that the rows have; by default the first.
        column: ``value``, or ``value_input`` for that of the degraded image.
    """
    metric = metric or metrics_of(rows)[0]
    by_place: dict[tuple[str, str, str], Points] = {}
    for row in rows:
        if row["method_kind"] not in ("classical", "released") and row["metric"] == metric:
            points = by_place.setdefault((row["dataset"], row["setting"], row["protocol"]), {})
            points.setdefault(without_seed(row["run"]), {}).setdefault(row["image"], []).append(row[column])
    return by_place


def seed_means(images: Mapping[str, Sequence[float]]) -> list[float]:
    """Means over the images, one a seed, of each image's values."""
    return [fmean(values) for values in zip(*images.values(), strict=True)]

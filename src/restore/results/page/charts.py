"""What a page draws: curves over training, and the points of a grid with their deviations and differences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from operator import itemgetter
from typing import Any

from restore.results.curves import FIRST_GRADIENT, LOSS, Axis
from restore.results.grid import Points, places, seed_means, short, without_seed
from restore.results.histories import History
from restore.results.page.sources import Source
from restore.results.quantities import quantity
from restore.results.statistics import mean_and_deviation, paired_difference
from restore.results.tables import metrics_of, recipe_of

MOST_POINTS = 300  # of a curve: more than a chart has pixels for, twice
ALONG = {"patches": "patches", "seconds": "training time / s", "step": "step"}  # what a curve may be drawn over


def curves(source: Source) -> dict[str, Any] | None:
    """The jobs of a source over training, each column of their histories that is drawn; None where there is none."""
    columns = dict.fromkeys(column for history in source.histories.values() for column in history)
    drawn = [column for column in columns if column.startswith("val/") or column in (LOSS, FIRST_GRADIENT)]
    jobs = [
        _job(run, history, drawn, source.name)
        for run, history in source.histories.items()
        if len(history.get("step", ())) > 1
    ]
    jobs = [job for job in jobs if job["columns"]]
    if not jobs:
        return None
    axes = {column: Axis.of(column) for column in drawn}
    return {
        "source": source.name,
        "along": {key: label for key, label in ALONG.items() if all(key in job["along"] for job in jobs)},
        "columns": {column: {"label": axis.label, "log": axis.logarithmic} for column, axis in axes.items()},
        "jobs": jobs,
        "thinned": any(len(history.get("step", ())) > MOST_POINTS for history in source.histories.values()),
    }


def _job(run: str, history: History, drawn: Sequence[str], source: str) -> dict[str, Any]:
    length = max(map(len, history.values()))
    kept = thinned(length)

    def column(name: str) -> list[float | None]:
        return [rounded(history[name][index]) for index in kept]

    seed = re.search(r"(?:^|,)seed=(\d+)", run)
    point = without_seed(run)
    columns = {name: column(name) for name in drawn if name in history}
    return {
        "point": short(point) if point != "all" else source if seed else run,
        "seed": seed[1] if seed else "",
        "along": {key: column(key) for key in ALONG if key in history},
        "columns": {name: values for name, values in columns.items() if any(value is not None for value in values)},
    }


def thinned(length: int, most: int = MOST_POINTS) -> list[int]:
    """Indices of the rows that are drawn: all of them, or `most` at even distances, the first and the last among them.

    Example:
        >>> thinned(10, most=4)
        [0, 3, 6, 9]
    """
    if length <= most:
        return list(range(length))
    return [round(number * (length - 1) / (most - 1)) for number in range(most)]


def rounded(value: float) -> float | None:
    """A value to six digits, as JSON has it: None where it is not finite."""
    return float(f"{value:.6g}") if isfinite(value) else None


def ablation(source: Source) -> dict[str, Any] | None:
    """The grid of a source, if its networks differ in more than their seeds: by place and metric, its points."""
    found = []
    for metric in metrics_of(source.rows):
        for (dataset, setting, protocol), points in places(source.rows, metric).items():
            drawn = _points(points)
            if len(drawn) > 1:
                place = {"dataset": dataset, "setting": setting, "protocol": protocol, "metric": metric}
                found.append(place | {"points": drawn})
    return {"source": source.name, "trained": _trained(source.rows), "places": found} if found else None


def _trained(rows: Sequence[dict]) -> str:
    """The budgets and recipes of the networks among some rows."""
    networks = [row for row in rows if row["method_kind"] == "network"]
    budgets, recipes = (
        list(dict.fromkeys(values)) for values in (map(itemgetter("budget"), networks), map(recipe_of, networks))
    )
    return f"Budget {', '.join(filter(None, budgets)) or 'not known'}, recipe {', '.join(recipes) or 'not known'}."


def _points(points: Points) -> list[dict[str, Any]]:
    drawn: list[dict[str, Any]] = []
    first: Mapping[str, Sequence[float]] | None = None
    for name, images in points.items():
        if len({len(values) for values in images.values()}) > 1 or not _finite(images):
            continue  # a job that is under way, or was scored twice on some images, has no mean to stand here
        average, deviation = mean_and_deviation(seed_means(images))
        point: dict[str, Any] = {
            "name": short(name),
            "mean": rounded(average),
            "seeds": len(next(iter(images.values()))),
        }
        point["deviation"] = None if isnan(deviation) else rounded(deviation)
        if first is None:
            first = images
        elif sorted(first) == sorted(images):
            gain = paired_difference(first, images)
            point |= {"difference": rounded(gain.mean), "low": rounded(gain.low), "high": rounded(gain.high)}
            point["distinguishable"] = gain.distinguishable
        drawn.append(point)
    return drawn


def _finite(images: Mapping[str, Sequence[float]]) -> bool:
    return all(isfinite(value) for values in images.values() for value in values)


def described(label: str) -> dict[str, Any]:
    """What a page has to know of a metric to print its values."""
    known = quantity(label)
    suffix = label.partition("@")[2]
    title = known.title + (f" ({suffix})" if suffix else "")
    return {"title": title, "unit": known.unit, "digits": known.digits, "higher": known.higher_is_better}

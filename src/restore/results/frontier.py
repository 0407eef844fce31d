"""Quality against cost: PSNR over multiply-accumulates, time and parameters, and which networks are on the front of each.

A network is on the front of a cost where none that costs as much or less is better: the best to be had at that price. What
the papers print stands beside it, its cost counted here where the network is known, its time on their own machine; a
published value is never part of the front, which is of what was measured.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from statistics import fmean
from typing import Any

from restore import atomic
from restore.models.cost import Cost
from restore.results.comparison import budget_in_words, overlap_in_words, short_hashes
from restore.results.generalisation import Trained, network_of
from restore.results.paper_tables import once
from restore.results.published import Row, find, method_of
from restore.results.quantities import Quantity, quantity
from restore.results.statistics import mean_and_deviation
from restore.results.style import COLUMN, drawing, look, save
from restore.results.tables import markdown

LARGEST = 14  # networks that a legend names; of more, only those on a front
COSTS = {"gmac": "GMAC per pixel", "milliseconds": "ms per megapixel", "parameters": "parameters"}
COLUMNS = (
    *(
        "dataset",
        "setting",
        "protocol",
        "network",
        "parameters",
        "gmac_per_pixel",
        "ms_per_megapixel",
        "metric",
        "value",
    ),
    *("deviation", "seeds", "published", "published_ms_per_megapixel", "front", "trained", "overlap", "checkpoint"),
)


@dataclass(frozen=True)
class Point:
    """A network on one set and setting.

    Attributes:
        values: mean over the images of each seed.
        parameters, gmac, milliseconds: what it costs, the middle one a pixel and the last one a megapixel; nan where
            it is not known.
        published: what a paper prints of it; nan where none does.
        published_milliseconds: a megapixel, on the paper's machine.
    """

    network: str
    values: tuple[float, ...]
    parameters: float
    gmac: float
    milliseconds: float
    published: float
    published_milliseconds: float
    rows: Sequence[dict]

    @property
    def value(self) -> float:
        return fmean(self.values)


@dataclass(frozen=True)
class Frontier:
    """Networks on one set and setting by one protocol."""

    dataset: str
    setting: str
    protocol: str
    metric: str
    points: Sequence[Point]

    @property
    def name(self) -> str:
        """``frontier_bsd68_sigma=25_dncnn``, for files."""
        return re.sub(r"[^\w.+=-]+", "_", f"frontier_{self.dataset}_{self.setting}_{self.protocol}")

    def front(self, cost: str) -> list[Point]:
        """The points that no other beats at the same cost or less, from the cheapest on."""
        known = [point for point in self.points if not isnan(getattr(point, cost))]
        better = quantity(self.metric).better
        return sorted(
            (
                point
                for point in known
                if not any(
                    getattr(other, cost) <= getattr(point, cost)
                    and (
                        better(other.value - point.value)
                        or (other.value == point.value and getattr(other, cost) < getattr(point, cost))
                    )
                    for other in known
                )
            ),
            key=lambda point: getattr(point, cost),
        )

    def fronts_of(self, point: Point) -> str:
        """The costs on whose front a point is, in words; – where it is on none."""
        return ", ".join(title for cost, title in COSTS.items() if point in self.front(cost)) or "–"


def frontiers(
    rows: Sequence[dict],
    cost_of: Callable[[Mapping[str, Any]], Cost | None],
    trained_on: Trained,
    milliseconds: Mapping[tuple[int, int], float],
    published_milliseconds: Mapping[str, float],
    metric: str = "psnr",
    printed_alone: bool = False,
) -> list[Frontier]:
    """A frontier for each set, setting and protocol by which two networks of known cost or more were scored.

    A network that was not trained on the strength is left out: what it gives there is generalisation, not its price.

    Args:
        rows: of any number of results files; a score that stands in several is taken once.
        cost_of: a row's network, its MACs a pixel; None where it is not known.
        trained_on: whether a row's setting is one that its network was trained on; None where that is not known.
        milliseconds: a megapixel, as measured, by parameters and MACs a pixel: of any network of the same layers.
        published_milliseconds: a megapixel, by the papers' names of methods.
        metric: by its name.
        printed_alone: leave out the sets and settings of which no paper prints a value of any of the networks.
    """
    places: dict[tuple[str, str, str, str], dict[str, list[dict]]] = {}
    for row in once(
        row for row in rows if row["method_kind"] != "classical" and quantity(row["metric"]).name == metric
    ):
        place = (row["dataset"], row["setting"], row["protocol"], row["metric"])
        places.setdefault(place, {}).setdefault(network_of(row), []).append(row)
    found = []
    for place, networks in places.items():
        if printed_alone and not any(_printed(group[0]) for group in networks.values()):
            continue
        points = []
        for network, group in networks.items():
            if trained_on(group[0]) is not False and (cost := cost_of(group[0])):
                time = milliseconds.get((cost.parameters, cost.macs), float("nan"))
                points.append(_point(network, group, cost, time, published_milliseconds))
        if len({(point.parameters, point.gmac) for point in points}) > 1:
            found.append(Frontier(*place, points))
    return sorted(found, key=lambda each: -len(each.points))


def _point(
    network: str, rows: Sequence[dict], cost: Cost, milliseconds: float, published_milliseconds: Mapping[str, float]
) -> Point:
    seeds: dict[tuple, list[float]] = {}
    for row in rows:
        seeds.setdefault((row["run"], row["seed"]), []).append(row["value"])
    here = _printed(rows[0])
    value = float(here[0]["value"]) if here else float("nan")
    theirs = published_milliseconds.get(here[0]["method"], float("nan")) if here else float("nan")
    means = tuple(fmean(each) for each in seeds.values())
    return Point(network, means, cost.parameters, cost.macs / 1e9, milliseconds, value, theirs, rows)


def _printed(row: Mapping[str, Any]) -> list[Row]:
    """What the papers print of a row's method on its own set."""
    place = (row["task"], row["dataset"], row["setting"], method_of(row), int(row["channels"]))
    return [each for each in find(*place, [quantity(row["metric"]).name]) if each["dataset"] == row["dataset"]]


# -- as text ---------------------------------------------------------------------------------------


def frontier_table(frontier: Frontier) -> str:
    """A line a network, the cheapest first: its costs, its value, the published one, and the fronts that it is on."""
    known = quantity(frontier.metric)
    lines = []
    for point in sorted(frontier.points, key=lambda point: point.gmac):
        costs = [f"{point.gmac:.3g}", f"{point.parameters:,}", _or_dash(point.milliseconds, ".0f")]
        published = _or_dash(point.published, f".{known.digits}f")
        place = [budget_in_words(point.rows[0]), overlap_in_words(point.rows), short_hashes(point.rows)]
        lines.append([point.network, *costs, _value(point, known), published, frontier.fronts_of(point), *place])
    header = ("network", "GMAC per pixel", "parameters", "ms per megapixel", known.title_and_unit, "published")
    header = (*header, "on the front of", "trained", "overlap", "checkpoint")
    title = f"{frontier.dataset} {frontier.setting}, protocol {frontier.protocol}"
    return f"{title}\n\n{markdown(header, lines)}"


def _value(point: Point, known: Quantity) -> str:
    _, deviation = mean_and_deviation(point.values)
    count = len(point.values)
    return known.text(point.value) + (f" ± {known.text(deviation)} ({count} seeds)" if count > 1 else "")


def _or_dash(value: float, form: str) -> str:
    return "–" if isnan(value) else f"{value:{form}}"


def frontier_csv(found: Sequence[Frontier]) -> str:
    """Every point of every frontier as a row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for frontier in found:
        digits = quantity(frontier.metric).stored_digits
        for point in frontier.points:
            place = (frontier.dataset, frontier.setting, frontier.protocol, point.network, point.parameters)
            costs = (f"{point.gmac:.6g}", "" if isnan(point.milliseconds) else f"{point.milliseconds:.1f}")
            deviation = mean_and_deviation(point.values)[1]
            value = (
                f"{point.value:.{digits}f}",
                "" if isnan(deviation) else f"{deviation:.{digits}f}",
                len(point.values),
            )
            published = ("" if isnan(each) else f"{each:g}" for each in (point.published, point.published_milliseconds))
            known = (budget_in_words(point.rows[0]), overlap_in_words(point.rows), short_hashes(point.rows))
            writer.writerow([*place, *costs, frontier.metric, *value, *published, frontier.fronts_of(point), *known])
    return text.getvalue()


# -- as a picture ----------------------------------------------------------------------------------


def draw_frontier(frontier: Frontier, path: Path) -> list[Path]:
    """A panel for each cost that is known of two networks or more: filled ours, hollow published, the front as steps."""
    known = quantity(frontier.metric)
    costs = [cost for cost in COSTS if sum(not isnan(getattr(point, cost)) for point in frontier.points) > 1]
    fronts = {id(point) for cost in costs for point in frontier.front(cost)}
    points = sorted(frontier.points, key=lambda point: point.gmac)
    named = [point for point in points if len(points) <= LARGEST or id(point) in fronts][:LARGEST]
    columns = 1 if max(len(point.network) for point in named) > 24 else 2
    height = 1.55 * len(costs) + 0.14 * -(-(len(named) + 2) // columns) + 0.3
    with drawing(height, len(costs), width=COLUMN) as (figure, axes):
        for axis, cost in zip(axes[:, 0], costs, strict=True):
            steps = frontier.front(cost)
            reach = [getattr(point, cost) for point in steps]
            axis.step(
                reach,
                [point.value for point in steps],
                where="post",
                color="#888888",
                linewidth=0.9,
                zorder=1,
                label="front",
            )
            for point in points:
                at = getattr(point, cost)
                own = look(named.index(point)) if point in named else {"color": "#bbbbbb", "marker": "."}
                style = {key: value for key, value in own.items() if key != "linestyle"} | {"linestyle": "none"}
                label = point.network if point in named else "others"
                spread = mean_and_deviation(point.values)[1]
                if not isnan(at):
                    axis.errorbar(
                        at, point.value, yerr=None if isnan(spread) else spread, capsize=1.5, label=label, **style
                    )
                theirs = point.published_milliseconds if cost == "milliseconds" else at
                if not isnan(point.published) and not isnan(theirs):
                    hollow = style | {"markerfacecolor": "none", "markersize": 6.5, "markeredgewidth": 0.7}
                    axis.plot(theirs, point.published, **hollow)
            axis.set(xscale="log", xlabel=COSTS[cost], ylabel=known.axis)
            _plain_ticks(axis)
            axis.grid(True)
            axis.margins(0.1, 0.12)
        axes[0][0].set_title(
            f"{frontier.dataset} {frontier.setting}, protocol {frontier.protocol}; hollow: published", fontsize=7
        )
        handles = {
            label: handle
            for axis in axes[:, 0]
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=columns)
        return save(figure, path)


def _plain_ticks(axis: Any) -> None:
    """``0.0001 0.0002 0.0005``: a logarithmic axis of one decade or two with numbers that do not run into one another."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_xlim()
    steps = (1.0, 2.0, 3.0, 5.0) if high < 10 * low else (1.0, 3.0) if high < 300 * low else (1.0,)
    axis.xaxis.set_major_locator(LogLocator(subs=steps))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def write_frontiers(found: Sequence[Frontier], out: Path) -> list[Path]:
    """Write ``frontier.md``, ``frontier.csv`` and a picture of each."""
    out.mkdir(parents=True, exist_ok=True)
    files = [out / "frontier.md", out / "frontier.csv"]
    atomic.write(files[0], "\n\n".join(map(frontier_table, found)) + "\n")
    atomic.write(files[1], frontier_csv(found))
    return [*files, *(file for frontier in found for file in draw_frontier(frontier, out / frontier.name))]

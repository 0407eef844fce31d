"""Each published value beside what was run here: mean ± deviation over seeds, difference, protocol, overlap, checkpoint.

A difference says what is known of it. Of several seeds it has the 95 % interval of their mean (Student's t), widened by
half a unit of the last printed digit, since the paper rounded; where that holds 0 the two are *not distinguishable*. Of
one seed nothing is known of the spread, and the cell says *one seed*. An authors' file has no seed: its value is *as
printed* where it rounds to the printed one. On another set than the paper's there is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from statistics import fmean

from restore.results.paper_tables import (
    column_of,
    once,
    own_rows,
    printed_groups,
    printed_rows,
    runs_by_name,
)
from restore.results.published import Row, image_name, set_title
from restore.results.quantities import quantity
from restore.results.statistics import mean_and_deviation
from restore.results.tables import psnr_of, recipe_of

FULL = "paper"  # the budget that is not reduced
HEADER = (
    *("method", "set", "setting", "metric", "published", "ours", "seeds", "difference", "protocol", "trained"),
    *("overlap", "checkpoint"),
)
COLUMNS = (
    *("method", "dataset", "setting", "metric", "published", "ours", "deviation", "runs", "difference", "low", "high"),
    *("finding", "protocol", "trained", "overlap", "checkpoint"),
)


@dataclass(frozen=True)
class Comparison:
    """One published value and one run, or several that differ in their seed alone; or, not run, nothing.

    Attributes:
        dataset: that was tested; the paper's own where nothing was.
        setting: with the image where the paper prints single ones.
        published: as printed.
        ours: mean over images of each seed; empty where it was not run.
        same_set: whether the paper's set was tested.
        kind: ``network``, ``released``, ``classical`` or ``callable``.
        trained: budget, recipe and patches, in words.
        overlap: with the training images.
        checkpoint: beginnings of the weights' SHA-256.
    """

    method: str
    dataset: str
    setting: str
    metric: str
    published: str
    ours: tuple[float, ...] = ()
    same_set: bool = True
    kind: str = ""
    protocol: str = ""
    trained: str = ""
    overlap: str = ""
    checkpoint: str = ""

    @property
    def decimals(self) -> int:
        """Those that the paper prints."""
        return len(self.published.partition(".")[2])

    @property
    def digits(self) -> int:
        """One more than the paper has, and no more than are stored."""
        return min(self.decimals + 1, quantity(self.metric).stored_digits)

    @property
    def value(self) -> str:
        """Mean over the seeds ± their deviation, to `digits`; empty where it was not run."""
        if not self.ours:
            return ""
        digits = self.digits
        average, deviation = mean_and_deviation(self.ours)
        return f"{average:.{digits}f}" + (f" ± {deviation:.{digits}f}" if len(self.ours) > 1 else "")

    @property
    def interval(self) -> tuple[float, float] | None:
        """Ends of the 95 % interval of ours − published; None without several seeds, or on another set."""
        if len(self.ours) < 2 or not self.same_set:
            return None
        from scipy.special import stdtrit

        average, deviation = mean_and_deviation(self.ours)
        count = len(self.ours)
        half = float(stdtrit(count - 1, 0.975)) * deviation / sqrt(count) + self.rounding
        return average - float(self.published) - half, average - float(self.published) + half

    @property
    def rounding(self) -> float:
        """Half a unit of the last digit that the paper prints."""
        return 0.5 * 10**-self.decimals

    @property
    def difference(self) -> str:
        """Ours − published, and what is known of it; empty where it was not run."""
        if not self.ours:
            return ""
        if not self.same_set:
            return "another set"
        digits, average = self.digits, fmean(self.ours) - float(self.published)
        text = f"{round(average, digits) + 0.0:+.{digits}f}"  # no −0
        if self.interval:
            text += " [{:+.{digits}f}, {:+.{digits}f}]".format(*self.interval, digits=digits)
        return ", ".join(filter(None, (text, self.finding)))

    @property
    def finding(self) -> str:
        """What is known of the difference, in words; empty where nothing is to be added to its number."""
        if not self.ours:
            return "not run"
        if not self.same_set:
            return "another set"
        if self.interval:
            return "not distinguishable" if self.interval[0] <= 0 <= self.interval[1] else ""
        if self.kind == "network":
            return "one seed"
        return "as printed" if abs(fmean(self.ours) - float(self.published)) <= self.rounding + 1e-9 else ""

    def numbers(self) -> list[str]:
        """As `COLUMNS` has them, for a program to read; empty where there is none."""
        average, deviation = mean_and_deviation(self.ours) if self.ours else (nan, nan)
        difference = average - float(self.published) if self.same_set else nan
        numbers = (average, deviation, difference, *(self.interval or (nan, nan)))
        ours, spread, gap, low, high = (
            "" if isnan(number) else f"{number:.{quantity(self.metric).stored_digits}f}" for number in numbers
        )
        place = [
            self.method,
            self.dataset,
            self.setting,
            self.metric,
            self.published,
            ours,
            spread,
            str(len(self.ours)),
        ]
        return [*place, gap, low, high, self.finding, self.protocol, self.trained, self.overlap, self.checkpoint]

    def cells(self) -> list[str]:
        """As `HEADER` has them; a value that was not run says so."""
        metric = quantity(self.metric)
        seeds = str(len(self.ours)) if self.kind == "network" else ""
        cells = [self.method, self.dataset, self.setting, metric.title_and_unit, self.published]
        cells += [self.value or "not run", seeds, self.difference, self.protocol, self.trained, self.overlap]
        return [*cells, self.checkpoint]


def comparisons(name: str, rows: Iterable[dict]) -> list[Comparison]:
    """Every value of a printed table, with a line for each run of it, or one that says that there is none.

    Args:
        name: one of `restore.results.paper_tables.table_names`.
        rows: of any number of results files; a score that stands in several is taken once.

    Raises:
        RequestError: no table has that name.
    """
    scores, found = once(rows), []
    for printed, by_image in printed_groups(printed_rows(name)):
        own = own_rows(printed, scores)
        dataset = printed[0]["dataset"].partition("/")[0]
        runs = {
            method: runs_by_name([row for row in own if row["method"] == method], dataset)
            for method in dict.fromkeys(row["method"] for row in printed)
        }
        for row in printed:
            place = column_of(row, by_image)
            of_method = [each for run in runs[row["method"]].values() if (each := _of_place(run, row, place, by_image))]
            setting = f"{row['setting']}, {place}" if by_image else row["setting"]
            base = Comparison(row["method"], set_title(dataset), setting, row["metric"], row["value"])
            found += [_compared(base, each, dataset, row["metric"]) for each in of_method] or [base]
    return found


def compared_columns(found: Sequence[Comparison]) -> tuple[tuple[str, ...], list[list[str]]]:
    """Header and lines of those that were run."""
    return HEADER, [each.cells() for each in found if each.ours]


def budget_in_words(row: dict) -> str:
    """``budget cpu (reduced), recipe ours, 3,200 patches`` of a network; of another method how it came to its weights."""
    if row["method_kind"] == "released":
        return "by its authors"
    if row["method_kind"] != "network":
        return "–"
    budget = f"budget {row['budget']}{'' if row['budget'] == FULL else ' (reduced)'}" if row["budget"] else ""
    patches = f"{int(row['patches']):,} patches" if int(row["patches"] or 0) else ""
    return ", ".join(filter(None, (budget, f"recipe {recipe_of(row)}", patches)))


def overlap_in_words(rows: Sequence[dict]) -> str:
    """``none``, ``unknown``, or ``2 of 12`` images that were trained on."""
    images = {row["image"]: row["overlap"] for row in rows}
    seen = sum(overlap not in ("", "none", "unknown") for overlap in images.values())
    return f"{seen} of {len(images)}" if seen else next(iter(images.values())) or "–"


def short_hashes(rows: Iterable[dict]) -> str:
    """The beginning of the weights' SHA-256, and how many more there are; – for a method without weights."""
    hashes = [name for name in dict.fromkeys(row["checkpoint_sha256"][:8] for row in rows) if name]
    return " +".join([hashes[0], *([str(len(hashes) - 1)] if len(hashes) > 1 else [])]) if hashes else "–"


def _of_place(run: Sequence[dict], printed: Row, place: str, by_image: bool) -> list[dict]:
    source = "mse" if printed["metric"] == "psnr_of_mse" else printed["metric"]
    return [
        row
        for row in run
        if quantity(row["metric"]).name == source and row["setting"] == printed["setting"]
        if not by_image or place in ("mean", image_name(row["dataset"], row["image"]))
    ]


def _compared(base: Comparison, rows: Sequence[dict], dataset: str, metric: str) -> Comparison:
    """The published value with the rows of one run, image by image, of any number of seeds."""
    values: dict[tuple, list[float]] = {}
    for row in rows:
        values.setdefault((row["run"], row["seed"]), []).append(row["value"])
    means = tuple(fmean(each) for each in values.values())
    first = rows[0]
    return Comparison(
        base.method,
        first["dataset"],
        base.setting,
        base.metric,
        base.published,
        tuple(psnr_of(mean) for mean in means) if metric == "psnr_of_mse" else means,
        first["dataset"] == dataset,
        first["method_kind"],
        first["protocol"],
        budget_in_words(first),
        overlap_in_words(rows),
        short_hashes(rows),
    )

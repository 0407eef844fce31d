"""The rows of a page's leaderboard: our means over seeds, and every number that the papers print for a whole set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean

from restore.results import store
from restore.results.grid import short, without_seed
from restore.results.page.sources import Source
from restore.results.paper_tables import PAPERS, once
from restore.results.published import AUTHORS, Row, channels_of, find, method_of, of_image, published, set_title
from restore.results.quantities import quantity
from restore.results.statistics import mean_and_deviation
from restore.results.tables import with_psnr_of_mse

PUBLISHED = "published"  # the kind of a row that a paper prints; the others are the kinds of ``results.csv``
SOURCE = "source"


@dataclass(frozen=True)
class Entry:
    """A row of the leaderboard.

    Attributes:
        kind: ``published``, or the ``method_kind`` of our rows.
        variant: the point of a grid, the seed left out; empty where the method says it all.
        value: mean over the seeds of the means over the images.
        deviation: sample standard deviation over the seeds; None of one.
        input: the same metric of the degraded images; None of a published row.
        reference: the number that a paper prints for this method here; None where there is none.
        printed: where it, or a published row itself, stands.
    """

    kind: str
    task: str
    dataset: str
    setting: str
    channels: int
    protocol: str
    metric: str
    method: str
    value: float
    variant: str = ""
    deviation: float | None = None
    seeds: int = 0
    input: float | None = None
    images: int = 0
    reference: float | None = None
    printed: str = ""
    trained: str = ""
    overlap: str = ""
    source: str = ""
    checkpoint: str = ""


def entries(sources: Sequence[Source]) -> list[Entry]:
    """Our rows, then the published ones; a score that stands in several sources is taken from the first."""
    rows = once(row | {SOURCE: source.name} for source in sources for row in source.rows)
    by_source: dict[str, list[dict]] = {}
    for row in rows:
        by_source.setdefault(row[SOURCE], []).append(row)
    own = [entry for name, group in by_source.items() for entry in _own(name, group)]
    return [*own, *_printed_entries()]


def single_images() -> int:
    """How many published values are of one image, and so in no leaderboard."""
    return sum(bool(of_image(row)[1]) for row in published())


def _own(source: str, rows: Iterable[dict]) -> list[Entry]:
    groups: dict[tuple, list[dict]] = {}
    columns = ("task", "model", "method_kind", "budget", "recipe", "protocol", "dataset", "setting", "channels")
    for mean in with_psnr_of_mse(store.means(rows)):
        if isfinite(mean["value"]):
            key = (without_seed(mean["run"]), *(str(mean[column]) for column in (*columns, "metric")))
            groups.setdefault(key, []).append(mean)
    return [_entry(source, means) for means in groups.values()]


def _entry(source: str, means: Sequence[dict]) -> Entry:
    first = means[0]
    value, deviation = mean_and_deviation([mean["value"] for mean in means])
    inputs = [mean["value_input"] for mean in means if isfinite(mean["value_input"])]
    place = (first["task"], first["dataset"], first["setting"])
    name = quantity(first["metric"]).name
    reference = next(iter(find(*place, method_of(first), int(first["channels"]), [name])), None)
    point = without_seed(first["run"])
    return Entry(
        kind=first["method_kind"],
        task=first["task"],
        dataset=first["dataset"],
        setting=first["setting"],
        channels=int(first["channels"]),
        protocol=first["protocol"],
        metric=first["metric"],
        method=first["run"] if first["method_kind"] == "released" else first["model"],
        value=value,
        variant=short(point) if "=" in point and first["method_kind"] == "network" else "",
        deviation=deviation if isfinite(deviation) else None,
        seeds=len(means),
        input=fmean(inputs) if inputs else None,
        images=min(int(mean["images"]) for mean in means),
        reference=float(reference["value"]) if reference else None,
        printed=_where([reference]) if reference else "",
        trained=", ".join(filter(None, (first["budget"], first["recipe"])))
        if first["method_kind"] == "network"
        else "",
        overlap=first["overlap"],
        source=source,
        checkpoint=first["checkpoint_sha256"][:12] if len(means) == 1 else "",
    )


def _printed_entries() -> list[Entry]:
    """What papers print of whole sets; a number that stands in several tables is one row with all of them."""
    tables: dict[tuple, list[Row]] = {}
    for row in published():
        if not of_image(row)[1]:
            columns = ("task", "dataset", "setting", "metric", "method", "value")
            tables.setdefault(tuple(row[column] for column in columns), []).append(row)
    return [
        Entry(
            kind=PUBLISHED,
            task=task,
            dataset=dataset,
            setting=setting,
            channels=channels_of(rows[0]),
            protocol="",
            metric=metric,
            method=method,
            value=float(value),
            printed=_where(rows),
        )
        for (task, dataset, setting, metric, method, value), rows in tables.items()
    ]


def _where(rows: Sequence[Row]) -> str:
    """``RED-Net, Table 4, Table 7; DnCNN, Table V``; behind a table the set, where that is another than its name says."""
    papers: dict[str, list[str]] = {}
    for row in rows:
        title = set_title(row["dataset"])
        elsewhere = f" ({title})" if title != row["dataset"] else ""
        papers.setdefault(PAPERS[row["paper"]], []).append(_table(row["table"]) + elsewhere)
    return "; ".join(", ".join((paper, *tables)) for paper, tables in papers.items())


def _table(table: str) -> str:
    if table == AUTHORS:
        return "its authors"
    return table if table.startswith("Fig") else f"section {table}" if "." in table else f"Table {table}"

"""What a test reached, as loggers are told it: keys of a summary, and tables with the published value beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from restore.results import store
from restore.results.published import AUTHORS, Row, find, image_name, method_of, of_image
from restore.results.quantities import quantity
from restore.results.rows import RunMetadata
from restore.results.tables import label_of
from restore.tracking.panels import part

if TYPE_CHECKING:
    from restore.tracking.logger import GuardedLogger

SHARED = ("set", "setting", "protocol", "method", "kind", "run", "seed", "budget", "recipe", "metric")
NUMBERS = ("value", "input", "published", "difference", "source", "overlap")
MEANS = (*SHARED, *NUMBERS, "images", "checkpoint")
IMAGES = (*SHARED[:3], "image", *SHARED[3:], *NUMBERS, "fingerprint")


def send_rows(logger: GuardedLogger, rows: Sequence[dict], metadata: RunMetadata, step: int) -> None:
    """The summary of a network's rows, and all rows, those of the methods beside it too, as two tables.

    Args:
        metadata: of the network that the summary is of.
    """
    own = [row for row in rows if is_of(row, metadata)]
    logger.log_summary(summary_of(own), step)
    send_tables(logger, rows)


def send_tables(logger: GuardedLogger, rows: Sequence[dict]) -> None:
    """Rows as the tables ``results/means`` and ``results/images``, each with what is published of its method."""
    logger.log_rows("results/means", MEANS, [mean_line(mean) for mean in store.means(rows)])
    logger.log_rows("results/images", IMAGES, [image_line(row) for row in rows])


def is_of(row: Mapping[str, Any], metadata: RunMetadata) -> bool:
    """Whether a row is of the network, and not of a method that was scored beside it."""
    return all(row[key] == getattr(metadata, key) for key in ("run", "model", "method_kind"))


# -- the summary -----------------------------------------------------------------------------------


def summary_of(rows: Sequence[dict]) -> dict[str, Any]:
    """Means as ``test/<set>/<setting>/<protocol>/<metric>``, and what says whether they may be compared.

    ``published/…`` is what the network's paper prints in the same place, and ``difference/…`` ours less that.
    ``overlap/<set>`` says how many test images were trained on; ``fingerprint/<set>/<setting>/<protocol>`` is the mean
    of the images' fingerprints: of two runs it is the same, within 1e-5, where they restored the same images.

    Args:
        rows: of one network.
    """
    values: dict[str, Any] = {}
    for mean in store.means(rows):
        key = f"{place_of(mean)}/{mean['metric']}"
        values[f"test/{key}"] = mean["value"]
        values[f"overlap/{part(mean['dataset'])}"] = mean["overlap"]
        if printed := published_value(mean):
            values[f"published/{key}"] = float(printed["value"])
            values[f"difference/{key}"] = difference(mean, printed)
    for place, group in grouped(rows).items():
        values[f"fingerprint/{place}"] = mean_fingerprint([row["fingerprint"] for row in group])
    return values


def place_of(row: Mapping[str, Any]) -> str:
    """``<set>/<setting>/<protocol>`` of a row or a mean."""
    return "/".join(part(row[column]) for column in ("dataset", "setting", "protocol"))


def grouped(rows: Sequence[dict]) -> dict[str, list[dict]]:
    """One row an image, by place."""
    groups: dict[str, dict[str, dict]] = {}
    for row in rows:
        groups.setdefault(place_of(row), {}).setdefault(row["image"], row)
    return {place: [*images.values()] for place, images in groups.items()}


def mean_fingerprint(fingerprints: Sequence[str]) -> str:
    """Component by component the mean of fingerprints.

    Example:
        >>> mean_fingerprint(["+0.100000 +0.300000", "+0.300000 +0.100000"])
        '+0.200000 +0.200000'
    """
    columns = zip(*(map(float, text.split()) for text in fingerprints), strict=True)
    return " ".join(f"{sum(column) / len(column):+.6f}" for column in columns)


# -- tables ----------------------------------------------------------------------------------------


def mean_line(mean: Mapping[str, Any]) -> list[Any]:
    """A line of ``results/means``."""
    printed = published_value(mean)
    return [*_shared(mean), *_numbers(mean, printed), int(mean["images"]), mean["checkpoint_sha256"][:12]]


def image_line(row: Mapping[str, Any]) -> list[Any]:
    """A line of ``results/images``; published is what is printed of that image alone."""
    shared = _shared(row)
    dataset = f"{row['dataset']}/{image_name(row['dataset'], row['image'])}"
    printed = published_value(row, dataset)
    return [*shared[:3], row["image"], *shared[3:], *_numbers(row, printed), row["fingerprint"]]


def _shared(row: Mapping[str, Any]) -> list[Any]:
    names = [row[column] for column in ("dataset", "setting", "protocol")]
    who = [label_of(dict(row)), row["method_kind"], row["run"], int(row["seed"] or 0), row["budget"], row["recipe"]]
    return [*names, *who, row["metric"]]


def _numbers(row: Mapping[str, Any], printed: Row | None) -> list[Any]:
    beside = [float(printed["value"]), difference(row, printed)] if printed else [None, None]
    source = f"{printed['paper']} {printed['table']}" if printed else ""
    return [*map(_finite, (row["value"], row["value_input"])), *beside, source, row["overlap"]]


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None


# -- what is published -----------------------------------------------------------------------------


def published_value(row: Mapping[str, Any], dataset: str = "") -> Row | None:
    """What is printed of a row's method by its metric: its own paper's table first, and then what its authors print.

    Args:
        dataset: as the papers name it; of one image ``set12/house``.
    """
    dataset = dataset or row["dataset"]
    name = quantity(row["metric"]).name
    found = [*_printed(row, dataset, name)]
    return min(found, key=lambda each: each["table"] == AUTHORS, default=None)


def _printed(row: Mapping[str, Any], dataset: str, metric: str) -> Iterator[Row]:
    for each in find(row["task"], dataset, row["setting"], method_of(dict(row)), int(row["channels"]), [metric]):
        if of_image(each) == of_image({"dataset": dataset}):  # of that very set: no other stands in for it
            yield each


def difference(row: Mapping[str, Any], printed: Row) -> float:
    """A row's value less the printed one, in the metric's unit, with the digits that a table of runs has."""
    known = quantity(row["metric"])
    return round(float(row["value"]) - float(printed["value"]), known.fine_digits)

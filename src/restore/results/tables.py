"""Tables as text: the same characters on a terminal, in a log and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan, log10
from statistics import fmean

from restore.results.published import (
    AUTHORS,
    Row,
    cell,
    find,
    image_name,
    joined,
    method_of,
    of_image,
    printed_for,
    published,
    set_title,
)
from restore.results.quantities import quantity
from restore.results.store import GROUP, VALUES

Line = dict[str, dict]  # of one restored image, or of one mean: a row by the metric's label


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded so that it reads as plain text too; all columns but the first are numbers."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for number, row in enumerate(cells):
        padded = [
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("| " + " | ".join(padded) + " |")
        if number == 0:
            lines.append("|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|")
    return "\n".join(lines)


# -- rows by metric --------------------------------------------------------------------------------


def metrics_of(rows: Iterable[dict]) -> list[str]:
    """Labels of the metrics in rows, in order of appearance: the first one leads."""
    return list(dict.fromkeys(row["metric"] for row in rows))


def lines_of(means: Iterable[dict]) -> list[Line]:
    """Means of the same run, protocol, set and setting together."""
    lines: dict[tuple, Line] = {}
    for mean in means:
        place = tuple(str(mean[column]) for column in GROUP if column != "metric")
        lines.setdefault(place, {})[mean["metric"]] = mean
    return list(lines.values())


def with_psnr_of_mse(means: Sequence[dict]) -> list[dict]:
    """Means, each of an MSE followed by one that tells it in dB, ``10 log10(1 / mean MSE)``.

    That is the PSNR of the errors of all images together; the mean of the images' PSNRs is another number, and never
    a lower one.
    """
    told = []
    for mean in means:
        told.append(mean)
        if quantity(mean["metric"]).name == "mse":
            told.append(mean | {"metric": "psnr_of_mse"} | {key: psnr_of(mean[key]) for key in VALUES})
    return told


def psnr_of(mse: float) -> float:
    """``10 log10(1 / MSE)`` in dB, of images in [0, 1].

    Example:
        >>> round(psnr_of(0.00677), 2)
        21.69
    """
    return -10 * log10(mse) if mse > 0 else float("nan" if isnan(mse) else "inf")


def values(line: Line, metrics: Sequence[str], column: str = "value") -> str:
    """One line's values, ``29.50 / 0.9000``; – for a metric that is not defined there."""
    return " / ".join(
        quantity(metric).text(line[metric][column] if metric in line else float("nan")) for metric in metrics
    )


def recipe_of(row: dict) -> str:
    """The recipe that a network was trained by; that of an author's weights is not known."""
    return row["recipe"] or "not known"


def label_of(row: dict) -> str:
    """What the method of a row is called in a table of ours: a model's name, or an authors' file's.

    Example:
        >>> label_of({"method_kind": "released", "run": "vdsr", "model": "vdsr"})
        'vdsr (authors)'
    """
    return f"{row['run']} (authors)" if row["method_kind"] == "released" else row["model"]


# -- tables ----------------------------------------------------------------------------------------


def means_table(means: Sequence[dict]) -> str:
    """A line per set, setting and protocol: images, input, restored, and what the paper prints for this network.

    Where a metric is defined for some of the images, the number of those stands behind its value. What the papers
    print for methods that are not among the means is `not_run_tables`.
    """
    means = with_psnr_of_mse(means)
    metrics = metrics_of(means)
    titles = " / ".join(quantity(metric).title for metric in metrics)
    names = [quantity(metric).name for metric in metrics]
    rows = []
    for line in lines_of(means):
        mean = next(iter(line.values()))
        place = (mean["task"], mean["dataset"], mean["setting"], method_of(mean), int(mean["channels"]))
        images = max(int(each["images"]) for each in line.values())
        some = [f"{metric} of {each['images']}" for metric, each in line.items() if int(each["images"]) < images]
        restored = values(line, metrics) + (f" ({', '.join(some)})" if some else "")
        cells = [f"{mean['dataset']} {mean['setting']}", mean["protocol"], label_of(mean), str(images)]
        cells += [
            values(line, metrics, "value_input"),
            restored,
            cell(find(*place, metrics=names), names, mean["dataset"]),
        ]
        trained = ", ".join(part for part in (mean["budget"], recipe_of(mean)) if part)
        by = {"network": trained, "released": "its authors"}.get(mean["method_kind"], "–")
        rows.append([*cells, by, mean["overlap"] or "–"])
    header = ("set", "protocol", "model", "images", f"input {titles}", f"restored {titles}", "published")
    header = (*header, "budget, recipe", "overlap")
    return markdown(header, rows)


def not_run_tables(means: Sequence[dict]) -> list[str]:
    """For the sets and settings of means, the published values of methods that the same tables print and nobody ran.

    A heading and a table for each printed table and set: a line per method, a column per setting.
    """
    names = [quantity(metric).name for metric in metrics_of(with_psnr_of_mse(means))]
    found: set[tuple] = set()
    wanted: set[tuple] = set()
    tables: set[tuple] = set()
    for mean in means:
        place = (mean["task"], mean["dataset"], mean["setting"])
        channels = int(mean["channels"])
        own = find(*place, method_of(mean), channels, names)
        found |= {_key(row) for row in own}
        wanted |= {_key(row) for row in printed_for(*place, channels) if row["metric"] in names}
        # of a table about another set only where it prints what was run
        tables |= {_table(row) for row in own if row["table"] != AUTHORS}
        tables |= {_table(row) for row in printed_for(*place, channels) if _compares(row, mean["dataset"])}
    groups: dict[tuple, list[Row]] = {}
    for row in published():
        if _key(row) in wanted - found and _table(row) in tables:
            groups.setdefault(_table(row), []).append(row)
    parts = []
    for (paper, table, dataset), rows in groups.items():
        settings = dict.fromkeys(row["setting"] for row in rows)
        metrics = [name for name in names if any(row["metric"] == name for row in rows)]
        cells: dict[tuple[str, str], dict[str, str]] = {}
        for row in rows:
            cells.setdefault((row["method"], row["setting"]), {})[row["metric"]] = row["value"]
        methods = dict.fromkeys(row["method"] for row in rows)
        lines = [[name, *(joined(cells.get((name, at), {}), metrics) or "–" for at in settings)] for name in methods]
        parts.append(f"published in {paper} {table} for {set_title(dataset)}, not run here")
        parts.append(markdown((" / ".join(quantity(metric).title for metric in metrics), *settings), lines))
    return parts


def _compares(row: Row, dataset: str) -> bool:
    """Whether a printed row is of a table about a set that compares methods, not of what one says of itself."""
    return row["dataset"] == dataset and row["table"] != AUTHORS


def _table(row: Row) -> tuple[str, ...]:
    return row["paper"], row["table"], row["dataset"]


def _key(row: Row) -> tuple[str, ...]:
    return tuple(value for column, value in row.items() if column != "value")


def images_table(rows: Sequence[dict]) -> str:
    """A line per image and a last one for their mean; a column for the input, one per method, and the published ones.

    Papers print some methods image by image: a method's printed values stand in a column behind it.

    Args:
        rows: results rows of one protocol, set and setting; methods and metrics in order of appearance.
    """
    metrics = metrics_of(rows)
    methods = list(dict.fromkeys(map(label_of, rows)))
    lines: dict[str, dict[str, Line]] = {}  # by image and method
    for row in rows:
        lines.setdefault(row["image"], {}).setdefault(label_of(row), {})[row["metric"]] = row
    cells = []
    for image, by_method in lines.items():
        degraded = values(next(iter(by_method.values())), metrics, "value_input")
        cells.append([image, degraded, *(values(by_method.get(method, {}), metrics) for method in methods)])
    columns = [("value_input", methods[0]), *(("value", method) for method in methods)]
    cells.append(["mean", *(_mean_cell(lines, method, metrics, column) for column, method in columns)])
    titles = " / ".join(quantity(metric).title_and_unit for metric in metrics)
    header = [titles, "input", *(method.replace("_", " ") for method in methods)]
    for place, method in reversed(list(enumerate(methods, start=2))):
        if any(column := _published_column(rows, method, [*lines], metrics)):
            header.insert(place + 1, f"{header[place]}, published")
            for line, text in zip(cells, column, strict=True):
                line.insert(place + 1, text or "–")
    return markdown(header, cells)


def _published_column(rows: Sequence[dict], method: str, images: Sequence[str], metrics: Sequence[str]) -> list[str]:
    """What is printed of a method for each image, and for the set last; all empty where no image is printed alone."""
    row = next(row for row in rows if label_of(row) == method)
    names = [quantity(metric).name for metric in metrics]
    dataset = row["dataset"]
    places = [*(f"{dataset}/{image_name(dataset, image)}" for image in images), dataset]
    column = []
    for place in places:
        found = find(row["task"], place, row["setting"], method_of(row), int(row["channels"]), names)
        own = [each for each in found if of_image(each) == of_image({"dataset": place})]
        column.append(joined({each["metric"]: each["value"] for each in own}, names))
    return column if any(column[:-1]) else [""] * len(column)


def _mean_cell(lines: dict[str, dict[str, Line]], method: str, metrics: Sequence[str], column: str) -> str:
    cells = []
    for metric in metrics:
        of_images = [line[method][metric][column] for line in lines.values() if metric in line.get(method, {})]
        cells.append(quantity(metric).text(fmean(of_images) if of_images else float("nan")))
    return " / ".join(cells)

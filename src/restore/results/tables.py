"""Tables as text: the same characters on a terminal, in a log and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from restore.results.published import cell, find
from restore.results.quantities import quantity
from restore.results.store import GROUP

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


def values(line: Line, metrics: Sequence[str], column: str = "value") -> str:
    """One line's values, ``29.50 / 0.9000``; – for a metric that is not defined there."""
    return " / ".join(
        quantity(metric).text(line[metric][column] if metric in line else float("nan")) for metric in metrics
    )


def recipe_of(row: dict) -> str:
    """The recipe that a network was trained by; rows from before it was written down are of ours."""
    return row.get("recipe") or "ours"


# -- tables ----------------------------------------------------------------------------------------


def means_table(means: Sequence[dict]) -> str:
    """A line per set, setting and protocol: images, input, restored, and what the paper prints for this network.

    Where a metric is defined for some of the images, the number of those stands behind its value.
    """
    metrics = metrics_of(means)
    titles = " / ".join(quantity(metric).title for metric in metrics)
    names = [quantity(metric).name for metric in metrics]
    rows = []
    for line in lines_of(means):
        mean = next(iter(line.values()))
        place = (mean["task"], mean["dataset"], mean["setting"], mean["model"], int(mean["channels"]))
        images = max(int(each["images"]) for each in line.values())
        some = [f"{metric} of {each['images']}" for metric, each in line.items() if int(each["images"]) < images]
        restored = values(line, metrics) + (f" ({', '.join(some)})" if some else "")
        cells = [f"{mean['dataset']} {mean['setting']}", mean["protocol"], mean["model"], str(images)]
        cells += [values(line, metrics, "value_input"), restored, cell(find(*place, metrics=names), names)]
        rows.append([*cells, mean["overlap"] or "–"])
    header = ("set", "protocol", "model", "images", f"input {titles}", f"restored {titles}", "published", "overlap")
    return markdown(header, rows)


def images_table(rows: Sequence[dict]) -> str:
    """A line per image and a last one for their mean; a column for the input and one per method.

    Args:
        rows: results rows of one protocol, set and setting; methods and metrics in order of appearance.
    """
    metrics = metrics_of(rows)
    methods = list(dict.fromkeys(row["model"] for row in rows))
    lines: dict[str, dict[str, Line]] = {}  # by image and method
    for row in rows:
        lines.setdefault(row["image"], {}).setdefault(row["model"], {})[row["metric"]] = row
    cells = []
    for image, by_method in lines.items():
        degraded = values(next(iter(by_method.values())), metrics, "value_input")
        cells.append([image, degraded, *(values(by_method.get(method, {}), metrics) for method in methods)])
    columns = [("value_input", methods[0]), *(("value", method) for method in methods)]
    cells.append(["mean", *(_mean_cell(lines, method, metrics, column) for column, method in columns)])
    titles = " / ".join(quantity(metric).title_and_unit for metric in metrics)
    return markdown([titles, "input", *(method.replace("_", " ") for method in methods)], cells)


def _mean_cell(lines: dict[str, dict[str, Line]], method: str, metrics: Sequence[str], column: str) -> str:
    cells = []
    for metric in metrics:
        of_images = [line[method][metric][column] for line in lines.values() if metric in line.get(method, {})]
        cells.append(quantity(metric).text(fmean(of_images) if of_images else float("nan")))
    return " / ".join(cells)

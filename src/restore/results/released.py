"""What the authors' files give here beside what was printed of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import fmean

from restore.released import Released, released
from restore.results.paper_tables import once
from restore.results.published import (
    AUTHORS,
    Row,
    channels_of,
    find,
    joined,
    method_of,
    printed_tasks,
    published,
    set_title,
)
from restore.results.quantities import quantity
from restore.results.tables import markdown, metrics_of

FINEST = 4  # decimals that are stored of a metric, and so known of a difference


def released_table(rows: Iterable[dict]) -> str:
    """A line per method, set, setting, protocol and file: published, measured, their difference, the file and its hash.

    Of several printed values the one of the protocol's own paper is taken, then what the method's authors print
    themselves, then the first; where that was printed for a set that the paper does not name, there is no difference.
    The difference is that of the mean as it was measured, with a decimal more than the paper has.

    Args:
        rows: of any number of results files; those of authors' files are taken, each score once.
    """
    header, lines = released_lines(rows)
    return markdown(header, lines) if lines else "No authors' file was scored."


def released_lines(rows: Iterable[dict]) -> tuple[tuple[str, ...], list[list[str]]]:
    """Header and lines of `released_table`; no lines where no file was scored."""
    own = once(row for row in rows if row["method_kind"] == "released")
    metrics = [label for label in metrics_of(own) if quantity(label).name in {row["metric"] for row in published()}]
    groups: dict[tuple, list[dict]] = {}
    for row in own:
        place = (row["run"], row["protocol"], row["dataset"], row["setting"], row["channels"])
        groups.setdefault(place, []).append(row)
    lines = [_line(group, metrics) for group in sorted(groups.values(), key=_order(own))]
    titles = " / ".join(quantity(metric).title for metric in metrics)
    header = ("method", "set", "setting", f"published {titles}", "measured", "difference", "protocol", "file")
    return header, lines


def not_scored(rows: Iterable[dict]) -> str:
    """The files that a paper prints numbers of and that no row is of, in one sentence; empty where there are none."""
    scored = {row["run"] for row in rows if row["method_kind"] == "released"}
    names = [each.name for each in released() if each.model and each.name not in scored and _is_printed(each)]
    return f"Not run: fetch {', '.join(names)}." if names else ""


def _is_printed(file: Released) -> bool:
    return any(
        row["method"] == file.method
        and row["task"] in printed_tasks(file.task)
        and file.fits(row["setting"], channels_of(row))
        for row in published()
    )


def _order(rows: Sequence[dict]):
    """Key of a group of rows: methods as in the list, protocols and sets as they appear, settings by their strength."""
    methods = list(dict.fromkeys(each.method for each in released()))
    protocols = list(dict.fromkeys(row["protocol"] for row in rows))
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))

    def key(group: Sequence[dict]) -> tuple:
        row, method = group[0], method_of(group[0])
        place = methods.index(method) if method in methods else len(methods)
        strength = [float(number) for number in re.findall(r"[\d.]+", row["setting"])]
        parameter = row["setting"].partition("=")[0]
        return place, method, protocols.index(row["protocol"]), datasets.index(row["dataset"]), parameter, strength

    return key


def _line(group: Sequence[dict], metrics: Sequence[str]) -> list[str]:
    row = group[0]
    printed = _printed(row, [quantity(metric).name for metric in metrics])
    published, measured, difference = (dict[str, str]() for _ in range(3))
    for metric in metrics:
        values, known = [each["value"] for each in group if each["metric"] == metric], quantity(metric)
        theirs = next((each["value"] for each in printed if each["metric"] == known.name), "")
        decimals = len(theirs.partition(".")[2])
        if theirs:
            published[metric] = theirs
        if values:
            measured[metric] = f"{fmean(values):.{max(known.digits, decimals)}f}"
        if values and theirs and printed[0]["dataset"] == row["dataset"]:
            digits = min(decimals + 1, FINEST)
            difference[metric] = f"{round(fmean(values) - float(theirs), digits) + 0.0:+.{digits}f}"  # no −0
    cells = [joined(each, metrics) or "–" for each in (published, measured, difference)]
    if printed:
        cells[0] += f" ({_source(printed[0], row['dataset'])})"
    name = next((each.file for each in released() if each.name == row["run"]), row["run"])
    place = [method_of(row), row["dataset"], row["setting"]]
    return [*place, *cells, row["protocol"], f"{name} {row['checkpoint_sha256'][:8]}"]


def _printed(row: dict, metrics: Sequence[str]) -> list[Row]:
    """The published values that a row's mean stands beside, of one table."""
    found = find(row["task"], row["dataset"], row["setting"], method_of(row), int(row["channels"]), metrics)
    paper = re.split(r"[+×]", row["protocol"])[0]
    tables: dict[tuple[str, str, str], list[Row]] = {}
    for each in found:
        tables.setdefault((each["paper"], each["table"], each["dataset"]), []).append(each)
    best = min(tables, key=lambda table: (table[0] != paper, table[1] != AUTHORS), default=None)
    return tables[best] if best else []


def _source(printed: Row, dataset: str) -> str:
    elsewhere = f", on {set_title(printed['dataset'])}" if printed["dataset"] != dataset else ""
    return f"{printed['paper']} {printed['table']}{elsewhere}"

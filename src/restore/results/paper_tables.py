"""The papers' tables by their names, ``red_4``: every method that a paper prints, and what was run here beside it.

A table is made from rows of ``results.csv``. Each set is a table of its own with a column for each setting (in DnCNN's
Table III each noise level is one, with a column for each image, as it is printed). Each method has a line with the
published values and, beneath it, one for what its authors' files give here by each protocol, and one for each budget,
recipe and protocol that a network of ours was run by, with the mean and the deviation over the seeds; ``not run`` where
there is none, with the authors' files that it takes. What was run and is not printed stands at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean

from restore.errors import unknown_name
from restore.released import released
from restore.results.grid import short, without_seed
from restore.results.published import (
    AUTHORS,
    Row,
    channels_of,
    find,
    image_name,
    joined,
    method_of,
    of_image,
    printed_tasks,
    published,
    set_title,
    stands_for,
)
from restore.results.quantities import quantity
from restore.results.statistics import mean_and_deviation
from restore.results.tables import markdown, psnr_of, recipe_of

PAPERS = {"red": "RED-Net", "dncnn": "DnCNN", "gopro": "The GOPRO study", "nah": "Nah et al."}
PAPERS |= {"srcnn": "SRCNN", "vdsr": "VDSR", "ffdnet": "FFDNet", "fdncnn": "FDnCNN"}  # of the compared methods
NOTES = {
    "red_1": "The paper shows fourteen images and does not name them: ours say where they are of Set12 instead.",
    "red_3": "The paper shows fourteen images and does not name them: ours say where they are of Set12 instead.",
    "red_10": "Test images and the motion kernel are not stated: ours name their set, and blur by 15 pixels at 45°.",
    "red_fig7": "The values at which the figure's four curves end; which network's each is, and the noise level, are not "
    "in the text. The figure itself is experiment=red_residual_blocks.",
    "gopro_1": "The errors are as printed. The printed PSNRs do not follow from them: these are 10 log10(1 / MSE), the "
    "PSNR of the mean MSE, which is no higher than the mean of the images' PSNRs.",
}


def table_names() -> list[str]:
    """Names of the tables: the paper's and the table's."""
    return list(dict.fromkeys(map(name_of, published())))


def name_of(row: Row) -> str:
    return f"{row['paper']}_{re.sub('[^A-Za-z0-9.]', '', row['table'])}".replace("Fig.", "fig")


def paper_table(name: str, rows: Iterable[dict]) -> str:
    """A printed table with our rows in it.

    Args:
        name: one of `table_names`, whatever its capitals.
        rows: of any number of results files; a score that stands in several is taken once.

    Raises:
        RequestError: no table has that name.
    """
    printed = printed_rows(name)
    parts = [title_of(printed), NOTES.get(name_of(printed[0]), "")]
    for part in paper_parts(name, rows):
        parts += [part.title, markdown(part.header, part.lines)]
    return "\n\n".join(filter(None, parts))


@dataclass(frozen=True)
class Part:
    """One set of a table, or one noise level of DnCNN's Table III: what is above it, its header and its lines."""

    title: str
    header: tuple[str, ...]
    lines: list[list[str]]


def paper_parts(name: str, rows: Iterable[dict]) -> list[Part]:
    """The parts of a printed table with our rows in it; arguments as of `paper_table`."""
    scores = once(rows)
    return [_part(group, own_rows(group, scores), by_image) for group, by_image in printed_groups(printed_rows(name))]


def printed_rows(name: str) -> list[Row]:
    """What a table prints.

    Raises:
        RequestError: no table has that name.
    """
    printed = [row for row in published() if name_of(row).lower() == name.lower()]
    if not printed:
        raise unknown_name("table", name, table_names())
    return printed


def printed_groups(printed: Sequence[Row]) -> Iterator[tuple[list[Row], bool]]:
    """A table's rows set by set; where single images are printed setting by setting, and true."""
    by_image = any(of_image(row)[1] for row in printed)
    groups: dict[str, list[Row]] = {}
    for row in printed:
        groups.setdefault(row["setting"] if by_image else row["dataset"], []).append(row)
    for group in groups.values():
        yield group, by_image


def title_of(printed: Sequence[Row]) -> str:
    """``RED-Net, Table 4``."""
    return f"{PAPERS[printed[0]['paper']]}, {place_in_paper(printed[0]['table'])}"


def place_in_paper(table: str) -> str:
    if table == AUTHORS:
        return "its authors' own numbers"
    return table if table.startswith("Fig") else f"section {table}" if "." in table else f"Table {table}"


def once(rows: Iterable[dict]) -> list[dict]:
    """Each score once: a grid's file has its jobs' rows again, and a run may have been scored again."""
    seen: dict[tuple, dict] = {}
    for row in rows:
        network = row["checkpoint_sha256"] or (row["run"] if row["method_kind"] != "classical" else "")
        place = tuple(
            str(row[key]) for key in ("model", "protocol", "dataset", "setting", "image", "metric", "channels")
        )
        seen.setdefault((network, *place), row)
    return list(seen.values())


# -- what belongs into a table ---------------------------------------------------------------------


def own_rows(printed: Sequence[Row], rows: Iterable[dict]) -> list[dict]:
    """Our rows on the same sets and settings, each with the printed method that it is, empty where it is another."""
    metrics = metrics_printed(printed)
    tables = {(row["paper"], row["table"]) for row in printed}
    methods: dict[tuple, str] = {}
    own = []
    for row in rows:
        if quantity(row["metric"]).name not in {"mse" if name == "psnr_of_mse" else name for name in metrics}:
            continue
        place = (row["task"], row["dataset"], row["setting"])
        key = (*place, method_of(row), int(row["channels"]))
        if key not in methods:
            if not any(_same_place(key, each) for each in printed):
                continue
            found = find(*key, metrics=metrics)
            methods[key] = next((each["method"] for each in found if (each["paper"], each["table"]) in tables), "")
        own.append(row | {"method": methods[key]})
    return own


def _same_place(key: tuple[str, str, str, str, int], row: Row) -> bool:
    task, dataset, setting, _, channels = key
    return (
        setting == row["setting"]
        and channels == channels_of(row)
        and row["task"] in printed_tasks(task)
        and stands_for(dataset, of_image(row)[0])
    )


def metrics_printed(printed: Sequence[Row]) -> list[str]:
    """The metrics of a table; beside a PSNR of the mean MSE also the mean of the PSNRs."""
    names = list(dict.fromkeys(row["metric"] for row in printed))
    return [*names, "psnr"] if "psnr_of_mse" in names else names


# -- a part of a table -----------------------------------------------------------------------------


def _part(printed: Sequence[Row], own: Sequence[dict], by_image: bool) -> Part:
    """One set, or one setting with a column for each image."""
    metrics = metrics_printed(printed)
    columns = list(dict.fromkeys(column_of(row, by_image) for row in printed))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in printed:
        cells.setdefault((row["method"], column_of(row, by_image)), {})[row["metric"]] = row["value"]
    digits = {column: {metric: digits_of(cells, column, metric) for metric in metrics} for column in columns}
    dataset, setting = of_image(printed[0])[0], printed[0]["setting"]
    lines = []
    for method in dict.fromkeys(row["method"] for row in printed):
        runs = runs_by_name([row for row in own if row["method"] == method], dataset)
        what = "published" if runs else _not_run([row for row in printed if row["method"] == method])
        lines.append([method, what, *(joined(cells.get((method, column), {}), metrics) or "–" for column in columns)])
        lines += [["", name, *_run_cells(run, digits, by_image)] for name, run in runs.items()]
    others = [row for row in own if not row["method"]]
    for method in dict.fromkeys(map(method_of, others)):
        for name, run in runs_by_name([row for row in others if method_of(row) == method], dataset).items():
            title = f"{method.replace('_', ' ')} (not in this table)"
            lines.append([title, name, *_run_cells(run, digits, by_image)])
    place = f"{dataset} {setting}" if by_image else set_title(dataset)
    titles = " / ".join(quantity(metric).title for metric in metrics)
    return Part(f"{place}: {titles}{'' if own else '; nothing was run on it'}", ("method", "", *columns), lines)


def _not_run(printed: Sequence[Row]) -> str:
    """What to say of a method's printed rows where nobody ran it: which of its authors' files that takes."""
    files = [
        each.name
        for each in released()
        if each.baseline and each.method == printed[0]["method"]
        if any(
            row["task"] in printed_tasks(each.task) and each.fits(row["setting"], channels_of(row)) for row in printed
        )
    ]
    return f"published; not run: fetch {', '.join(files)}" if files else "published, not run"


def column_of(row: Row, by_image: bool) -> str:
    return (of_image(row)[1] or "mean") if by_image else row["setting"]


def digits_of(cells: Mapping[tuple[str, str], Mapping[str, str]], column: str, metric: str) -> int:
    """Decimals of a metric in a column: as many as its longest printed value has."""
    printed = [each.get(metric, "") for (_, at), each in cells.items() if at == column]
    return max(quantity(metric).digits, *(len(value.partition(".")[2]) for value in printed))


def runs_by_name(rows: Sequence[dict], dataset: str) -> dict[str, list[dict]]:
    """Rows of the same budget, recipe and protocol together, by what they are called in the table.

    Runs of one experiment that differ in their seed alone are one; where two have the same seed, they differ in
    something else, and each point of their grid stands alone. Authors' files of one method are one too, whatever they
    were scored beside, each in the columns that it is for.
    """
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        group = [row[key] for key in ("protocol", "dataset", "method_kind")]
        if row["method_kind"] != "released":
            group += [row["experiment"], row["budget"], row["task"], recipe_of(row)]
        groups.setdefault(tuple(group), []).append(row)
    named: dict[str, list[dict]] = {}
    for group in groups.values():
        points: dict[str, list[dict]] = {"": group}
        if _repeats_a_seed(group):
            points = {}
            for row in group:
                points.setdefault(short(without_seed(row["run"])), []).append(row)
        named |= {_run_name(point, members, dataset): members for point, members in points.items()}
    return named


def _repeats_a_seed(rows: Sequence[dict]) -> bool:
    places = [tuple(row[key] for key in ("seed", "setting", "image", "metric")) for row in rows]
    return len(set(places)) < len(places)


def _run_name(point: str, rows: Sequence[dict], dataset: str) -> str:
    row = rows[0]
    parts = [f"on {row['dataset']}" if row["dataset"] != dataset else "", f"protocol {row['protocol']}"]
    if row["method_kind"] == "network":
        seeds = len({each["seed"] for each in rows})
        parts = [row["experiment"], point, row["task"] if row["task"].endswith("_blind") else "", *parts]
        trained = [f"budget {row['budget']}" if row["budget"] else "", f"recipe {recipe_of(row)}"]
        parts += [*trained, f"{seeds} seeds" if seeds > 1 else "1 seed"]
    seen = len({each["image"] for each in rows if each["overlap"] not in ("", "none", "unknown")})
    parts.append(f"{seen} images trained on" if seen else "")
    if row["method_kind"] == "released":
        return f"here, authors' files{f' ({point})' if point else ''}: " + ", ".join(part for part in parts if part)
    return "here: " + ", ".join(part for part in parts if part)


def _run_cells(rows: Sequence[dict], digits: Mapping[str, Mapping[str, int]], by_image: bool) -> list[str]:
    """Our values, a cell for each column."""
    cells = []
    for column, metrics in digits.items():
        if by_image:
            own = [row for row in rows if column in ("mean", image_name(row["dataset"], row["image"]))]
        else:
            own = [row for row in rows if row["setting"] == column]
        values = {metric: _value(own, metric, decimals) for metric, decimals in metrics.items()}
        cells.append(joined(values, [*metrics]) or "–")
    return cells


def _value(rows: Sequence[dict], metric: str, digits: int) -> str:
    """Mean over images, then over runs, ± the deviation over the runs; – where there is none."""
    source = "mse" if metric == "psnr_of_mse" else metric
    runs: dict[tuple, list[float]] = {}
    for row in rows:
        if quantity(row["metric"]).name == source:
            runs.setdefault((row["run"], row["seed"]), []).append(row["value"])
    if not runs:
        return "–"
    means = [fmean(values) for values in runs.values()]
    average, deviation = mean_and_deviation([psnr_of(mean) for mean in means] if metric != source else means)
    return f"{average:.{digits}f}" + ("" if isnan(deviation) else f" ± {deviation:.{digits}f}")

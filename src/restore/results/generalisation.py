"""The generalisation matrix: each network on each corruption and strength that it was scored on, those it never saw too."""

from __future__ import annotations

import csv
import io
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from statistics import fmean
from typing import Any

from restore import atomic
from restore.results.comparison import budget_in_words, overlap_in_words, short_hashes
from restore.results.grid import short, without_seed
from restore.results.paper_tables import once
from restore.results.quantities import quantity
from restore.results.statistics import mean_and_deviation
from restore.results.style import COLUMN, TEXT, drawing, save
from restore.results.tables import label_of, markdown

TRAINED, UNKNOWN = "●", "?"  # marks of a cell; one that was not trained on has none
COLUMNS = (
    *("network", "dataset", "protocol", "setting", "trained_on", "metric", "value", "deviation", "value_input", "gain"),
    *("seeds", "images", "trained", "overlap", "checkpoint"),
)
LABEL = 30  # letters of a network's name on a line of the heatmap
LEGEND = f"{TRAINED} trained on this strength, {UNKNOWN} not known whether; – not scored."
Trained = Callable[[Mapping[str, Any]], "bool | None"]


@dataclass(frozen=True)
class Cell:
    """One network in one setting.

    Attributes:
        values: mean over the images of each seed.
        value_input: of the degraded images.
        trained_on: whether the strength is one that it was trained on; None where that is not known.
        rows: that it is made of.
    """

    values: tuple[float, ...]
    value_input: float
    trained_on: bool | None
    rows: Sequence[dict]

    @property
    def value(self) -> float:
        return fmean(self.values)

    @property
    def gain(self) -> float:
        """Over the degraded image."""
        return self.value - self.value_input

    @property
    def mark(self) -> str:
        return {True: TRAINED, False: "", None: UNKNOWN}[self.trained_on]


@dataclass(frozen=True)
class Matrix:
    """Networks by settings on one set, by one protocol.

    Attributes:
        cells: by network and setting.
    """

    dataset: str
    protocol: str
    metric: str
    cells: Mapping[tuple[str, str], Cell]

    @property
    def networks(self) -> list[str]:
        return list(dict.fromkeys(network for network, _ in self.cells))

    @property
    def settings(self) -> list[str]:
        """Corruptions in the order in which they appear, each by its strength."""
        names = list(dict.fromkeys(setting for _, setting in self.cells))
        kinds = list(dict.fromkeys(map(_kind, names)))
        return sorted(
            names, key=lambda name: (kinds.index(_kind(name)), [float(n) for n in re.findall(r"\d+(?:\.\d+)?", name)])
        )

    @property
    def name(self) -> str:
        """``generalisation_set5_dncnn``, for files."""
        return re.sub(r"[^\w.+=-]+", "_", f"generalisation_{self.dataset}_{self.protocol}")


def matrices(rows: Sequence[dict], trained_on: Trained, metric: str = "psnr") -> list[Matrix]:
    """A matrix for each set and protocol by which two networks or more were scored in two settings or more each.

    Seeds of one network are one line of it. Classical methods are left out: they are not trained.

    Args:
        rows: of any number of results files; a score that stands in several is taken once.
        trained_on: of a row; None where it is not known.
        metric: by its name.
    """
    places: dict[tuple[str, str, str], dict[tuple[str, str], list[dict]]] = {}
    for row in once(
        row for row in rows if row["method_kind"] != "classical" and quantity(row["metric"]).name == metric
    ):
        cells = places.setdefault((row["dataset"], row["protocol"], row["metric"]), {})
        cells.setdefault((network_of(row), row["setting"]), []).append(row)
    found = []
    for (dataset, protocol, label), cells in places.items():
        counts = Counter(network for network, _ in cells)
        several = {network for network, count in counts.items() if count > 1}
        if len(several) > 1:
            known = {place: _cell(group, trained_on) for place, group in cells.items() if place[0] in several}
            found.append(Matrix(dataset, protocol, label, known))
    return sorted(found, key=lambda matrix: -len(matrix.settings))


def network_of(row: Mapping[str, Any]) -> str:
    """What a network is called: a file or a shipped run by its name, a grid's point with what it differs in."""
    if row["method_kind"] != "network" or not row["run"]:
        return label_of(row)
    if "/" in row["run"]:  # of a folder that was evaluated
        return row["run"].rpartition("/")[2]
    run = without_seed(row["run"])
    point = short(run) if "=" in run else run if run != "all" else ""
    model = "" if f"model={row['model']}" in point else row["model"]
    return " ".join(dict.fromkeys(filter(None, (row["experiment"], model, point))))


def _kind(setting: str) -> str:
    return setting.partition("=")[0]


def _cell(rows: Sequence[dict], trained_on: Trained) -> Cell:
    seeds: dict[tuple, list[float]] = {}
    for row in rows:
        seeds.setdefault((row["run"], row["seed"]), []).append(row["value"])
    values = tuple(fmean(each) for each in seeds.values())
    return Cell(values, fmean(row["value_input"] for row in rows), trained_on(rows[0]), rows)


# -- as text ---------------------------------------------------------------------------------------


def matrix_table(matrix: Matrix) -> str:
    """A line a network and a column a setting: gain over the degraded image, the value, and the mark."""
    header, lines = matrix_lines(matrix)
    known = quantity(matrix.metric)
    title = f"{matrix.dataset}, protocol {matrix.protocol}: gain over the input in {known.unit or known.title} ({known.title})"
    return "\n\n".join((title, markdown(header, lines), LEGEND))


def matrix_lines(matrix: Matrix) -> tuple[tuple[str, ...], list[list[str]]]:
    """Header and lines of `matrix_table`; the first line is the degraded image."""
    known, settings = quantity(matrix.metric), matrix.settings
    inputs = {setting: cell.value_input for (_, setting), cell in matrix.cells.items()}
    lines = [["input", *(f"({known.text(inputs[setting])})" for setting in settings)]]
    for network in matrix.networks:
        cells = (matrix.cells.get((network, setting)) for setting in settings)
        lines.append([network, *(_text(cell, known) if cell else "–" for cell in cells)])
    return ("network", *settings), lines


def _text(cell: Cell, known: Any) -> str:
    _, deviation = mean_and_deviation(cell.values)
    spread = "" if isnan(deviation) else f" ± {known.text(deviation)}"
    return " ".join(filter(None, (f"{cell.gain:+.{known.digits}f} ({known.text(cell.value)}{spread})", cell.mark)))


def matrix_csv(found: Sequence[Matrix]) -> str:
    """Every cell of every matrix as a row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for matrix in found:
        for (network, setting), cell in matrix.cells.items():
            digits = quantity(matrix.metric).stored_digits
            numbers = (cell.value, mean_and_deviation(cell.values)[1], cell.value_input, cell.gain)
            value, deviation, before, gain = ("" if isnan(number) else f"{number:.{digits}f}" for number in numbers)
            trained = {True: "yes", False: "no", None: "unknown"}[cell.trained_on]
            images = len({row["image"] for row in cell.rows})
            place = (network, matrix.dataset, matrix.protocol, setting, trained, matrix.metric)
            counts = (
                len(cell.values),
                images,
                budget_in_words(cell.rows[0]),
                overlap_in_words(cell.rows),
                short_hashes(cell.rows),
            )
            writer.writerow([*place, value, deviation, before, gain, *counts])
    return text.getvalue()


# -- as a picture ----------------------------------------------------------------------------------


def draw_matrix(matrix: Matrix, path: Path) -> list[Path]:
    """A heatmap of the gain: orange below the degraded image, purple above it; cells that were trained on are framed."""
    known, networks, settings = quantity(matrix.metric), matrix.networks, matrix.settings
    largest = max(abs(cell.gain) for cell in matrix.cells.values()) or 1
    shown = min(largest, 10.0) if known.unit == "dB" else largest  # one failure would pale all others
    names = ["\n".join(textwrap.wrap(network, LABEL, break_on_hyphens=False)) for network in networks]
    longest = max(len(line) for name in names for line in name.split("\n"))
    size = max(COLUMN, 0.056 * longest + 0.36 * len(settings) + 0.75)
    with drawing(1.25 + 0.2 * max(3, sum(1 + name.count("\n") for name in names)), width=size) as (figure, ((axis,),)):
        values = [
            [matrix.cells[network, at].gain if (network, at) in matrix.cells else float("nan") for at in settings]
            for network in networks
        ]
        sign = 1 if known.higher_is_better else -1
        image = axis.imshow(
            [[sign * v for v in line] for line in values], cmap="PuOr", vmin=-shown, vmax=shown, aspect="auto"
        )
        axis.set_facecolor("#eeeeee")
        for line, network in enumerate(networks):
            for column, setting in enumerate(settings):
                cell = matrix.cells.get((network, setting))
                if cell is None:
                    axis.text(column, line, "–", ha="center", va="center", color="#666666")
                    continue
                dark = abs(cell.gain) > 0.62 * shown
                text = f"{cell.gain:+.{1 if known.unit == 'dB' else 2}f}{UNKNOWN if cell.trained_on is None else ''}"
                axis.text(
                    column, line, text, ha="center", va="center", color="white" if dark else "black", fontsize=TEXT
                )
                if cell.trained_on:
                    for colour, linewidth in (("white", 2.6), ("black", 1.2)):  # seen on dark cells too
                        box = {"fill": False, "edgecolor": colour, "linewidth": linewidth}
                        axis.add_patch(_rectangle(column - 0.45, line - 0.42, 0.9, 0.84, **box))
        axis.set_xticks(range(len(settings)), settings, rotation=40, ha="right", rotation_mode="anchor")
        axis.set_yticks(range(len(networks)), names)
        axis.tick_params(length=0)
        bar = figure.colorbar(image, ax=axis, pad=0.02, fraction=0.06, aspect=14)
        bar.set_label(f"gain{f' / {known.unit}' if known.unit else ''}", fontsize=TEXT)
        unknown = f"; {UNKNOWN} not known" if any(cell.trained_on is None for cell in matrix.cells.values()) else ""
        figure.suptitle(f"{matrix.dataset}, protocol {matrix.protocol}; framed: trained on{unknown}", fontsize=TEXT)
        return save(figure, path)


def _rectangle(left: float, top: float, width: float, height: float, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, **style)


def write_matrices(found: Sequence[Matrix], out: Path) -> list[Path]:
    """Write ``generalisation.md``, ``generalisation.csv`` and a heatmap of each matrix."""
    out.mkdir(parents=True, exist_ok=True)
    files = [out / "generalisation.md", out / "generalisation.csv"]
    atomic.write(files[0], "\n\n".join(map(matrix_table, found)) + "\n")
    atomic.write(files[1], matrix_csv(found))
    return [*files, *(file for matrix in found for file in draw_matrix(matrix, out / matrix.name))]

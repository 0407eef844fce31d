"""Figures of several methods side by side, as the papers have them: crops of one test image, with each method's value."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw

from restore.evaluation.baselines import BASELINES
from restore.results.crops import CLEAN, INPUT, RECORD, Crops, Record, file_name, is_compared, residual_of
from restore.results.grid import without_seed
from restore.results.panels import Panel, Row, compose, write
from restore.results.quantities import quantity
from restore.runfolder import RunFolder

log = logging.getLogger("restore")


@dataclass(frozen=True)
class Kept:
    """The crops that one job kept of one test image."""

    job: str
    folder: Path
    record: Record


def draw_crops(crops: Crops, folder: Path) -> list[Path]:
    """The sheets of one test, in its own folder; says for which entries nothing was tested."""
    for line in crops.missing:
        log.info(f"no sheet    {line} was not tested")
    return draw_sheets([folder], folder) if crops.sheets else []


def draw_sheets(folders: Sequence[Path | RunFolder], out: Path) -> list[Path]:
    """Draw ``sheet_<figure>.png`` for each figure that the folders have crops of.

    A figure is the input, the classical methods, the networks in the order of the folders, and the clean image, under
    each method its value by the protocol's first metric on the whole image, not on the crop. Folders are a run's own
    or the jobs of a sweep: a network is then called by its name and what its job differs in, and of several seeds the
    first is shown. A job whose test pair was another than the first one's is left out, and said.

    Args:
        folders: of runs, and any other that has ``crops``.
        out: where the pictures go.

    Returns:
        The files that were written.
    """
    kept = [crops for folder in folders for crops in kept_in(Path(folder))]
    figures: dict[str, dict[tuple[str, str, str], list[Kept]]] = {}
    for crops in kept:
        record = crops.record
        place = (record.dataset, record.setting, record.image)
        figures.setdefault(record.figure, {}).setdefault(place, []).append(crops)
    files = []
    for figure, places in figures.items():
        name = re.sub(r"\W+", "_", figure).strip("_").lower()
        title, rows = f"Fig. {figure}" if figure.isdigit() else figure, [row_of(crops) for crops in places.values()]
        files.append(write(partial(compose, rows, title), out / f"sheet_{name}.png"))
    return files


def kept_in(folder: Path) -> Iterator[Kept]:
    """The crops of a folder, by set, setting and image."""
    for file in sorted(RunFolder(folder).crops.glob(f"*/*/*/{RECORD}")):
        if record := Record.read(file.parent):
            yield Kept(folder.name, file.parent, record)


def row_of(crops: Sequence[Kept]) -> Row:
    """One test image: what every job made of it."""
    first = crops[0]
    same = [each for each in crops if each.record.same_pair(first.record)]
    for other in (each for each in crops if each not in same):
        log.warning(f"left out    {other.job} of sheet {first.record.figure}: its test pair or crop is another")
    known, value = quantity(first.record.metric), first.record.values[INPUT]
    panels = [_panel(first, INPUT, INPUT, known.caption(value))]
    shown, seeds = points(same)
    for label, method, each in shown:
        panels.append(_panel(each, method, label, known.caption(each.record.values[method])))
        if each.record.residual:
            panels.append(_panel(each, residual_of(method), label, "residual, normalised"))
    panels.append(_panel(first, CLEAN, CLEAN, ""))
    where = f"{first.record.dataset} {first.record.image}, {first.record.setting}, protocol {first.record.protocol}"
    return Row(where + (f", seed {seeds}" if seeds else ""), tuple(panels))


def points(crops: Sequence[Kept]) -> tuple[list[tuple[str, str, Kept]], str]:
    """Label, method and crops of everything that is shown, networks that were trained last; and the seeds that they are of."""
    points: dict[tuple[str, str], Kept] = {}
    for each in crops:
        for method in (name for name in each.record.values if name not in (INPUT, CLEAN)):
            points.setdefault(("" if is_compared(method) else without_seed(each.job), method), each)
    order = {name: number for number, name in enumerate(BASELINES)}  # the authors' networks after the classical ones
    compared = [point for point in points if is_compared(point[1])]
    compared.sort(key=lambda point: order.get(point[1], len(order)))
    networks = [point for point in points if not is_compared(point[1])]
    words = {point: _words(points[point].job) for point in networks}
    common = set.intersection(*map(set, words.values())) if words else set()
    labels = {point: point[1].replace("_", " ") for point in compared}
    for point in networks:
        own = [short for word, short in words[point].items() if word not in common and not word.startswith("model=")]
        labels[point] = " ".join([point[1], *own])
    taken = list(labels.values())
    for point, label in labels.items():
        if taken.count(label) > 1:
            labels[point] = f"{label} {points[point].job}"
    seeds = sorted({seed for point in networks for seed in re.findall(r"(?:^|,)seed=(\d+)", points[point].job)})
    return [(labels[point], point[1], points[point]) for point in (*compared, *networks)], ", ".join(seeds)


def _words(job: str) -> dict[str, str]:
    """The words of a job's name less its seed, each with what is shown of it: ``model.skips=True``, ``skips=True``."""
    words = [word for word in re.split(r",(?=[\w./@]+=)", without_seed(job)) if "=" in word]
    return {word: word.partition("=")[0].rpartition(".")[2] + "=" + word.partition("=")[2] for word in words}


def _panel(crops: Kept, name: str, *lines: str) -> Panel:
    image = Image.open(crops.folder / f"{file_name(name)}.png")
    image.load()
    rows, columns = crops.record.grid or (1, 1)
    if name == INPUT:
        pen, (width, height) = ImageDraw.Draw(image), image.size
        for row in range(1, rows):
            pen.line([(0, row * (height // rows)), (width, row * (height // rows))], fill="white", width=2)
        for column in range(1, columns):
            pen.line([(column * (width // columns), 0), (column * (width // columns), height)], fill="white", width=2)
    return Panel(image, tuple(line for line in lines if line))

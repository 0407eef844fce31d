"""What the jobs of a sweep were like over training: their ``history.csv`` together, as they are kept with a record."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from restore import atomic
from restore.runfolder import RunFolder

KEPT = "histories.csv"  # in the folder of a record: the columns of every job's history, and its name as `run`
History = Mapping[str, Sequence[float]]  # by column


def read_history(file: Path) -> dict[str, list[float]]:
    """The columns of a ``history.csv``, none where there is no such file; nan where a cell is empty."""
    if not file.is_file():
        return {}
    with file.open(newline="") as opened:
        return _columns(list(csv.DictReader(opened)))


def read_histories(folder: Path, jobs: Sequence[RunFolder]) -> dict[str, History]:
    """The history of each job by the job's name: from the jobs' folders, or, of a record, from what it keeps."""
    if jobs:
        return {job.name: read_history(job.history) for job in jobs}
    file = folder / KEPT
    if not file.is_file():
        return {}
    rows: dict[str, list[dict[str, str]]] = {}
    with file.open(newline="") as opened:
        for row in csv.DictReader(opened):
            rows.setdefault(row.pop("run"), []).append(row)
    return {run: _columns(of_run) for run, of_run in rows.items()}


def keep_histories(histories: Mapping[str, History], folder: Path) -> None:
    """Write the jobs' histories to one file of a record; a job that lacks a column has nothing in it."""
    columns = list(dict.fromkeys(column for history in histories.values() for column in history))
    with atomic.replacing(folder / KEPT) as partial, partial.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["run", *columns])
        for run, history in histories.items():
            count = max(map(len, history.values()), default=0)
            cells = [[f"{value:.6g}" for value in history[column]] if column in history else [""] * count
                     for column in columns]  # fmt: skip
            writer.writerows([run, *row] for row in zip(*cells, strict=True))


def _columns(rows: Sequence[Mapping[str, str]]) -> dict[str, list[float]]:
    return {column: [float(row[column] or "nan") for row in rows] for column in (rows[0] if rows else ())}

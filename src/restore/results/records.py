"""Folders that hold results: sweeps, single runs and kept records, each with its rows and its jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from restore.results.histories import History, read_histories
from restore.runfolder import RunFolder


@dataclass(frozen=True)
class Record:
    """A folder with a ``results.csv``.

    Attributes:
        folder: of a run, a sweep, or a record under ``experiments``.
        rows: of its results file.
    """

    folder: Path
    rows: Sequence[dict]

    @cached_property
    def jobs(self) -> list[RunFolder]:
        """The runs that lie in it, in the order of their names; of a run's own folder, itself."""
        if RunFolder(self.folder).history.is_file():
            return [RunFolder(self.folder)]
        paths = sorted(
            self.folder.iterdir(), key=lambda path: [part.zfill(9) for part in re.split(r"(\d+)", path.name)]
        )
        return [RunFolder(path) for path in paths if RunFolder(path).history.is_file()]

    @cached_property
    def histories(self) -> Mapping[str, History]:
        """Of each job by its name; none where the record keeps none."""
        return read_histories(self.folder, self.jobs)

    @property
    def patches(self) -> int:
        """The most that one of its networks was trained on."""
        return max((int(row["patches"] or 0) for row in self.rows), default=0)


def records_of(experiment: str, records: Sequence[Record]) -> list[Record]:
    """Those of an experiment, the one that was trained longest first, and of equal ones the one with most rows."""
    found = [each for each in records if any(row["experiment"] == experiment for row in each.rows)]
    return sorted(found, key=lambda each: (each.patches, len(each.rows)), reverse=True)

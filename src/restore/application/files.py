"""Which files are restored, where each goes, and which of a half-done folder are done."""

from __future__ import annotations

import csv
import glob
import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restore.errors import RequestError
from restore.files import printable
from restore.photos.writing import SUFFIXES

RECORD = "restored.csv"  # in an output folder
COLUMNS = ("input", "bytes", "modified", "settings", "output")
MAGIC = "*?["  # of a pattern


@dataclass(frozen=True)
class Job:
    """One file to be restored, and the one that it becomes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Jobs:
    """All files of a command.

    Attributes:
        folder: that they go to; None where one file was named.
    """

    jobs: tuple[Job, ...]
    folder: Path | None


def find_jobs(source: str, target: str) -> Jobs:
    """The files of ``input=`` and where ``output=`` puts them.

    A folder is searched to its depth, for files whose names end as images do; its structure, names and formats are
    kept. A pattern (``*.png``, ``**/*.tif``) keeps what follows its fixed part. One file goes to a file, where
    `target` has an image's suffix, else into a folder.

    Raises:
        RequestError: there is nothing, the output would be an input, or two files would have one name.
    """
    if not source or not target:
        raise RequestError("input=<file, folder or pattern> and output=<file or folder> are what it takes")
    place, out = Path(source).expanduser(), Path(target).expanduser()
    if place.is_dir():
        return _into_folder(_images(place, out), place, out, source)
    if place.exists():
        if out.suffix.lower() in SUFFIXES and not out.is_dir():
            return Jobs((_checked(Job(place, out)),), None)
        return _into_folder([place], place.parent, out, source)
    if any(character in source for character in MAGIC):
        fixed = place
        while any(character in str(fixed) for character in MAGIC):
            fixed = fixed.parent
        files = [Path(name) for name in glob.glob(str(place), recursive=True)]
        return _into_folder(sorted(file for file in files if file.is_file()), fixed, out, source)
    raise RequestError(f"input={source}: there is no such file or folder")


def _images(folder: Path, out: Path) -> list[Path]:
    """Files of a folder and its folders that end as images do, without hidden ones and those of the output."""
    inside = out.resolve()
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and (inside == folder.resolve() or inside not in file.resolve().parents)
        and not file.is_dir()
    )


def _into_folder(files: Sequence[Path], base: Path, out: Path, source: str) -> Jobs:
    if not files:
        raise RequestError(f"input={source}: no image files ({', '.join(SUFFIXES)})")
    if out.suffix.lower() in SUFFIXES and not out.is_dir():
        raise RequestError(f"output={out} is a file, and input={source} goes into a folder")
    if out.exists() and not out.is_dir():
        raise RequestError(f"output={out} is a file and no folder")
    return Jobs(tuple(_checked(Job(file, out / file.relative_to(base))) for file in files), out)


def _checked(job: Job) -> Job:
    if job.target.exists() and job.target.samefile(job.source):
        raise RequestError(f"output={job.target} is an input, which is never written over")
    return job


class Record:
    """What an output folder holds already: a line per file, ``restored.csv``.

    Args:
        folder: of the output.
        settings: a digest of network and settings; a file that others restored is restored again.
    """

    def __init__(self, folder: Path, settings: str):
        self.file, self.settings = folder / RECORD, settings
        self._rows: dict[str, dict[str, str]] = {}
        self._one = threading.Lock()  # files are written by several threads
        if self.file.exists():
            with self.file.open(newline="", encoding="utf-8", errors="replace") as file:
                for row in csv.DictReader(file):
                    if set(COLUMNS) <= set(row) and all(isinstance(row[column], str) for column in COLUMNS):
                        self._rows[row["output"]] = row

    def has(self, job: Job) -> bool:
        """Whether a file was restored from this very input by these settings, and its output is still there."""
        row = self._rows.get(self._name(job))
        return row is not None and job.target.is_file() and row == self._row(job)

    def knows(self, job: Job) -> bool:
        """Whether an output is one of ours, by whatever settings."""
        return self._name(job) in self._rows

    def add(self, job: Job) -> None:
        """Append a line; one that a kill cuts short is no line, and its file is restored again."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        with self._one:
            row = self._rows[self._name(job)] = self._row(job)
            if not self.file.exists():
                writer.writeheader()
            writer.writerow(row)
            with self.file.open("a", encoding="utf-8", newline="") as file:
                file.write(text.getvalue())

    def _row(self, job: Job) -> dict[str, str]:
        status = job.source.stat()
        values = (printable(str(job.source.resolve())), status.st_size, status.st_mtime_ns, self.settings)
        return dict(zip(COLUMNS, [*map(str, values), self._name(job)], strict=True))

    def _name(self, job: Job) -> str:
        return printable(str(job.target.relative_to(self.file.parent)))

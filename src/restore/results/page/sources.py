"""What a page is made from: the folders of runs, sweeps and kept records, each with its rows, histories and crops."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restore.files import check_regular
from restore.results.crops import RECORD
from restore.results.histories import KEPT, History, read_histories, read_history
from restore.runfolder import RunFolder


@dataclass
class Source:
    """A run, a sweep with its jobs, or a kept record.

    Attributes:
        name: as the page calls it: the last parts of the folder's path.
        rows: of its ``results.csv``.
        histories: of its jobs, by their names.
        unreadable: names of files that are no histories.
    """

    name: str
    rows: Sequence[dict] = ()
    histories: dict[str, History] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def gather(places: Iterable[Path], tables: Mapping[Path, Sequence[dict]]) -> list[Source]:
    """The sources under some places: a folder directly in one that has a ``results.csv`` is a job of it.

    Args:
        places: folders that are searched for histories, or results files.
        tables: the rows of each ``results.csv``.
    """
    folders = {file.parent.resolve() for file in tables}
    sources: dict[Path, Source] = {}

    def source_of(folder: Path) -> Source:
        folder = folder.resolve()
        while folder.parent in folders and folder.parent != folder:
            folder = folder.parent
        if folder not in sources:
            sources[folder] = Source(_unused(folder, {source.name for source in sources.values()}))
        return sources[folder]

    for file, rows in tables.items():
        source = source_of(file.parent)
        source.rows = [*source.rows, *rows]
    for file in _files(places, KEPT):
        _read(source_of(file.parent), file, lambda folder: read_histories(folder, ()))
    for file in _files(places, RunFolder("").history.name):
        source = source_of(file.parent)
        if file.parent.name not in source.histories:
            _read(source, file, lambda folder: {folder.name: read_history(RunFolder(folder).history)})
    return list(sources.values())


def crop_folders(places: Iterable[Path]) -> list[Path]:
    """The folders under some places in which crops of test images were kept, in the order of their names."""
    return list(dict.fromkeys(file.parents[4] for file in _files(places, f"crops/*/*/*/{RECORD}")))


def _unused(folder: Path, taken: Collection[str]) -> str:
    """The last parts of a folder's path, as many as tell it from others; of a run, whose name is a time, two at least."""
    parts = folder.parts
    least = 2 if RunFolder(folder).config.is_file() else 1
    names = ("/".join(parts[-count:]) for count in range(least, len(parts) + 1))
    return next((name for name in names if name not in taken), str(folder))


def _files(places: Iterable[Path], pattern: str) -> list[Path]:
    """The files of a pattern below folders; of a place that is a file, those beside it."""
    files = (place.rglob(pattern) if place.is_dir() else place.parent.glob(pattern) for place in places)
    return list(dict.fromkeys(file for below in files for file in sorted(below)))


def _read(source: Source, file: Path, read: Callable[[Path], Mapping[str, History]]) -> None:
    """Take histories in; a file that is damaged, or something else, is named and left out."""
    try:
        check_regular(file)
        source.histories |= read(file.parent)
    except (OSError, ValueError, KeyError, TypeError):
        source.unreadable.append(str(file))

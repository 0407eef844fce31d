"""The trained files that authors of the papers and of what they compare with have published, each at a pinned place.

None of them is part of this package: ``released.csv`` says where each one lies, what it is, and how it is known again.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from restore.errors import RequestError, unknown_name
from restore.remote import RemoteFile

TABLE = Path(__file__).parent / "released.csv"


@dataclass(frozen=True, kw_only=True)
class Released(RemoteFile):
    """One published file of trained weights, at its pinned place.

    Attributes:
        name: that it is asked for by, ``tnrd_25``.
        method: as the papers' tables print it, ``TNRD``; variants that no table prints say what they are.
        baseline: what the method's files are asked for by together, ``tnrd``; empty for a file that is found by its own
            name alone.
        model: the network of ``conf/model`` that reads it; empty where none does.
        words: the task that it was trained for, as words of ``python -m restore.evaluate``.
        settings: the settings that it was trained for, with spaces between: ``sigma=25``, ``sigma=0..55``,
            ``scale=2,3,4``, ``kernel=disk``, ``scratch``.
        channels: of its images, 1 or 3.
        file: its name in the folder of published weights.
        licence: its terms in a few words.
    """

    name: str
    method: str
    baseline: str
    model: str
    words: tuple[str, ...]
    settings: str
    channels: int
    file: str
    licence: str

    @property
    def task(self) -> str:
        """The task of its words, ``denoise_blind``; empty where no network here reads it."""
        return next((word.removeprefix("task=") for word in self.words if word.startswith("task=")), "")

    @property
    def network(self) -> str:
        """The name in ``conf/model`` of the network that reads it.

        Raises:
            RequestError: none here does.
        """
        if not self.model:
            raise RequestError(f"{self.name}: no network here reads {self.file}")
        return self.model

    @property
    def address(self) -> str:
        """Where the file can be fetched."""
        return self.at()

    def fits(self, setting_name: str, channels: int) -> bool:
        """Whether it was trained for a setting, ``sigma=25``, and for images of so many channels.

        Example:
            >>> find("dncnn_b").fits("sigma=25", 1), find("dncnn_s_50").fits("sigma=25", 1)
            (True, False)
        """
        return channels == self.channels and any(_includes(item, setting_name) for item in self.settings.split())

    def located(self, folder: str | Path | None) -> Path | None:
        """The file in a folder: by its `file`, or by its published name where its content is the right one."""
        if not folder:
            return None
        own, published = self.place_in(folder), Path(folder).expanduser() / PurePosixPath(self.path).name
        if own.is_file():
            return own
        return published if published.is_file() and self.is_in(published) else None

    def place_in(self, folder: str | Path) -> Path:
        """Where it goes in a folder."""
        return Path(folder).expanduser() / self.file

    def required(self, folder: str | Path | None) -> Path:
        """The file in a folder, its content checked.

        Raises:
            RequestError: it is not there, or is another file.
        """
        path = self.located(folder)
        if path is None:
            place = f"in {folder}" if folder else "here: RESTORE_WEIGHTS or paths.weights names no folder of such files"
            raise RequestError(f"{self.name}: no {self.file} {place} (python -m restore.pretrained fetch={self.name})")
        self.check(path)
        return path

    def check(self, path: Path) -> None:
        """Compare a file's content with what was published.

        Raises:
            RequestError: it is another file.
        """
        if not self.is_in(path):
            raise RequestError(f"{path} is not {self.name} as {self.repository} has it: fetch {self.address}")


def _includes(item: str, setting_name: str) -> bool:
    """Whether ``sigma=0..55``, ``scale=2,3,4`` or a name includes a setting.

    Example:
        >>> _includes("scale=2,3", "scale=3"), _includes("sigma=0..55", "sigma=60"), _includes("scratch", "scratch")
        (True, False, True)
    """
    (parameter, _, values), (asked, _, value) = item.partition("="), setting_name.partition("=")
    if parameter != asked:
        return False
    low, dots, high = values.partition("..")
    if dots:
        return _is_number(value) and float(low) <= float(value) <= float(high)
    return any(value == one or (_is_number(value) and _is_number(one) and float(value) == float(one))
               for one in values.split(","))  # fmt: skip


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


# -- the list --------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def released() -> tuple[Released, ...]:
    """Every file of the list, method by method."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(map(_from_row, rows))


def _from_row(row: dict[str, str]) -> Released:
    typed: dict[str, Any] = {"words": tuple(row["words"].split()), "channels": int(row["channels"])}
    return Released(**(row | typed | {"bytes": int(row["bytes"] or 0)}))


def is_released(name: str) -> bool:
    """Whether a file of the list has this name."""
    return any(each.name == name for each in released())


def find(name: str) -> Released:
    """The file of a name.

    Raises:
        RequestError: no file has it; the sentence says the nearest one.
    """
    for each in released():
        if each.name == name:
            return each
    raise unknown_name("released", name, (each.name for each in released()))


def identify(path: str | Path) -> Released | None:
    """Which file of the list has this content, whatever it is called here; None for any other."""
    path = Path(path)
    size = path.stat().st_size
    hashes: dict[Callable[[Path], str], str] = {}  # each computed when a file of this size, or of none known, asks
    for each in released():
        if each.bytes in (0, size):
            known, compute = each.known_by
            if compute not in hashes:
                hashes[compute] = compute(path)
            if hashes[compute] == known:
                return each
    return None


def of_baseline(name: str) -> list[Released]:
    """The files that a baseline's name stands for; none for a name that is no baseline's."""
    return [each for each in released() if name and each.baseline == name]


def baseline_names() -> list[str]:
    """Names of the baselines that networks here can be filled for from the files of the list."""
    return list(dict.fromkeys(each.baseline for each in released() if each.baseline and each.model))

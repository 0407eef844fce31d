"""Where the sets of the papers can be had: sixteen folders at pinned places of GitHub, and four that are had by hand."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from restore.data import datasets
from restore.errors import RequestError, unknown_name
from restore.remote import RemoteFile

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Source:
    """One folder of images under `paths.data`.

    Attributes:
        folder: its name there, ``BSDS500/val``.
        files: by their names in it.
        terms: of use, in a few words, as far as they are stated.
    """

    folder: str
    files: dict[str, RemoteFile]
    terms: str

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())

    def places(self, root: Path) -> list[tuple[RemoteFile, Path]]:
        """Each file, and where it goes."""
        return [(file, root / self.folder / name) for name, file in self.files.items()]


# what has to be asked for, or is larger than a repository holds
BY_HAND = {
    "T91": "91 images of Yang et al. 2010, as SRCNN's authors use them: the folder Train of their training code "
    "(mmlab.ie.cuhk.edu.hk/projects/SRCNN.html), its files into T91/",
    "DIV2K": "800 + 100 images of 2K (data.vision.ee.ethz.ch/cvl/DIV2K): unpack DIV2K_train_HR.zip into DIV2K/, then "
    "data=folder data.path=<folder>/DIV2K/DIV2K_train_HR",
    "GOPRO": "Nah et al. 2017 (seungjunnah.github.io/Datasets/gopro): unpack GOPRO_Large.zip, so that "
    "GOPRO_Large/train and GOPRO_Large/test are there",
    "SIDD": "smartphone noise with clean images (abdokamel.github.io/sidd): unpack SIDD_Medium_Srgb.zip, then "
    "data=pairs data.path=<folder>/SIDD_Medium_Srgb/Data; its validation blocks, ValidationGtBlocksSrgb.mat and "
    "ValidationNoisyBlocksSrgb.mat, in SIDD/ are test_sets=sidd",
}


@lru_cache(maxsize=1)
def sources() -> dict[str, Source]:
    """Every folder that can be fetched, by its name."""
    with (HERE / "source_files.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (HERE / "sources.csv").open(newline="", encoding="utf-8") as file:
        places = {row["folder"]: row for row in csv.DictReader(file)}
    found = {}
    for folder, place in places.items():
        files = {
            row["file"]: RemoteFile(
                place["repository"], place["commit"], f"{place['path']}/{row['file']}", int(row["bytes"]), row["sha256"]
            )
            for row in rows
            if row["folder"] == folder
        }
        found[folder] = Source(folder, files, place["terms"])
    return found


def known_names() -> list[str]:
    """What `of_name` takes: the folders, those above them, and the sets that are made of them."""
    folders = [folder for name in sources() for folder in (name, name.partition("/")[0])]
    return list(dict.fromkeys(name.lower() for name in [*folders, *_folders_of_sets(), *BY_HAND]))


def of_name(name: str) -> list[Source]:
    """The folders that a name stands for, of a folder (``BSDS500``, ``BSDS500/val``) or a set (``bsd432``, ``bsd100``).

    Raises:
        RequestError: it is unknown, or is had by hand: how.
    """
    lower = name.lower()
    for folder, instructions in BY_HAND.items():
        if lower == folder.lower():
            raise RequestError(f"{folder} is not fetched: {instructions}")
    named = [
        each for each in sources().values() if lower in (each.folder.lower(), each.folder.lower().partition("/")[0])
    ]
    if not named and lower in (sets := _folders_of_sets()):
        named = [sources()[folder] for folder in sets[lower]]
    if not named:
        raise unknown_name("set", name, known_names())
    return named


def _folders_of_sets() -> dict[str, Sequence[str]]:
    """The folders that the sets of `restore.data.datasets` are made of, where all of them can be fetched."""
    specs = {**datasets.TRAINING, **datasets.TEST}
    found = {}
    for name, spec in specs.items():
        for folders in spec.folders:
            if all(folder in sources() for folder in folders):
                found.setdefault(name, folders)
    return found

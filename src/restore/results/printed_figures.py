"""The papers' figures by their names, ``red_12``: what each shows, and the experiment that gives it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from restore.errors import unknown_name

TABLE = Path(__file__).parent / "printed_figures.csv"
PAPERS = {"red": "RED-Net", "dncnn": "DnCNN"}


@dataclass(frozen=True)
class PrintedFigure:
    """One figure of a paper.

    Attributes:
        figure: its number.
        kind: ``curves`` and ``loss`` over training, ``maps`` of features, ``sheet`` of images, ``gain`` over BM3D.
        experiment: of ``conf/experiment``, that gives it.
        record: another folder of ``experiments`` that holds it, by its name; empty where none does.
        panels: keys of the grid whose values have a panel each.
        words: of the command that runs the experiment.
        shows: what is in it.
    """

    name: str
    paper: str
    figure: str
    kind: str
    experiment: str
    record: str
    panels: tuple[str, ...]
    words: str
    shows: str

    @property
    def title(self) -> str:
        """``RED-Net, Fig. 12``."""
        return f"{PAPERS[self.paper]}, Fig. {self.figure}"

    @property
    def command(self) -> str:
        """What gives it, from nothing."""
        return f"python -m restore.run {self.words}"


@lru_cache(maxsize=1)
def printed_figures() -> tuple[PrintedFigure, ...]:
    """Every figure that can be drawn again, paper by paper.

    Left out are drawings of networks (RED-Net 1 and 4, DnCNN 1 and 3) and the thumbnails of RED-Net's test images (13).
    """
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(PrintedFigure(**(row | {"panels": tuple(filter(None, row["panels"].split(",")))})) for row in rows)


def find_figure(name: str) -> PrintedFigure:
    """The figure of a name, whatever its capitals.

    Raises:
        RequestError: no figure has it; the sentence says the nearest one.

    Example:
        >>> find_figure("RED_12").title
        'RED-Net, Fig. 12'
    """
    for figure in printed_figures():
        if figure.name == name.lower():
            return figure
    raise unknown_name("figure", name, [figure.name for figure in printed_figures()])

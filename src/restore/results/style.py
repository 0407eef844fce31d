"""How the report's figures look: one column wide, letters of 7 points, lines that differ in colour, dash and marker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from restore import atomic
from restore.results.curves import COLOURS
from restore.results.pyplot import pyplot

COLUMN = 3.3  # inches, the width of a column of the papers' journals
TEXT = 7  # points, at the least
DPI = 300
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
RULES: dict[str, Any] = {
    **{f"{part}.labelsize": TEXT for part in ("xtick", "ytick")},
    **{"font.size": TEXT, "axes.labelsize": TEXT + 1, "axes.titlesize": TEXT + 1, "legend.fontsize": TEXT},
    **{"lines.linewidth": 1.1, "lines.markersize": 3.5, "axes.linewidth": 0.6, "grid.linewidth": 0.4},
    **{"grid.color": "#d0d0d0", "legend.frameon": False, "legend.handlelength": 2.6, "axes.axisbelow": True},
    "svg.hashsalt": "restore",  # the same drawing is the same file
}


def look(number: int) -> dict[str, Any]:
    """Colour, marker and dash of the n-th line: any two of the first 28 differ in two of them."""
    count = len(COLOURS)
    dash = DASHES[(number + number // count) % len(DASHES)]
    marker = MARKERS[(number + number // count) % len(MARKERS)]
    return {"color": COLOURS[number % count], "marker": marker, "linestyle": dash}


@contextmanager
def drawing(
    height: float, rows: int = 1, columns: int = 1, width: float = COLUMN, **options: Any
) -> Iterator[tuple[Any, Any]]:
    """A figure of so many inches and its axes, an array ``(rows, columns)``; closed at the end."""
    plt = pyplot()
    with plt.rc_context(RULES):
        figure, axes = plt.subplots(
            rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **options
        )
        try:
            yield figure, axes
        finally:
            plt.close(figure)


def save(figure: Any, path: Path) -> list[Path]:
    """Write ``<path>.svg`` and ``<path>.png``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files = []
    for kind, more in (("svg", {"metadata": {"Date": None}}), ("png", {"dpi": DPI})):
        files.append(path.with_name(f"{path.name}.{kind}"))
        with atomic.replacing(files[-1]) as partial:
            figure.savefig(partial, format=kind, **more)
    return files

"""DnCNN, Fig. 8, from whatever was scored: how far each method is ahead of BM3D as the noise grows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from restore.results.comparison import budget_in_words
from restore.results.paper_tables import once
from restore.results.published import find, method_of
from restore.results.records import Record
from restore.results.style import drawing, look, save

DATASET, BM3D = "bsd68", "bm3d"
LEVELS = (15, 25, 50)  # of which the paper prints BM3D's value
Gains = dict[tuple[str, str], dict[int, float]]


def draw_gain(records: Sequence[Record], path: Path) -> tuple[list[Path], str]:
    """PSNR over BM3D on BSD68 against sigma: lines for what was scored here, rings for what the paper prints.

    BM3D's own value is the one that was measured by the same protocol, and the printed one of Table II where none was.

    Returns:
        The files and what they are of; neither where no network was scored at two levels or more.
    """
    rows = [row for record in records for row in record.rows if _belongs(row)]
    means: dict[tuple[str, str, str], dict[int, list[float]]] = {}
    for row in once(rows):
        label = (_name(row), row["protocol"], budget_in_words(row))
        means.setdefault(label, {}).setdefault(_sigma(row), []).append(row["value"])
    measured = {label[1]: levels for label, levels in means.items() if label[0] == BM3D}
    gains = {
        label: {
            sigma: fmean(values) - (fmean(measured[label[1]][sigma]) if label[1] in measured else printed(BM3D)[sigma])
            for sigma, values in sorted(levels.items())
            if sigma in (measured.get(label[1]) or printed(BM3D))
        }
        for label, levels in means.items()
        if label[0] != BM3D
    }
    gains = {label: levels for label, levels in gains.items() if len(levels) > 1}
    if not gains:
        return [], ""
    with drawing(2.5 + 0.13 * len(gains)) as (figure, ((axis,),)):
        for number, ((method, _, trained), levels) in enumerate(gains.items()):
            note = (
                "authors' file"
                if trained.startswith("by its")
                else trained.partition(",")[0].replace(" (", ", ").rstrip(")")
            )
            axis.plot([*levels], [*levels.values()], label=f"{method}: {note}", **look(number))
        for number, method in enumerate(("DnCNN-S", "DnCNN-B"), start=len(gains)):
            levels = {sigma: value - printed(BM3D)[sigma] for sigma, value in printed(method).items()}
            style = look(number) | {"linestyle": "none", "markerfacecolor": "none", "markersize": 6}
            axis.plot([*levels], [*levels.values()], label=f"{method}: published", **style)
        axis.axhline(0, color="#555555", linewidth=0.8)
        axis.set(xlabel="noise level σ", ylabel="PSNR over BM3D / dB", xticks=LEVELS)
        axis.grid(True)
        figure.legend(loc="outside lower center", ncols=1)
        files = save(figure, path)
    against = "BM3D measured here" if measured else "BM3D as printed in Table II: it was not run here"
    return (
        files,
        f"Gray half, {DATASET}, over {against}. The colour half was not run: python -m restore.run experiment=dncnn_gain_colour budget=gpu.",
    )


def printed(method: str) -> dict[int, float]:
    """What DnCNN's Table II prints of a method, by sigma."""
    rows = {
        sigma: [
            row for row in find("denoise", DATASET, f"sigma={sigma}", method, metrics=["psnr"]) if row["table"] == "II"
        ]
        for sigma in LEVELS
    }
    return {sigma: float(found[0]["value"]) for sigma, found in rows.items() if found}


def _belongs(row: dict) -> bool:
    return (
        row["dataset"] == DATASET
        and row["metric"] == "psnr"
        and int(row["channels"]) == 1
        and row["setting"].startswith("sigma=")
        and row["setting"].partition("=")[2].isdecimal()
    )


def _name(row: dict) -> str:
    """As the paper prints it, where it does."""
    if row["model"] == BM3D:
        return BM3D
    found = find(row["task"], DATASET, row["setting"], method_of(row), metrics=["psnr"])
    return found[0]["method"] if found else method_of(row)


def _sigma(row: dict) -> int:
    return int(row["setting"].partition("=")[2])

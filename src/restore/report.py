"""The table and the figure of a sweep.

    python -m restore.report sweep=runs/sweeps/<name> [out=<folder>]

Reads the sweep's results.csv; prints each setting's PSNR as mean ± standard deviation over seeds and its
paired difference from the first setting with a bootstrap 95 % interval over images and seeds; draws the
validation PSNR over training. Writes table.md and psnr.png (and, to another folder, results.csv) to `out`,
by default the sweep's folder.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from restore.request import RequestError, answered
from restore.results import store
from restore.results.grid import Curve, draw, grid_table
from restore.words import parse


def main(arguments: list[str]) -> None:
    words = parse(__doc__, {"sweep": "", "out": ""}, arguments)
    if not words["sweep"]:
        raise RequestError("sweep=<folder of a sweep> is what there is to report on")
    folder = Path(words["sweep"]).expanduser()
    if not (folder / "results.csv").is_file():
        raise RequestError(f"{folder} is not the folder of a sweep with a finished job: it has no results.csv")
    out = Path(words["out"]).expanduser() if words["out"] else folder
    out.mkdir(parents=True, exist_ok=True)
    text = grid_table(store.read(folder / "results.csv"))
    curves = [Curve.read(job) for job in sorted(folder.iterdir()) if (job / "history.csv").is_file()]
    (out / "table.md").write_text(text + "\n")
    draw(curves, folder.name, out / "psnr.png")
    if out.resolve() != folder.resolve():
        for name in ("results.csv", "summary.csv"):
            shutil.copyfile(folder / name, out / name)
    print(f"{text}\n\n{out / 'table.md'}\n{out / 'psnr.png'}")


if __name__ == "__main__":
    with answered():
        main(sys.argv[1:])

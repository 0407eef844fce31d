"""The table and the figure of a sweep.

    python -m restore.report sweep=runs/sweeps/<name> [out=<folder>]

Reads the sweep's results.csv; prints each setting's PSNR as mean ± standard deviation over seeds and its
paired difference from the first setting with a bootstrap 95 % interval over images and seeds; draws the
validation PSNR over training. Where the experiment names its paper's conclusions, says which of them hold,
which are contradicted and which cannot be told. Writes table.md and psnr.png (and, to another folder, results.csv) to `out`,
by default the sweep's folder.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from omegaconf import OmegaConf

from restore.config.arguments import parse
from restore.config.compose import compose
from restore.config.loading import configuration
from restore.errors import RequestError, report_errors
from restore.results import store
from restore.results.grid import Curve, draw, grid_table, verdicts


def main(arguments: list[str]) -> None:
    words = parse(__doc__, {"sweep": "", "out": ""}, arguments)
    if not words["sweep"]:
        raise RequestError("sweep=<folder of a sweep> is what there is to report on")
    folder = Path(words["sweep"]).expanduser()
    if not (folder / "results.csv").is_file():
        raise RequestError(f"{folder} is not the folder of a sweep with a finished job: it has no results.csv")
    out = Path(words["out"]).expanduser() if words["out"] else folder
    out.mkdir(parents=True, exist_ok=True)
    rows = store.read(folder / "results.csv")
    claims = verdicts(rows, claims_of(rows[0]["experiment"]))
    text = "\n\n".join(part for part in (grid_table(rows), claims, f"Budget {rows[0]['budget']}.") if part)
    jobs = sorted(folder.iterdir(), key=lambda job: [part.zfill(9) for part in re.split(r"(\d+)", job.name)])
    curves = [Curve.read(job) for job in jobs if (job / "history.csv").is_file()]
    (out / "table.md").write_text(text + "\n")
    draw(curves, folder.name, out / "psnr.png")
    if out.resolve() != folder.resolve():
        for name in ("results.csv", "summary.csv"):
            shutil.copyfile(folder / name, out / name)
    print(f"{text}\n\n{out / 'table.md'}\n{out / 'psnr.png'}")


def claims_of(experiment: str) -> list[dict[str, str]]:
    """The conclusions that an experiment file says its paper draws; none where it is no experiment of ``conf/``."""
    if not (configuration() / "experiment" / f"{experiment}.yaml").is_file():
        return []
    return OmegaConf.to_container(compose("config", [f"experiment={experiment}"]).claims)


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])

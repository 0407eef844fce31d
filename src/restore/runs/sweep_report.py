"""The report on a sweep: its table with verdicts on its paper's conclusions, its curves, and what its jobs kept for pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from restore import atomic
from restore.config.compose import compose
from restore.config.loading import configuration
from restore.config.metrics import register_metrics_of
from restore.config.reading import read_yaml
from restore.errors import RequestError, unknown_name
from restore.results import store
from restore.results.claims import Histories, verdicts
from restore.results.curves import draw_history
from restore.results.figures import stack_maps
from restore.results.gain import draw_gain
from restore.results.grid import grid_table, without_seed
from restore.results.histories import History, keep_histories, read_histories
from restore.results.quantities import quantity
from restore.results.sheets import draw_sheets
from restore.results.tables import metrics_of, recipe_of
from restore.runfolder import RunFolder
from restore.runs.tracked import track_report


def report_sweep(
    folder: Path, out: Path | None, metric: str, beside: Sequence[Path] = (), told: Mapping[str, str] | None = None
) -> None:
    """Print and write a sweep's table, with its verdicts, and draw its pictures."""
    rows = read_rows(folder)
    out = out or folder
    out.mkdir(parents=True, exist_ok=True)
    jobs = jobs_of(folder)
    metric = metric_of(rows, metric)
    histories = read_histories(folder, jobs)
    claims = verdicts(rows, claims_of(rows[0]["experiment"], jobs), metric, by_point(histories))
    parts = (grid_table(rows, metric), claims, recipe_line(rows), absent_line(jobs))
    text = "\n\n".join(part for part in parts if part)
    atomic.write(out / "table.md", text + "\n")
    print(f"{text}\n\n{out / 'table.md'}")
    pictures = draw_history(histories, metric, rows[0]["experiment"] or folder.name, out)
    pictures += draw(folder, jobs, beside, rows, out)
    for picture in pictures:
        print(picture)
    if out.resolve() != folder.resolve():
        for name in ("results.csv", "summary.csv"):
            atomic.write(out / name, (folder / name).read_bytes())
        keep_histories(histories, out)
    if told:
        track_report(told, folder.name, text, rows, pictures, RunFolder(folder), out)


def recipe_line(rows: Sequence[dict]) -> str:
    """The budget and the recipe that all of a sweep's rows have, as the table's last line."""
    budgets, recipes = (
        dict.fromkeys(values) for values in zip(*((r["budget"], recipe_of(r)) for r in rows), strict=True)
    )
    return f"Budget {', '.join(budgets)}, recipe {', '.join(recipes)}."


def absent_line(jobs: Sequence[RunFolder]) -> str:
    """The test sets of the experiment that were not on the machine; empty where all were."""
    names = dict.fromkeys(name for job in jobs for name in job.result.get("absent_sets", []))
    return f"Not there, and so not tested: {', '.join(names)}." if names else ""


def read_rows(folder: Path) -> list[dict]:
    """The rows of a sweep.

    Raises:
        RequestError: the folder has none.
    """
    file = folder / "results.csv"
    rows = store.read(file) if file.is_file() else []
    if not rows:
        raise RequestError(f"{folder} is not the folder of a sweep with a finished job: it has no results.csv")
    return rows


def jobs_of(folder: Path) -> list[RunFolder]:
    """The jobs that were validated, in the order of their names; the tables learn what their metrics are."""
    paths = sorted(folder.iterdir(), key=lambda job: [part.zfill(9) for part in re.split(r"(\d+)", job.name)])
    jobs = [RunFolder(path) for path in paths if RunFolder(path).history.is_file()]
    for job in jobs:
        register_metrics_of(job)
    return jobs


def metric_of(rows: Sequence[dict], name: str) -> str:
    """The label of the metric that is asked for, or of the first one.

    Raises:
        RequestError: the rows have no such metric.
    """
    labels = metrics_of(rows)
    if not name:
        return labels[0]
    if name not in labels:
        label = next((label for label in labels if quantity(label).name == name), None)
        if label is None:
            raise unknown_name("metric", name, labels)
        return label
    return name


def draw(
    folder: Path, jobs: Sequence[RunFolder], beside: Sequence[Path], rows: Sequence[dict], out: Path
) -> list[Path]:
    """What was kept for pictures: crops side by side, feature maps, and what makes up the gain over BM3D."""
    folders = [*beside, folder, *(job.path for job in jobs)]
    gain = draw_gain([*rows, *(row for each in beside for row in read_rows(each))], out)
    return [*draw_sheets(folders, out), *filter(None, (stack_maps(folders, out), gain))]


def by_point(histories: Mapping[str, History]) -> Histories:
    """The jobs' histories by point of the grid: what claims about training are judged by."""
    points: dict[str, list[History]] = {}
    for run, history in histories.items():
        points.setdefault(without_seed(run), []).append(history)
    return points


def claims_of(experiment: str, jobs: Sequence[RunFolder] = ()) -> list[dict[str, Any]]:
    """The conclusions that an experiment file says its paper draws.

    Those of an experiment that is not in ``conf/``, a person's own, are in the configurations of its jobs.
    """
    claims: Any = []
    if (configuration() / "experiment" / f"{experiment}.yaml").is_file():
        claims = OmegaConf.to_container(compose("config", [f"experiment={experiment}"]).claims)
        return list(claims)
    configs = (read_yaml(job.config) for job in jobs if job.config.is_file())
    claims = next((OmegaConf.to_container(config.claims) for config in configs if "claims" in config), [])
    return list(claims)

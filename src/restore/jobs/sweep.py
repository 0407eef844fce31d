"""Multirun: a grid of jobs that survives what happens to any of them.

The grid's folder depends on the request alone, so that the same command finds what is finished,
resumes what was interrupted, and runs the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

from omegaconf import DictConfig

from restore import signals
from restore.config.metrics import register_metrics_of
from restore.errors import AGAIN, RequestError
from restore.jobs.grid import expand, listing
from restore.jobs.job import Job
from restore.jobs.local import Interruptible, await_job, run_job
from restore.jobs.slurm import submit
from restore.results import store
from restore.results.quantities import Quantity, quantity
from restore.results.tables import markdown
from restore.runfolder import RunFolder
from restore.runs import lock

Codes = Mapping[str, int | None]  # exit codes by name; None for a job that was not waited for to its end


def sweep(config_name: str, arguments: Sequence[str], module: str) -> int:
    """List the jobs, run those that are not finished, and say how each one ended.

    The same command at the same time shares the jobs with this one: each runs those that the other does not.

    Returns:
        0 where every job is finished, 1 where one failed or was interrupted.

    Raises:
        Stop: it was told to (SIGTERM, SIGHUP), and so were its jobs, which have saved.
    """
    jobs, shared = expand(config_name, arguments)
    print(listing(config_name, jobs), flush=True)
    if shared.sweep.list:
        return 0
    unfinished = [job for job in jobs if job.state != "finished"]
    signals.go_on(lambda: "the same command again resumes what was cut short and runs the rest")
    with Interruptible() as interruptible:
        stop = interruptible.event
        if "hydra/launcher=slurm" in jobs[0].resources:
            codes = submit(config_name, unfinished, module, stop)
        else:
            codes = run_here(unfinished, module, shared.sweep.jobs, stop)
        gather(jobs)
        if not stop.is_set():
            track(jobs, shared)
        code = conclude(jobs, codes, stop.is_set())
    if interruptible.told:
        signals.leave()
    return code


def run_here(jobs: Sequence[Job], module: str, parallel: int, stop: Event) -> Codes:
    """Run the jobs on this machine, so many at a time; last those that another command has and does not finish."""
    codes: dict[str, int | None] = {}
    with ThreadPoolExecutor(parallel) as pool:
        for run in (run_job, await_job):
            left = [job for job in jobs if codes.get(job.name, AGAIN) == AGAIN]
            ended = pool.map(lambda job, run=run: run(job, module, parallel, stop), left)
            codes |= dict(zip([job.name for job in left], ended, strict=True))
    return codes


def gather(jobs: Sequence[Job]) -> None:
    """One ``results.csv`` of the grid, made anew from those of its jobs; each job's latest rows only.

    Its rows name their job as the run that they are of; those of an authors' file go on naming the file, and stand
    there once, however many jobs it was scored beside.
    """
    rows, theirs = [], {}
    for job in jobs:
        latest = {tuple(row[column] for column in store.PLACE): row for row in read_rows(job)}
        rows += [row | {"run": job.name} for row in latest.values() if row["method_kind"] != "released"]
        theirs |= {place: row for place, row in latest.items() if row["method_kind"] == "released"}
    rows += theirs.values()
    grid = RunFolder(jobs[0].folder.path.parent)
    if rows:
        lock.wait(grid, lambda: False, print)  # the same command, at the same place
        with lock.held(grid):
            grid.results.unlink(missing_ok=True)
            store.append(grid.results, rows)


def track(jobs: Sequence[Job], shared: DictConfig) -> None:
    """Tell the jobs' logger of the whole, where they have one: how each ended, and all rows."""
    if not shared.logger.get("_target_"):
        return
    from restore.runs.tracked import track_sweep

    states = Counter(job.state for job in jobs)
    track_sweep(shared, RunFolder(jobs[0].folder.path.parent), f"jobs\n\n{summary(jobs)}", states)


def read_rows(job: Job) -> list[dict]:
    """What a job has recorded; nothing of a file that something has damaged, which is said."""
    register_metrics_of(job.folder)
    try:
        return store.read(job.folder.results) if job.folder.results.is_file() else []
    except RequestError as error:
        print(f"left out    {error}")
        return []


def conclude(jobs: Sequence[Job], codes: Codes, interrupted: bool) -> int:
    """Print how each job ended, the last words of those that failed, and how to go on.

    Returns:
        0 where every job is finished, else 1.
    """
    root = jobs[0].folder.path.parent
    print(f"\n{summary(jobs)}")
    for job in jobs:
        if codes.get(job.name) not in (None, 0, AGAIN, signals.STOPPED):
            print(f"\n{last_words(job, codes[job.name])}")
    if folders := list(offline_wandb(jobs)):
        print(
            f"\n{len(folders)} W&B runs were logged offline: wandb sync {root}/wandb/offline-run-* {root}/*/wandb/offline-run-*"
        )
    done = sum(job.state == "finished" for job in jobs)
    print(f"\n{done} of {len(jobs)} jobs finished, in {root}")
    if done < len(jobs):
        why = "interrupted: " if interrupted else ""
        print(f"{why}the same command again skips what is finished, resumes what was interrupted and runs the rest")
    return 0 if done == len(jobs) else 1


def summary(jobs: Sequence[Job]) -> str:
    """A row per job: its state, the metric that chose its weights, in validation and test, and its steps."""
    results = [job.folder.result for job in jobs]
    metric = quantity(next((result["metric"] for result in results if "metric" in result), "psnr"))
    rows = [[job.name, *_ending(result, metric)] for job, result in zip(jobs, results, strict=True)]
    titles = (f"val {metric.title_and_unit}", f"test {metric.title_and_unit}")
    return markdown(("job", "state", *titles, "steps"), rows)


def _ending(result: Mapping[str, Any], metric: Quantity) -> list[str]:
    numbers = [metric.text(result.get(key, float("nan"))) for key in ("objective", "test")]
    return [result.get("state", "not started"), *numbers, str(result.get("steps", "–"))]


def last_words(job: Job, code: int) -> str:
    """The end of a failed job's log."""
    lines = job.log.read_text().rstrip().splitlines()[-6:] if job.log.is_file() else []
    return "\n".join([f"{job.name} failed with exit code {code}; the end of {job.log}:", *(f"    {x}" for x in lines)])


def offline_wandb(jobs: Sequence[Job]) -> Iterator[Path]:
    """Folders of W&B runs that were logged offline, the sweep's own and its jobs', for ``wandb sync``."""
    if jobs:
        yield from sorted(jobs[0].folder.path.parent.glob("wandb/offline-run-*"))
    for job in jobs:
        yield from sorted(job.folder.path.glob("wandb/offline-run-*"))

"""Multirun: a grid of jobs that survives what happens to any of them.

The grid's folder depends on the request alone, so that the same command finds what is finished,
resumes what was interrupted, and runs the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from restore.errors import RequestError
from restore.jobs.grid import expand, listing
from restore.jobs.job import Job
from restore.jobs.local import Interruptible, run_job
from restore.results import store
from restore.results.tables import markdown


def sweep(config_name: str, arguments: Sequence[str], module: str) -> int:
    """List the jobs, run those that are not finished, and say how each one ended.

    Returns:
        0 where every job is finished, 1 where one failed or was interrupted.
    """
    jobs, shared = expand(config_name, arguments)
    print(listing(config_name, jobs), flush=True)
    if shared.sweep.list:
        return 0
    if shared.sweep.jobs < 1:
        raise RequestError(f"sweep.jobs must be at least 1, and it is {shared.sweep.jobs}")
    waiting = [job for job in jobs if job.state != "finished"]
    with Interruptible() as stop:
        if "hydra/launcher=slurm" in jobs[0].placed:
            from restore.jobs.slurm import submit

            codes = submit(config_name, waiting, module, stop)
        else:
            with ThreadPoolExecutor(shared.sweep.jobs) as pool:
                ended = pool.map(lambda job: run_job(job, module, shared.sweep.jobs, stop), waiting)
                codes = dict(zip([job.name for job in waiting], ended, strict=True))
    gather(jobs)
    return conclude(jobs, codes, stop.is_set())


def gather(jobs: Sequence[Job]) -> None:
    """One ``results.csv`` of the grid, made anew from those of its jobs; each job's latest rows only."""
    rows = []
    for job in jobs:
        file = job.folder.results
        if file.is_file():
            latest: dict[tuple, dict] = {}
            for row in store.read(file):
                latest[tuple(row[c] for c in ("model", "protocol", "dataset", "setting", "image", "metric"))] = row
            rows += [row | {"run": job.name} for row in latest.values()]
    root = jobs[0].folder.path.parent
    if rows:
        (root / "results.csv").unlink(missing_ok=True)
        store.append(root / "results.csv", rows)


def conclude(jobs: Sequence[Job], codes: dict[str, int | None], interrupted: bool) -> int:
    """How each job ended, the last words of those that failed, and how to go on."""
    rows, failed = [], []
    for job in jobs:
        result, state = job.folder.result, job.folder.result.get("state", "not started")
        if codes.get(job.name):
            failed.append(job)
        numbers = [f"{result[key]:.2f}" if key in result else "–" for key in ("objective", "test_psnr")]
        rows.append([job.name, state, *numbers, str(result.get("steps", "–"))])
    print("\n" + markdown(("job", "state", "val dB", "test dB", "steps"), rows))
    for job in failed:
        lines = job.log.read_text().rstrip().splitlines()[-6:] if job.log.is_file() else []
        print(f"\n{job.name} failed with exit code {codes[job.name]}; the end of {job.log}:")
        print("\n".join(f"    {line}" for line in lines))
    if folders := list(offline_wandb(jobs)):
        print(
            f"\n{len(folders)} W&B runs were logged offline: wandb sync {jobs[0].folder.path.parent}/*/wandb/offline-run-*"
        )
    done = sum(job.state == "finished" for job in jobs)
    print(f"\n{done} of {len(jobs)} jobs finished, in {jobs[0].folder.path.parent}")
    if done < len(jobs):
        why = "interrupted: " if interrupted else ""
        print(f"{why}the same command again skips what is finished, resumes what was interrupted and runs the rest")
    return 0 if done == len(jobs) else 1


def offline_wandb(jobs: Sequence[Job]) -> Iterator[Path]:
    """Folders of W&B runs that were logged offline, for ``wandb sync``."""
    for job in jobs:
        yield from sorted(job.folder.path.glob("wandb/offline-run-*"))

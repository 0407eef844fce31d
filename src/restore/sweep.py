"""Multirun: a grid of jobs, each a process of its own, that survives what happens to any of them.

Lightning starts the other ranks of a job by running its command line again, and inside Hydra's own
multirun that line is the whole sweep: two sweep folders, jobs trained twice, and a grid that hangs
when a rank dies. Here every job is a plain run in a fresh process, with its own process group, port
and folder; the grid's folder depends on the request alone, so that the same command finds what is
finished, resumes what was interrupted, and runs the rest.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from restore import recipe
from restore.models.cost import count_cost
from restore.request import RequestError
from restore.results import store
from restore.results.conclusion import write_result
from restore.results.table import markdown
from restore.training.budget import seconds
from restore.training.hardware import device_kind, matrix_peak
from restore.training.progress import clock

log = logging.getLogger(__name__)

# What torch and Lightning leave in the environment of a process group; a job starts one of its own.
GROUP_VARIABLES = (
    *("LOCAL_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "ROLE_RANK"),
    *("MASTER_ADDR", "MASTER_PORT", "PL_GLOBAL_SEED", "TORCHELASTIC_RUN_ID"),
)


@dataclass
class Job:
    """One point of the grid: the words of its run, those that are its own, its folder, and where it is to run."""

    words: list[str]
    own: list[str]
    folder: Path
    placed: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def result(self) -> dict:
        file = self.folder / "result.json"
        return json.loads(file.read_text()) if file.is_file() else {}

    @property
    def log(self) -> Path:
        """What it printed: ``job.log``, or the newest log of Slurm's."""
        found = sorted(self.folder.glob(".submitit/*/*_0_log.out"), key=lambda file: file.stat().st_mtime)
        return found[-1] if found else self.folder / "job.log"

    @property
    def state(self) -> str:
        """``finished``, ``resumable``, ``failed`` or ``new``."""
        state = self.result.get("state", "new")
        if state == "finished":
            return state
        if (self.folder / "checkpoints" / "last.ckpt").is_file():
            return "resumable"
        return "failed" if state == "failed" else "new"


def expand(config_name: str, arguments: Sequence[str]) -> tuple[list[Job], DictConfig]:
    """The jobs of a request, in the order of its words, and the configuration they share.

    The grid is that of the command line and of the experiment's ``hydra.sweeper.params``; a key on
    the command line replaces the experiment's.

    Raises:
        RequestError: the words cannot be read or composed.
    """
    parser = OverridesParser.create()
    parsed = [parser.parse_override(word) for word in arguments if not word.startswith("-")]
    fixed = [o.input_line for o in parsed if not o.is_sweep_override()]
    shared = recipe.compose(config_name, [w for w in fixed if not w.startswith("hydra")], hydra_too=True)
    swept = {o.get_key_element(): list(o.sweep_string_iterator()) for o in parsed if o.is_sweep_override()}
    given = {o.key_or_group for o in parsed}
    for key, values in (shared.hydra.sweeper.get("params") or {}).items():
        if key.lstrip("+~") not in given:
            override = parser.parse_override(f"{key}={values}")
            swept[key] = list(override.sweep_string_iterator()) if override.is_sweep_override() else [str(values)]
    chosen = [word for word in fixed if word.startswith("experiment=")]
    placed = [word for word in fixed if word.startswith(("hydra/launcher=", "hydra.launcher."))]
    elsewhere = [*placed, *(word for word in fixed if word.startswith("sweep."))]  # where and how, not what
    fixed = [word for word in fixed if word not in elsewhere]
    asked = "\n".join(sorted([*fixed, *(f"{key}={','.join(values)}" for key, values in swept.items())]))
    tag = hashlib.sha256(asked.encode()).hexdigest()[:10]
    plain_experiment = len(chosen) == 1 and len(fixed) == 1 and not set(swept) & given
    sweep_name = shared.name if plain_experiment else f"{shared.name}-{tag}" if chosen else tag
    root = (Path(shared.paths.runs) / "sweeps" / sweep_name).resolve()
    jobs = []
    for values in itertools.product(*swept.values()):
        own = [f"{key}={value}" for key, value in zip(swept, values, strict=True)]
        words = [*fixed, *own, f"sweep.name='{sweep_name}'"]
        jobs.append(Job(words, own, root / folder_name(own), placed))
    return jobs, shared


def folder_name(own: Sequence[str]) -> str:
    """The job's own overrides as a file name."""
    name = ",".join(word.lstrip("+") for word in own).replace("/", "_").replace("'", "").replace('"', "") or "job"
    return name if len(name) <= 150 else f"{name[:120]}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def listing(config_name: str, jobs: Sequence[Job]) -> str:
    """Each job with its parameters, receptive field, GMAC per patch and estimated time, and the sum of the times."""
    rows, total = [], 0.0
    for job in jobs:
        config = recipe.compose(config_name, [word for word in job.words if not word.startswith("hydra")])
        try:
            network = recipe.build_network(config.model)
        except RequestError as error:
            raise RequestError(f"{job.name}: {error}") from error
        cost = count_cost(network, *(config[g][k] for g, k in SIZES))
        estimate = estimated_seconds(config, cost.macs) if cost.parameters else 0.0
        total += estimate if job.state != "finished" else 0.0
        numbers = [f"{cost.parameters:,}", str(cost.receptive_field), f"{cost.macs / 1e9:.3f}"]
        rows.append([job.name, *numbers, clock(estimate), job.state])
    table = markdown(("job", "parameters", "receptive field", "GMAC per patch", "time at most", "state"), rows)
    return f"{table}\n\n{len(jobs)} jobs, {clock(total)} left at most, in {jobs[0].folder.parent}"


SIZES = (("task", "channels"), ("data", "patch_size"), ("data", "patch_size"))


def estimated_seconds(config: DictConfig, macs: int) -> float:
    """The run's time limit, or its work at half of the measured matrix peak, whichever is less."""
    precision = str(config.trainer.precision)
    flops = 6.0 * macs * config.data.batch_size * config.trainer.max_steps
    work = flops / (0.5 * matrix_peak(device_kind(config.trainer.accelerator), precision))
    return min(work, seconds(config.trainer.max_time) or work)


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
    with interruptible() as stop:
        if "hydra/launcher=slurm" in jobs[0].placed:
            from restore.slurm import submit

            codes = submit(config_name, waiting, module, stop)
        else:
            with ThreadPoolExecutor(shared.sweep.jobs) as pool:
                ended = pool.map(lambda job: run_job(job, module, shared.sweep.jobs, stop), waiting)
                codes = dict(zip([job.name for job in waiting], ended, strict=True))
    gather(jobs)
    return conclude(jobs, codes, stop.is_set())


class interruptible:
    """Ctrl-C is the jobs' to answer: they get it too, finish their step and save; no further one starts."""

    def __init__(self, *signals: int):
        self.signals = signals or (signal.SIGINT,)

    def __enter__(self) -> threading.Event:
        self.event = threading.Event()
        self.previous = {number: signal.signal(number, lambda *_: self.event.set()) for number in self.signals}
        return self.event

    def __exit__(self, *_) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)


def run_job(job: Job, module: str, parallel: int, stop: threading.Event) -> int | None:
    """Run one job in a process of its own; its exit code, or None where it was not started."""
    if stop.is_set():
        return None
    environment = {key: value for key, value in os.environ.items() if key not in GROUP_VARIABLES}
    if "SLURM_NTASKS" in environment:  # by this name Lightning knows that Slurm does not start the ranks
        environment["SLURM_JOB_NAME"] = "interactive"
    if parallel > 1:
        environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // parallel))
    job.folder.mkdir(parents=True, exist_ok=True)
    place = quoted(job.folder)
    words = [f"resume={place}"] if job.state == "resumable" else [*job.words, f"hydra.run.dir={place}"]
    command = [sys.executable, "-m", module, *words, "hydra.mode=RUN", "hydra.output_subdir=.hydra"]
    print(f"\n{'resuming' if job.state == 'resumable' else 'starting'} {job.name}", flush=True)
    with (job.folder / "job.log").open("a") as file:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        process = subprocess.Popen(command, env=environment, **pipes)
        for line in process.stdout:
            file.write(line)
            file.flush()
            print(f"{job.name}: {line}" if parallel > 1 else line, end="", flush=True)
        code = process.wait()
    if code:
        mark_failed(job, code)
    return code


def mark_failed(job: Job, code: int) -> None:
    write_result(job.folder, state="failed", exit_code=code)


def quoted(path: Path) -> str:
    """A path as the value of a Hydra override."""
    return "'" + str(path).replace("'", "\\'") + "'"


def gather(jobs: Sequence[Job]) -> None:
    """One ``results.csv`` of the grid, made anew from those of its jobs; each job's latest rows only."""
    rows = []
    for job in jobs:
        file = job.folder / "results.csv"
        if file.is_file():
            latest: dict[tuple, dict] = {}
            for row in store.read(file):
                latest[tuple(row[c] for c in ("model", "protocol", "dataset", "setting", "image"))] = row
            rows += [row | {"run": job.name} for row in latest.values()]
    root = jobs[0].folder.parent
    if rows:
        (root / "results.csv").unlink(missing_ok=True)
        store.append(root / "results.csv", rows)


def conclude(jobs: Sequence[Job], codes: dict[str, int | None], interrupted: bool) -> int:
    """How each job ended, the last words of those that failed, and how to go on."""
    rows, failed = [], []
    for job in jobs:
        result, state = job.result, job.result.get("state", "not started")
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
            f"\n{len(folders)} W&B runs were logged offline: wandb sync {jobs[0].folder.parent}/*/wandb/offline-run-*"
        )
    done = sum(job.state == "finished" for job in jobs)
    print(f"\n{done} of {len(jobs)} jobs finished, in {jobs[0].folder.parent}")
    if done < len(jobs):
        why = "interrupted: " if interrupted else ""
        print(f"{why}the same command again skips what is finished, resumes what was interrupted and runs the rest")
    return 0 if done == len(jobs) else 1


def offline_wandb(jobs: Sequence[Job]) -> Iterator[Path]:
    """Folders of W&B runs that were logged offline, for ``wandb sync``."""
    for job in jobs:
        yield from sorted(job.folder.glob("wandb/offline-run-*"))

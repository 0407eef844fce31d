"""A grid's jobs on Slurm, through hydra-submitit-launcher (``hydra/launcher=slurm``).

Each job is a submission of its own, so that its number of tasks follows its own ``trainer.devices``
and one that dies does not keep the others from being waited for. Slurm starts a job's ranks itself,
so the job runs in Hydra's MULTIRUN mode as it is. A job that Slurm preempts or whose time is up
saves, is queued again and goes on (`restore.training.budget`).
"""

from __future__ import annotations

import importlib
import logging
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from restore.config.command import carry_out
from restore.config.loading import over_configuration, quote, value_sentence
from restore.config.resolvers import register_resolvers
from restore.errors import BUG, RequestError
from restore.jobs.job import Job

PAUSE = 3.0  # seconds between looks at the queue
PATIENCE = 5  # looks at which a job must be missing from the queue, with no result, to be given up
SILENCE = (OSError, subprocess.SubprocessError)  # a controller that is busy, or away for a while

# A task of Slurm's imports this module when it unpickles its `Task`, and composes its configuration next.
register_resolvers()


class Task:
    """What a task of Slurm's calls: a command's function, by name, because ``__main__`` is another there."""

    def __init__(self, module: str, function: str):
        self.module, self.function = module, function

    def __call__(self, config: DictConfig) -> Any:
        try:
            return carry_out(getattr(importlib.import_module(self.module), self.function), config)
        except SystemExit as stop:
            if stop.code not in (2, BUG):
                raise  # submitit's, after it has queued the job again
            raise RuntimeError(f"exit code {stop.code}") from stop  # Hydra's job runner looks for exceptions only


def submit(config_name: str, jobs: Sequence[Job], module: str, stop: threading.Event) -> dict[str, int | None]:
    """Submit the jobs, wait for all of them, and return their exit codes (None: not waited for to the end).

    A job that an earlier call submitted and Slurm still has is waited for, not submitted again. After
    Ctrl-C what was submitted stays with Slurm.

    Raises:
        RequestError: no ``sbatch``, no hydra-submitit-launcher, or settings they do not take.
    """
    queue = _first_look()
    absent = [job for job in jobs if not submissions(job) & queue]
    launchers = {job.name: launcher(config_name, job, module) for job in absent}  # Hydra composes in one thread
    threads = {
        job.name: threading.Thread(target=submit_one, args=(launchers[job.name], job), daemon=True) for job in absent
    }
    for thread in threads.values():
        thread.start()
    codes = _wait(jobs, threads, stop)
    if stop.is_set():
        numbers = " ".join(sorted({number for job in jobs for number in submissions(job)} & queued()))
        print(f"\nSlurm goes on with {numbers} (scancel {numbers} ends them)" if numbers else "", flush=True)
    return {job.name: codes.get(job.name) for job in jobs}


def _first_look() -> set[str]:
    if shutil.which("sbatch") is None:
        raise RequestError("hydra/launcher=slurm needs Slurm's sbatch, and this machine has none")
    try:
        import submitit  # noqa: F401  sets its logger up
    except ImportError as error:
        raise RequestError("hydra/launcher=slurm needs pip install -e '.[slurm]' in a checkout of restore") from error
    logging.getLogger("submitit").setLevel(logging.ERROR)  # every poll of a cluster without accounting is a warning
    try:
        return queued()
    except SILENCE as error:
        raise RequestError(f"hydra/launcher=slurm: Slurm does not answer ({error})") from error


def _wait(jobs: Sequence[Job], threads: Mapping[str, threading.Thread], stop: threading.Event) -> dict[str, int]:
    codes: dict[str, int] = {}
    absences: Counter[str] = Counter()
    while len(codes) < len(jobs) and not stop.wait(PAUSE):
        try:
            queue = queued()
        except SILENCE:
            continue
        for job in jobs:
            if job.name not in codes and _has_ended(job, queue, threads.get(job.name), absences):
                codes[job.name] = _end(job)
    return codes


def _has_ended(job: Job, queue: set[str], thread: threading.Thread | None, absences: Counter[str]) -> bool:
    numbers = submissions(job)
    present = bool(numbers & queue)
    absences[job.name] = 0 if present or not numbers else absences[job.name] + 1
    waits = thread is not None and thread.is_alive()
    # submitit does not notice a cancelled job where Slurm keeps no accounts: nobody waits for that one
    return not present and (not waits or absences[job.name] >= PATIENCE)


def _end(job: Job) -> int:
    code = 0 if job.state == "finished" else 1
    print(f"{job.name}: {'failed' if code else 'finished'}", flush=True)
    if code:
        job.mark_failed(code)
    return code


def launcher(config_name: str, job: Job, module: str) -> Launcher:
    """The launcher of one job, of whose configuration its resources are part.

    Raises:
        RequestError: settings that it does not take.
    """
    words = [
        *job.words,
        *job.resources,
        f"hydra.sweep.dir={quote(job.folder.path.parent)}",
        f"hydra.sweep.subdir={quote(job.folder.name)}",
    ]
    try:
        with over_configuration() as instance:
            loader = instance.config_loader()
            config = loader.load_configuration(config_name, words, run_mode=RunMode.MULTIRUN)
            context = HydraContext(config_loader=loader, callbacks=Callbacks(config))
            task = Task(module, module.rpartition(".")[2])
            return Plugins.instance().instantiate_launcher(context, task, config)
    except (HydraException, OmegaConfBaseException) as error:
        raise RequestError(f"hydra/launcher: {value_sentence(error)}") from error


def submit_one(launcher: Launcher, job: Job) -> None:
    """Submit one job, and wait for it as submitit does; what goes wrong is in the job's log."""
    job.folder.path.mkdir(parents=True, exist_ok=True)
    job.folder.forget_result()
    print(f"submitting {job.name}", flush=True)
    try:
        launcher.launch([job.words], initial_job_idx=0)  # Hydra lays a job's words over the configuration anew
    except Exception as error:  # cancelled or killed, or refused by sbatch
        with job.log.open("a") as file:
            file.write(f"{type(error).__name__}: {' '.join(str(error).split())}\n")


def submissions(job: Job) -> set[str]:
    """The numbers under which Slurm has had this job."""
    return {folder.name.partition("_")[0] for folder in job.folder.path.glob(".submitit/*") if folder.name[0].isdigit()}


def queued() -> set[str]:
    """The numbers of the jobs that Slurm has, waiting or running."""
    answer = subprocess.run(["squeue", "-h", "-o", "%A"], capture_output=True, text=True, timeout=60, check=True)
    return set(answer.stdout.split())

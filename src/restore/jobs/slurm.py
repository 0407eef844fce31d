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
from typing import Any

import hydra
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from restore.config.compose import configuration, register_resolvers, value_sentence
from restore.errors import RequestError, report_errors
from restore.jobs.job import Job, quote_path

PAUSE = 3.0  # seconds between looks at the queue
PATIENCE = 5  # looks at which a job must be missing from the queue, with no result, to be given up

# A task of Slurm's imports this module when it unpickles its `Task`, and composes its configuration next.
register_resolvers()


class Task:
    """What a task of Slurm's calls: a command's function, by name, because ``__main__`` is another there."""

    def __init__(self, module: str, function: str):
        self.module, self.function = module, function

    def __call__(self, config: DictConfig) -> Any:
        try:
            with report_errors():
                return getattr(importlib.import_module(self.module), self.function)(config)
        except SystemExit as stop:
            if stop.code != 2:
                raise  # submitit's, after it has queued the job again
            raise RuntimeError(f"exit code {stop.code}") from stop  # Hydra's job runner looks for exceptions only


def submit(config_name: str, jobs: list[Job], module: str, stop: threading.Event) -> dict[str, int | None]:
    """Submit the jobs, wait for all of them, and return their exit codes (None: not waited for to the end).

    A job that an earlier call submitted and Slurm still has is waited for, not submitted again. After
    Ctrl-C what was submitted stays with Slurm.

    Raises:
        RequestError: no ``sbatch``, no hydra-submitit-launcher, or settings they do not take.
    """
    if shutil.which("sbatch") is None:
        raise RequestError("hydra/launcher=slurm needs Slurm's sbatch, and this machine has none")
    try:
        import submitit  # noqa: F401  sets its logger up
    except ImportError as error:
        raise RequestError("hydra/launcher=slurm needs pip install -e '.[slurm]'") from error
    logging.getLogger("submitit").setLevel(logging.ERROR)  # every poll of a cluster without accounting is a warning
    try:
        known = queued()
    except (OSError, subprocess.SubprocessError) as error:
        raise RequestError(f"hydra/launcher=slurm: Slurm does not answer ({error})") from error
    new = [job for job in jobs if not submissions(job) & known]
    threads = {  # all composed before the first starts: Hydra composes in one thread at a time
        job.name: threading.Thread(target=submit_one, args=(launcher(config_name, job, module), job), daemon=True)
        for job in new
    }
    for thread in threads.values():
        thread.start()
    codes: dict[str, int | None] = {}
    absent = dict.fromkeys((job.name for job in jobs), 0)
    while len(codes) < len(jobs) and not stop.wait(PAUSE):
        try:
            known = queued()
        except (OSError, subprocess.SubprocessError):  # a controller that is busy, or away for a while
            continue
        for job in jobs:
            waits = job.name in threads and threads[job.name].is_alive()
            numbers = submissions(job)
            there = bool(numbers & known)
            absent[job.name] = 0 if there or not numbers else absent[job.name] + 1
            # submitit does not notice a cancelled job where Slurm keeps no accounts: nobody waits for that one
            if job.name not in codes and not there and (not waits or absent[job.name] >= PATIENCE):
                codes[job.name] = 0 if job.state == "finished" else 1
                print(f"{job.name}: {'finished' if job.state == 'finished' else 'failed'}", flush=True)
                if codes[job.name]:
                    job.mark_failed(1)
    if stop.is_set():
        numbers = " ".join(sorted({number for job in jobs for number in submissions(job)} & queued()))
        print(f"\nSlurm goes on with {numbers} (scancel {numbers} ends them)" if numbers else "", flush=True)
    return {job.name: codes.get(job.name) for job in jobs}


def launcher(config_name: str, job: Job, module: str) -> Launcher:
    """The launcher of one job, of whose configuration its resources are part."""
    words = [
        *job.words,
        *job.placed,
        f"hydra.sweep.dir={quote_path(job.folder.path.parent)}",
        f"hydra.sweep.subdir={quote_path(job.folder.name)}",
    ]
    try:
        with hydra.initialize_config_dir(str(configuration()), version_base="1.3"):
            loader = GlobalHydra.instance().config_loader()
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

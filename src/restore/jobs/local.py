"""Jobs on this machine: each a process of its own.

Lightning starts the other ranks of a job by running its command line again, and inside Hydra's own
multirun that line is the whole sweep: two sweep folders, jobs trained twice, and a grid that hangs
when a rank dies. So every job is a plain run in a fresh process, with its own process group, port
and folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from restore import signals
from restore.config.loading import quote
from restore.errors import AGAIN
from restore.jobs.job import Job
from restore.runs import lock
from restore.signals import STOPPED

# What torch and Lightning leave in the environment of a process group; a job starts one of its own.
GROUP_VARIABLES = (
    *("LOCAL_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "ROLE_RANK"),
    *("MASTER_ADDR", "MASTER_PORT", "PL_GLOBAL_SEED", "TORCHELASTIC_RUN_ID"),
)


_running: set[subprocess.Popen] = set()  # what is told to stop when this process is


class Interruptible:
    """Ctrl-C is the jobs' to answer: they get it too, finish their step and save; no further one starts.

    SIGTERM and SIGHUP, which this process alone may get, are passed on to them as SIGTERM.

    Attributes:
        told: whether it was one of those.
    """

    def __init__(self) -> None:
        self.event, self.told = threading.Event(), False
        self._answers = contextlib.ExitStack()

    def __enter__(self) -> Interruptible:
        self._previous = signal.signal(signal.SIGINT, lambda *_: self.event.set())
        self._answers.enter_context(signals.answered(self._on_stop))
        signals.waits_for_others()
        return self

    def __exit__(self, *_) -> None:
        self._answers.close()
        signal.signal(signal.SIGINT, self._previous)

    def _on_stop(self, number: int) -> None:
        self.told = True
        self.event.set()
        for process in list(_running):
            process.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def running(command: Sequence[str], stop: threading.Event, **options: Any) -> Iterator[subprocess.Popen]:
    """A command as a process that ends with this one: it is told to stop when this one is, or dies."""
    environment = options.pop("env", None) or os.environ
    process = subprocess.Popen(command, env={**environment, **signals.tied()}, **options)
    _running.add(process)
    try:
        if stop.is_set():  # in between
            process.send_signal(signal.SIGTERM)
        yield process
        process.wait()
        if process.stdout:
            process.stdout.close()
    finally:
        _running.discard(process)


def run_job(job: Job, module: str, parallel: int, stop: threading.Event) -> int | None:
    """Run one job in a process of its own; its exit code, or None where it was not started.

    Another command that has the job already is left to it: `AGAIN` then.
    """
    if stop.is_set():
        return None
    if job.state == "finished":  # by another command, meanwhile
        return 0
    if lock.holder_of(job.folder):
        return AGAIN
    job.folder.path.mkdir(parents=True, exist_ok=True)
    print(f"\n{'resuming' if job.state == 'resumable' else 'starting'} {job.name}", flush=True)
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    command, environment = job_command(job, module), job_environment(parallel)
    with running(command, stop, env=environment, **pipes) as process, job.folder.job_log.open("a") as file:
        for line in process.stdout:
            with contextlib.suppress(OSError):  # a full disk: the job would wait for ever to be read on
                file.write(line)
                file.flush()
            print(f"{job.name}: {line}" if parallel > 1 else line, end="", flush=True)
    if process.returncode and process.returncode not in (AGAIN, STOPPED):
        job.mark_failed(process.returncode)
    return process.returncode


def await_job(job: Job, module: str, parallel: int, stop: threading.Event) -> int | None:
    """Run a job that another command has, when that one is through with it and has not finished it."""
    code: int | None = AGAIN
    while code == AGAIN and not stop.is_set():
        lock.wait(job.folder, stop.is_set, lambda words: print(f"\n{words}", flush=True))
        code = run_job(job, module, parallel, stop)
    return code


def job_command(job: Job, module: str) -> list[str]:
    """The command line of a job: its words, or what goes on where it stood."""
    place = quote(job.folder)
    # a resumed job's words are typed again, so that they are the person's, whatever stands in the folder
    words = [*job.words, f"resume={place}" if job.state == "resumable" else f"hydra.run.dir={place}"]
    return [sys.executable, "-m", module, *words, "hydra.mode=RUN", "hydra.output_subdir=.hydra"]


def job_environment(parallel: int) -> dict[str, str]:
    """This process's environment without its process group; with a share of the threads where several run at once."""
    environment = {key: value for key, value in os.environ.items() if key not in GROUP_VARIABLES}
    if "SLURM_NTASKS" in environment:  # by this name Lightning knows that Slurm does not start the ranks
        environment["SLURM_JOB_NAME"] = "interactive"
    if parallel > 1:
        environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // parallel))
    return environment

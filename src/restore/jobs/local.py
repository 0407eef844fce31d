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

from restore.config.loading import quote
from restore.jobs.job import Job

# What torch and Lightning leave in the environment of a process group; a job starts one of its own.
GROUP_VARIABLES = (
    *("LOCAL_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "ROLE_RANK"),
    *("MASTER_ADDR", "MASTER_PORT", "PL_GLOBAL_SEED", "TORCHELASTIC_RUN_ID"),
)


class Interruptible:
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
    job.folder.path.mkdir(parents=True, exist_ok=True)
    print(f"\n{'resuming' if job.state == 'resumable' else 'starting'} {job.name}", flush=True)
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(job_command(job, module), env=job_environment(parallel), **pipes)
    with process.stdout, job.folder.job_log.open("a") as file:
        for line in process.stdout:
            with contextlib.suppress(OSError):  # a full disk: the job would wait for ever to be read on
                file.write(line)
                file.flush()
            print(f"{job.name}: {line}" if parallel > 1 else line, end="", flush=True)
    code = process.wait()
    if code:
        job.mark_failed(code)
    return code


def job_command(job: Job, module: str) -> list[str]:
    """The command line of a job: its words, or what goes on where it stood."""
    place = quote(job.folder)
    words = [f"resume={place}"] if job.state == "resumable" else [*job.words, f"hydra.run.dir={place}"]
    return [sys.executable, "-m", module, *words, "hydra.mode=RUN", "hydra.output_subdir=.hydra"]


def job_environment(parallel: int) -> dict[str, str]:
    """This process's environment without its process group; with a share of the threads where several run at once."""
    environment = {key: value for key, value in os.environ.items() if key not in GROUP_VARIABLES}
    if "SLURM_NTASKS" in environment:  # by this name Lightning knows that Slurm does not start the ranks
        environment["SLURM_JOB_NAME"] = "interactive"
    if parallel > 1:
        environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // parallel))
    return environment

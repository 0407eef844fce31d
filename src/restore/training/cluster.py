"""Where a process stands among those that others start, and may end: Slurm's tasks, torchrun's ranks, campaigns."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import NoReturn

CUT_SHORT = 75  # exit code: saved, and to be started again (EX_TEMPFAIL of sysexits.h)


def stamp(now: str) -> str:
    """Names the last part of a run's folder: the same for every rank, and again after a requeue or restart.

    `now` is each process's own clock, which is no use where ``srun`` or ``torchrun`` starts several:
    they agree on the job's step, the rendezvous, or the time at which their common parent started.
    """
    if (step := os.environ.get("SLURM_STEP_ID")) and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        return f"slurm_{slurm_job()}_{step}"
    if identity := os.environ.get("TORCHELASTIC_RUN_ID"):
        parent = Path("/proc", str(os.getppid()))
        if identity != "none":  # `none` is every torchrun's that was given no --rdzv-id
            return "torchrun_" + re.sub(r"[^\w-]", "_", identity)
        if parent.exists():
            return f"{datetime.fromtimestamp(parent.stat().st_ctime):%Y-%m-%d_%H-%M-%S-%f}"
    return now


def slurm_job() -> str:
    """Returns this job's number, as ``scontrol`` takes it."""
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ["SLURM_JOB_ID"]


def restarted() -> bool:
    """Whether this process is a job's second start, whose folder may hold what to go on from."""
    return any(int(os.environ.get(name, "0")) for name in ("SLURM_RESTART_COUNT", "TORCHELASTIC_RESTART_COUNT"))


def preemptible() -> bool:
    """Whether SIGUSR1 and SIGUSR2 mean to save and leave: within a Slurm job, and where a campaign says so."""
    return "SLURM_JOB_ID" in os.environ or "RESTORE_PREEMPTIBLE" in os.environ


def requeue() -> NoReturn:
    """Leaves, with this Slurm job queued again: by submitit's own handler under submitit, else by ``scontrol``.

    Outside Slurm it leaves with `CUT_SHORT`, and whoever sent the signal starts it again. Within, Slurm ends
    the other ranks; they wait for it, because the first one to leave would take the rank that speaks to
    Slurm with it.
    """
    if "SLURM_JOB_ID" not in os.environ:
        raise SystemExit(CUT_SHORT)
    if int(os.environ.get("SLURM_PROCID", "0")) == 0:
        handlers = [signal.getsignal(number) for number in (signal.SIGUSR2, signal.SIGUSR1)]
        submitit = next((handler for handler in handlers if "submitit" in getattr(handler, "__module__", "")), None)
        if submitit is not None:
            submitit(signal.SIGUSR2, None)
        else:
            subprocess.run(["scontrol", "requeue", slurm_job()], check=True, timeout=60)
    time.sleep(60)
    raise SystemExit(1)

"""Train the papers' networks one after the other within a time limit, and go on where the last call ended.

    python -m restore.campaign [budget=gpu] [minutes=9] [state=campaign.tar] [only=] [list=false] [words=]

budget    gpu, cpu or paper: of every run, said in every record
minutes   of this call; the run that is under way then saves and leaves, and the same command goes on with it
state     the one file that holds the campaign: results and float16 weights of finished runs, checkpoints of the one
          under way. Where it exists it is unpacked first. Carry it (split -b 15M, cat) to go on elsewhere. SIGTERM
          leaves no time to write it: what the run saves then is in its folder alone
only      names of entries, with commas
list      only list the entries and how they stand
words     further words for every run, with spaces: words='paths.data=sets logger=csv'

The order is that of the records that matter most; the ablation grids come last. DnCNN-3 starts from DnCNN-B's weights
where that run is finished, else from scratch. budget=cpu is truncated, two minutes a network and a single pass a test
image: it says that everything runs, not how good it gets. Needs RESTORE_DATA. Runs go to
runs/campaign_<budget>/<entry>/, their summary to campaign_<budget>/{results.csv,table.md}. A run that fails, for want
of a set for instance, is reported and does not keep the others.
"""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from restore import atomic, signals
from restore.bounds import Positive
from restore.checkpoint import lighten, read_checkpoint
from restore.config.arguments import parse
from restore.config.loading import quote
from restore.config.metrics import register_metrics_of
from restore.errors import RequestError, report_errors, unknown_name
from restore.jobs.archive import unpack
from restore.jobs.grid import expand
from restore.jobs.job import Job
from restore.jobs.local import Interruptible, running
from restore.results import store
from restore.results.quantities import quantity
from restore.results.tables import markdown, means_table, not_run_tables
from restore.runfolder import RunFolder
from restore.runs import lock
from restore.signals import STOPPED
from restore.training.cluster import CUT_SHORT
from restore.training.durations import clock

MARGIN = 25.0  # seconds that a run has to save and leave, and the state to be written
GRIDS = ("red_depth", "red_residual_blocks", "red_skip_step", "red_width", "red_kernel_size", "red_patch_size",
         "red_downsample", "dncnn_residual_bn")  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One run: a name, its words, and the longest it may take at each budget; empty for what its words say.

    Attributes:
        start: the entry whose weights it starts from, where that one is finished.
    """

    name: str
    words: tuple[str, ...]
    gpu_time: str = "5m"
    cpu_time: str = "2m"
    start: str = ""

    def command(self, budget: str, folder: RunFolder, more: Sequence[str]) -> list[str]:
        longest = {"gpu": self.gpu_time, "cpu": self.cpu_time}.get(budget)
        if folder.resumable:
            words = [f"resume={quote(folder)}", *(word for word in more if word.startswith("trust="))]
        else:
            own = [*self.words, f"budget={budget}", *([f"trainer.max_time={longest}"] if longest else [])]
            first = RunFolder(folder.path.parent / self.start)
            own += [f"init={quote(first)}"] if self.start and first.state == "finished" else []
            words = [*own, f"name=campaign_{budget}", "logger=none", f"hydra.run.dir={quote(folder)}", *more]
        return [sys.executable, "-m", "restore.run", *words]


def entries(budget: str) -> list[Entry]:
    """The campaign in its order; a grid's jobs are entries each."""
    # on a few cores: small batches, so that there are steps; few validations, and no eight passes a test image
    few = ("data.batch_size=8", "trainer.validations=4") if budget == "cpu" else ()
    red = ("data=bsd300", "protocol=dncnn" if budget == "cpu" else "protocol=[red,dncnn]")
    denoise = ("task=denoise", *red, "test_sets=[bsd200]")
    sr = ("task=sr", "task.scale=3", *red, "test_sets=[set5]")
    jpeg = ("task=jpeg", "task.quality=10", *red, "test_sets=[live1,classic5]")
    plan = [
        Entry("dncnn_s_25", ("task=denoise", "model=dncnn_s", "data=train400", "data.patch_size=40"), "5m", "4m"),
        Entry("red30_sigma50", (*denoise, "task.sigma=50", "model=red30"), "8m"),
        Entry("red30_sigma30", (*denoise, "task.sigma=30", "model=red30"), "8m"),
        Entry("dncnn_b", ("task=denoise_blind", "model=dncnn_b", "data=train400"), "8m"),
        Entry("red30_sr3", (*sr, "model=red30"), "8m"),
        Entry("red30_jpeg10", (*jpeg, "model=red30"), "8m"),
    ]
    for model in ("red20", "red10"):
        plan += [
            Entry(f"{model}_sigma{sigma}", (*denoise, f"task.sigma={sigma}", f"model={model}")) for sigma in (50, 30)
        ]
        plan += [Entry(f"{model}_sr3", (*sr, f"model={model}")), Entry(f"{model}_jpeg10", (*jpeg, f"model={model}"))]
    general = ("task=general", "model=dncnn_3", "data=t91_bsd200", "test_sets=[set5,classic5,bsd68]")
    plan.append(Entry("dncnn_3", general, "9m", start="dncnn_b"))
    plan = [replace(entry, words=entry.words + few) for entry in plan]
    for grid in GRIDS:
        jobs, _ = expand("config", [f"experiment={grid}", f"budget={budget}"])
        plan += [Entry(f"{grid}/{job.name}", tuple(job.words), cpu_time="") for job in jobs]
    return plan


def main(arguments: list[str]) -> int:
    defaults = {"budget": "gpu", "minutes": "9", "state": "campaign.tar", "only": "", "list": "false", "words": ""}
    kinds = {"budget": Literal["gpu", "cpu", "paper"], "minutes": Positive, "list": bool}
    words = parse(__doc__, defaults, arguments, **kinds)
    deadline = time.monotonic() + 60 * words["minutes"]
    try:
        more = shlex.split(words["words"])
    except ValueError as error:
        raise RequestError(f"words cannot be read ({error}): {words['words']}") from error
    budget, state = words["budget"], Path(words["state"]).expanduser()
    plan = entries(budget)
    if words["only"]:
        names = [entry.name for entry in plan]
        selection = words["only"].split(",")
        for name in selection:
            if name not in names:
                raise unknown_name("entry", name, names)
        plan = [entry for entry in plan if entry.name in selection]
    root = Path("runs", f"campaign_{budget}").resolve()
    unpack(state, root)
    jobs = {entry.name: Job([], [], RunFolder(root / entry.name)) for entry in plan}
    if not words["list"]:
        signals.go_on(lambda: f"the same command goes on from {root}; {state} is that of the call before")
        with lock.held(RunFolder(root)):
            code = run_all(plan, jobs, budget, deadline, more)
            pack(state, root)
            log_summary(jobs, budget)
    else:
        code = 0
    print("\n" + markdown(("entry", "state", "test", "steps", "seconds"), [line(*item) for item in jobs.items()]))
    done = sum(job.state == "finished" for job in jobs.values())
    print(f"\n{done} of {len(jobs)} finished; the same command goes on, from {state} on another machine too")
    return code


def line(name: str, job: Job) -> list[str]:
    """How an entry stands: its state, what its test gave by the first metric, steps and seconds."""
    result = job.folder.result
    test = quantity(result["metric"]).caption(result["test"]) if "test" in result else "–"
    return [name, job.state, test, *(str(result.get(key, "–")) for key in ("steps", "seconds"))]


def run_all(plan: Sequence[Entry], jobs: dict[str, Job], budget: str, deadline: float, more: list[str]) -> int:
    """Run what is not finished, in order, until the time is up or Ctrl-C; 1 where a run failed, else 0.

    Raises:
        Stop: told to (SIGTERM, SIGHUP), and so was the run, which has saved.
    """
    code = 0
    with Interruptible() as interruptible:
        stop = interruptible.event
        for entry in plan:
            job, left = jobs[entry.name], deadline - MARGIN - time.monotonic()
            if job.state == "finished":
                thin(job.folder)
                continue
            if left < MARGIN or stop.is_set():
                print("the time is up" if left < MARGIN else "stopped", flush=True)
                break
            job.folder.path.mkdir(parents=True, exist_ok=True)
            print(f"\n{entry.name}: {clock(left)} left in this call", flush=True)
            ended = run_one(entry.command(budget, job.folder, more), job.folder, left, stop)
            if job.state == "finished":
                thin(job.folder)
            elif ended not in (CUT_SHORT, STOPPED, -signal.SIGUSR1, -signal.SIGKILL):
                code = 1
                job.mark_failed(ended)
    if interruptible.told:
        signals.leave()
    return code


def run_one(command: list[str], folder: RunFolder, seconds: float, stop: threading.Event) -> int:
    """One run, told to save and leave when its time is up or ours is; killed where it has not left then."""
    environment = os.environ | {"RESTORE_PREEMPTIBLE": "1"}
    until = time.monotonic() + seconds
    lock.wait(folder, lambda: stop.is_set() or time.monotonic() > until, print)  # of a call that was killed just now
    apart = {"stderr": subprocess.STDOUT, "start_new_session": True}  # from Ctrl-C, which is this process's to answer
    with folder.job_log.open("ab") as log, running(command, stop, env=environment, stdout=log, **apart) as process:
        while process.poll() is None and time.monotonic() < until and not stop.wait(0.5):
            pass
        if process.poll() is None:
            process.send_signal(signal.SIGUSR1)
            try:
                process.wait(MARGIN)
            except subprocess.TimeoutExpired:
                process.kill()
    print("".join(folder.job_log.read_text(errors="replace").splitlines(True)[-2:]), end="", flush=True)
    return process.wait()


# -- the state -------------------------------------------------------------------------------------


def thin(folder: RunFolder) -> None:
    """Of a finished run: float16 weights in place of its checkpoints."""
    if folder.last.is_file():
        lighten(folder)


def pack(state: Path, root: Path) -> None:
    """Everything needed to go on, in one tar, written beside and moved over the old one."""
    run = RunFolder("run")
    files = (run.results, run.history, run.job_log, run.last, run.config, run.overrides)
    names = ("run.json", "result.json", "hydra.yaml", *(file.name for file in files))
    with atomic.replacing(state) as partial, tarfile.open(partial, "w:gz") as tar:
        for file in sorted(root.rglob("*")):
            if file.name in names:
                tar.add(file, file.relative_to(root))
            elif file.name == run.best.name:  # its weights are enough: what goes on is the last one
                content, whole = io.BytesIO(), read_checkpoint(file)
                torch.save({key: whole[key] for key in ("state_dict", "global_step")}, content)
                entry = tarfile.TarInfo(str(file.relative_to(root)))
                entry.size = content.tell()
                content.seek(0)
                tar.addfile(entry, content)


def log_summary(jobs: dict[str, Job], budget: str) -> None:
    """Results of the finished runs and a table of their means beside the published ones."""
    rows = []
    for name, job in jobs.items():
        if job.state == "finished" and job.folder.results.is_file():
            register_metrics_of(job.folder)
            rows += [row | {"run": name} for row in store.read(job.folder.results)]
    if not rows:
        return
    folder = Path(f"campaign_{budget}")
    folder.mkdir(exist_ok=True)
    (folder / "results.csv").unlink(missing_ok=True)
    store.append(folder / "results.csv", rows)
    runs = len({row["run"] for row in rows})
    description = "truncated runs, minutes of training each" if budget == "cpu" else "runs"
    means = store.means(rows)
    table = "\n\n".join([means_table(means), *not_run_tables(means)])
    atomic.write(folder / "table.md", f"restore.campaign budget={budget}: {runs} {description}.\n\n{table}\n")
    print(f"\n{folder / 'table.md'}")


if __name__ == "__main__":
    with report_errors():
        code = main(sys.argv[1:])
    raise SystemExit(code)

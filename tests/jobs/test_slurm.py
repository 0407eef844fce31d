"""Grids on a real Slurm: one and several tasks a job, preemption, cancelling; and what can be seen without one.

`make test-slurm` runs them where a Slurm answers.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cloudpickle
import pytest
from hydra.core.singleton import Singleton
from hydra.core.utils import JobStatus

from conftest import drop_handlers, finish, start
from restore.config.compose import run_config
from restore.config.overrides import normalise_overrides
from restore.jobs.grid import expand
from restore.jobs.slurm import Task, launcher
from restore.results import store


def on_slurm(test):
    """A test that needs a Slurm which answers, and minutes."""
    for mark in (pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("slurm")):
        test = mark(test)
    return test


@pytest.fixture
def slurm() -> None:
    """Skips where no Slurm answers."""
    if shutil.which("sbatch") is None:
        pytest.skip("Slurm is not installed on this machine: no sbatch")
    if subprocess.run(["sinfo", "-h"], capture_output=True, timeout=60).returncode:
        pytest.skip("Slurm is installed here, but none answers (sinfo fails; is SLURM_CONF set?)")


def wait_for(condition, seconds: float = 120):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{condition} did not come about")


def slurm_of(folder: Path) -> str:
    return next(f.name for f in folder.glob(".submitit/*") if f.name.isdigit())


def scores(folder: Path) -> list[tuple]:
    keys = ("model", "setting", "image", "metric", "value")
    return sorted(tuple(row[key] for key in keys) for row in store.read(folder / "results.csv"))


@on_slurm
def test_jobs_of_one_and_two_tasks_equal_local_ones(grid, tmp_path):
    words = [*grid, "trainer.devices=1,2", "task.sigma={set:[10,30]}", "name='a, b'"]
    code, out = finish(start(tmp_path, "hydra/launcher=slurm", *words))
    assert code == 0, out[-3000:]
    assert "2 of 2 jobs finished" in out
    (sweep,) = (tmp_path / "runs" / "sweeps").iterdir()
    logs = {job: sorted(f.name.split("_", 1)[1] for f in (sweep / job).glob(".submitit/*/*_log.out")) for job in
            ("trainer.devices=1", "trainer.devices=2")}  # fmt: skip
    assert logs == {"trainer.devices=1": ["0_log.out"], "trainer.devices=2": ["0_log.out", "1_log.out"]}
    there = {job: scores(sweep / job) for job in logs}

    code, out = finish(start(tmp_path, "hydra/launcher=slurm", *words))
    assert code == 0
    assert "submitting" not in out, "what is finished is not submitted again"

    shutil.rmtree(sweep)
    assert finish(start(tmp_path, *words))[0] == 0
    assert {job: scores(sweep / job) for job in logs} == there


@on_slurm
def test_a_preempted_job_is_queued_again_and_ends_as_if_undisturbed(grid, tmp_path):
    words = [word for word in grid if not word.startswith("trainer.max_steps")]
    words += ["trainer.devices=2", "trainer.max_steps=1500", "trainer.max_time=null", "seed=4"]
    process = start(tmp_path, "hydra/launcher=slurm", *words)
    (history,) = wait_for(lambda: list(tmp_path.glob("runs/sweeps/*/*/console.log")))
    job = history.parent
    wait_for(lambda: "expected" in history.read_text())
    time.sleep(1)
    number = slurm_of(job)
    subprocess.run(["scancel", "--signal=USR2", number], check=True)
    wait_for(lambda: "preempted after" in history.read_text())
    preempted_at = int(history.read_text().partition("preempted after ")[2].split()[0])
    assert 0 < preempted_at < 1500
    wait_for(lambda: "PENDING" in state_of(number))  # Slurm holds a requeued job for two minutes; no need
    subprocess.run(["scontrol", "update", f"jobid={number}", "StartTime=now"], check=True)
    code, out = finish(process)
    assert code == 0, out[-3000:]
    disturbed = scores(job)
    assert slurm_of(job) == number, "the same Slurm job, not another one"

    shutil.rmtree(job.parent)
    assert finish(start(tmp_path, *words))[0] == 0
    assert scores(job) == disturbed


def state_of(number: str) -> str:
    return subprocess.run(["squeue", "-h", "-j", number, "-o", "%T"], capture_output=True, text=True).stdout


@on_slurm
def test_a_cancelled_job_is_reported_and_the_others_finish(grid, tmp_path):
    words = [*grid, "trainer.max_time=null", "trainer.max_steps=200000,6"]
    process = start(tmp_path, "hydra/launcher=slurm", *words)
    long = wait_for(lambda: list(tmp_path.glob("runs/sweeps/*/trainer.max_steps=200000/console.log")))[0].parent
    wait_for(lambda: "expected" in (long / "console.log").read_text())
    subprocess.run(["scancel", slurm_of(long)], check=True)
    code, out = finish(process)
    assert code == 1, out[-3000:]
    assert "1 of 2 jobs finished" in out
    assert "trainer.max_steps=200000 failed" in out


@pytest.mark.slow
def test_where_slurm_is_missing_it_says_so(grid, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    code, out = finish(start(tmp_path, "hydra/launcher=slurm", *grid, "seed=0,1"))
    assert code == 2
    assert "no such" not in out.lower()
    assert out.rstrip().endswith("hydra/launcher=slurm needs Slurm's sbatch, and this machine has none")


def test_what_slurm_is_told_and_what_its_task_computes(grid, tmp_path, monkeypatch):
    """Without a Slurm: the launcher is composed, pickled, and its task called as one of Slurm's calls it.

    A protocol of a person's own and a turned switch reach it.
    """
    own = tmp_path / "own" / "protocol"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package protocols.mine\ndefaults: [_base, _self_]\nborder: 4\n")
    words = ["--config-dir", str(tmp_path / "own"), "protocol=[dncnn,mine]", "protocols.mine.border=2"]
    resources = ["hydra/launcher=slurm", "hydra.launcher.partition=short", "trainer.devices=1"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESTORE_CACHE", str(tmp_path / "cache"))
    (job, *_), _ = expand("config", normalise_overrides([*words, *resources, *grid, "seed=3,4"]))
    slurms = launcher("config", job, "restore.run")
    assert (slurms.params["partition"], slurms.params["tasks_per_node"]) == ("short", 1)
    assert slurms.params["submitit_folder"] == f"{job.folder}/.submitit/%j"

    there = cloudpickle.loads(cloudpickle.dumps(slurms))
    monkeypatch.setattr("submitit.JobEnvironment", lambda: SimpleNamespace(job_id="7"))
    job.folder.create()
    try:
        ending = there(job.words, "hydra.sweep.dir", 0, "0", Singleton.get_state())
    finally:
        drop_handlers()
    assert ending.status is JobStatus.COMPLETED, ending
    assert {row["protocol"] for row in store.read(job.folder.results)} == {"dncnn", "mine", "mine+border=2"}
    assert set(run_config(job.folder).protocols) == {"dncnn", "mine", "mine+border=2"}
    assert job.state == "finished"


def test_a_wrong_request_of_a_task_is_a_failure_that_hydra_sees(monkeypatch):
    def refuse(task, config):
        raise SystemExit(2)

    monkeypatch.setattr("restore.jobs.slurm.carry_out", refuse)
    with pytest.raises(RuntimeError, match="exit code 2"):
        Task("restore.run", "run")({})

    def requeued(task, config):
        raise SystemExit(-1)  # submitit's, of a job that is queued again

    monkeypatch.setattr("restore.jobs.slurm.carry_out", requeued)
    with pytest.raises(SystemExit):
        Task("restore.run", "run")({})

"""Jobs on this machine: their command lines, their environment, Ctrl-C."""

import os
import signal
import sys

from restore.jobs.job import Job
from restore.jobs.local import GROUP_VARIABLES, Interruptible, job_command, job_environment, run_job
from restore.runfolder import RunFolder


def test_a_new_job_has_its_words_and_one_that_was_cut_resumes(tmp_path):
    job = Job(["seed=1"], ["seed=1"], RunFolder(tmp_path / "seed=1"))
    start = [sys.executable, "-m", "restore.run"]
    end = ["hydra.mode=RUN", "hydra.output_subdir=.hydra"]
    assert job_command(job, "restore.run") == [*start, "seed=1", f"hydra.run.dir='{tmp_path}/seed=1'", *end]
    job.folder.checkpoints.mkdir(parents=True)
    job.folder.last.touch()
    assert job_command(job, "restore.run") == [*start, "seed=1", f"resume='{tmp_path}/seed=1'", *end]


def test_a_job_has_no_process_group_of_ours(monkeypatch):
    for name in GROUP_VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    alone, shared = job_environment(1), job_environment(2)
    assert not set(GROUP_VARIABLES) & set(alone)
    assert alone["SLURM_JOB_NAME"] == "interactive"
    assert alone["OMP_NUM_THREADS"] == "64"
    assert int(shared["OMP_NUM_THREADS"]) == max(1, os.cpu_count() // 2)


def test_after_ctrl_c_no_further_job_starts(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    job = Job(["seed=1"], ["seed=1"], RunFolder(tmp_path / "seed=1"))
    with Interruptible() as interruptible:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruptible.event.wait(5)
        assert run_job(job, "restore.run", 1, interruptible.event) is None
    assert signal.getsignal(signal.SIGINT) is before
    assert not job.folder.path.exists()


def test_what_a_job_prints_is_kept_and_its_failure_recorded(tmp_path, capfd):
    job = Job([], [], RunFolder(tmp_path / "job"))
    with Interruptible() as interruptible:
        code = run_job(job, "this_module_is_nowhere", 1, interruptible.event)
    assert code == 1
    assert "No module named" in job.log.read_text()
    assert "No module named" in capfd.readouterr().out
    assert job.folder.result == {"state": "failed", "exit_code": 1}

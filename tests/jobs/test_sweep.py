"""A grid of jobs that survives: real processes, two gloo ranks, kills, failures, Ctrl-C."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from conftest import finish, read_rows, start
from restore.config.compose import run_config
from restore.config.metrics import register_metrics_of
from restore.errors import RequestError
from restore.jobs.job import Job
from restore.jobs.sweep import gather, summary
from restore.results import quantities, store
from restore.runfolder import RunFolder


def jobs_of(cwd: Path) -> list[Path]:
    sweeps = list((cwd / "runs" / "sweeps").iterdir())
    assert len(sweeps) == 1, "exactly one sweep folder"
    return sorted(folder for folder in sweeps[0].iterdir() if folder.is_dir())


@pytest.mark.slow
def test_a_grid_over_devices_inside_another_process_group(command, grid, tmp_path):
    """One job on one process and one on two, with words that need quoting, from within a torchrun-like environment.

    It is scored by a protocol of a person's own, which reaches the jobs, their ranks, and what is resumed.
    """
    own = tmp_path / "my conf" / "protocol"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package protocols.mine\ndefaults: [_base, _self_]\nborder: 4\n")
    group = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    words = [*grid, "trainer.devices=1,2", "task.sigma={set:[10,30]}", "name='a, b'", "seed=3"]
    words += ["--config-dir", "my conf", "protocol=[dncnn,mine]", "protocols.mine.border=2"]
    code, out = finish(start(tmp_path, *words, **group))
    assert code == 0, out[-3000:]
    one, two = jobs_of(tmp_path)
    assert (one.name, two.name) == ("trainer.devices=1", "trainer.devices=2")
    protocols = {"dncnn", "mine", "mine+border=2"}
    for job in (one, two):
        rows = read_rows(job / "results.csv")
        assert len(rows) == 3 * 2 * 3
        assert {row["protocol"] for row in rows} == protocols
        assert {row["setting"] for row in rows} == {"sigma=10", "sigma=30"}
        assert {row["experiment"] for row in rows} == {"a, b"}
        assert (job / "checkpoints" / "best.ckpt").is_file()
        assert not (job / "runs").exists()
        assert set(run_config(job).protocols) == protocols
    gathered = read_rows(one.parent / "results.csv")
    assert {row["run"] for row in gathered} == {"trainer.devices=1", "trainer.devices=2"}
    assert out.count("finished: 6 steps") == 2
    assert "2 of 2 jobs finished" in out
    # the same patches and the same start: two processes see what one does
    psnr = [[row["value"] for row in read_rows(job / "results.csv")] for job in (one, two)]
    assert psnr[0] == pytest.approx(psnr[1], abs=0.5)
    assert {json.loads((job / "result.json").read_text())["state"] for job in (one, two)} == {"finished"}

    again = command("run", f"resume='{one}'", "trainer.max_steps=8")
    assert again.code == 0, again.err
    assert "finished: 8 steps" in again.out
    assert "mine+border=2" in again.out
    (own / "mine.yaml").rename(own / "other.yaml")
    answer = command("run", f"resume='{one}'", "trainer.max_steps=9")
    assert (answer.code, "unknown protocol 'mine'" in answer.err) == (2, True)


def test_a_failed_job_does_not_end_the_grid(grid, tmp_path):
    words = [word for word in grid if not word.startswith("data.patch_size")]
    code, out = finish(start(tmp_path, *words, "data.patch_size=60,16", "trainer.max_steps=2"))
    assert code == 1
    failed, done = (next((tmp_path / "runs" / "sweeps").glob(f"*/data.patch_size={k}")) for k in (60, 16))
    assert json.loads((failed / "result.json").read_text()) == {"state": "failed", "exit_code": 2}
    assert json.loads((done / "result.json").read_text())["state"] == "finished"
    assert "data.patch_size=60 failed with exit code 2; the end of" in out
    assert "is larger than the smallest training image" in out.split("failed with exit code")[1]
    assert "1 of 2 jobs finished" in out


def test_an_impossible_point_is_refused_before_any_job(command_sweep, grid, tmp_path):
    with pytest.raises(RequestError, match=r"model\.kernel_size=4: model\.kernel_size must be odd"):
        command_sweep(*grid, "model.kernel_size=3,4")
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["job", "grid"])
def test_killed_and_completed_equals_undisturbed(command, grid, tmp_path, moment):
    """A job, or the whole grid, is killed at a random moment; the same command again gives the same numbers."""
    words = [*grid, "trainer.max_steps=120", "trainer.validations=30", "data.patches_per_epoch=36"]
    process = start(tmp_path, *words, "seed=0,1")
    wait_for(tmp_path, "*/seed=1/checkpoints/last.ckpt")
    time.sleep(random.random() * 0.5)
    if moment == "grid":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        kill_child(process.pid)
    assert finish(process)[0] != 0
    code, out = finish(start(tmp_path, *words, "seed=0,1"))
    assert code == 0, out[-3000:]
    assert "resuming seed=1" in out
    assert "seed=0\n" not in out, "the finished job is not run again"
    for job in jobs_of(tmp_path):
        assert json.loads((job / "result.json").read_text())["steps"] == 120
        assert command("run", *words, job.name, f"name=undisturbed{job.name[-1]}").code == 0
        undisturbed = next((tmp_path / "runs" / f"undisturbed{job.name[-1]}").iterdir())
        scores = [[row["value"] for row in read_rows(f / "results.csv")][-3:] for f in (job, undisturbed)]
        assert scores[0] == scores[1], job.name


def wait_for(folder: Path, pattern: str, limit: float = 120) -> None:
    end = time.monotonic() + limit
    while not list(folder.glob(f"runs/sweeps/{pattern}")):
        assert time.monotonic() < end, f"no {pattern}"
        time.sleep(0.05)


def kill_child(parent: int) -> None:
    children = Path(f"/proc/{parent}/task").glob("*/children")
    for child in {int(pid) for file in children for pid in file.read_text().split()}:
        os.kill(child, signal.SIGKILL)


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(grid, tmp_path):
    words = [*grid, "seed=0,1", "trainer.max_steps=1000000", "trainer.validations=100000"]
    process = start(tmp_path, *words)
    wait_for(tmp_path, "*/seed=0/checkpoints/last.ckpt")
    os.killpg(process.pid, signal.SIGINT)
    code, out = finish(process)
    assert code == 1
    first = next((tmp_path / "runs" / "sweeps").glob("*/seed=0"))
    assert json.loads((first / "result.json").read_text())["state"] == "interrupted"
    assert not list((tmp_path / "runs" / "sweeps").glob("*/seed=1/checkpoints")), "the next job was not started"
    assert "interrupted: the same command again" in out


@pytest.mark.slow
def test_two_jobs_at_a_time(grid, tmp_path):
    code, out = finish(start(tmp_path, *grid, "seed=0,1", "sweep.jobs=2", "trainer.max_steps=2"))
    assert code == 0, out[-3000:]
    assert "seed=0: finished: 2 steps" in out
    assert "seed=1: finished: 2 steps" in out


def test_listing_runs_nothing(command_sweep, grid, tmp_path):
    code, out = command_sweep(*grid, "model=red10,red20", "task.sigma=[5,15],25", "sweep.list=true")
    assert code == 0
    assert "4 jobs" in out
    assert "model=red20,task.sigma=[5,15]" in out
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def command_sweep(capsys, monkeypatch, tmp_path):
    from restore.config.overrides import normalise_overrides
    from restore.jobs.sweep import sweep

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        code = sweep("config", normalise_overrides(words), "restore.run")
        return code, capsys.readouterr().out

    return call


def test_what_a_grid_cannot_follow_is_refused_before_any_job(grid, tmp_path):
    code, out = finish(start(tmp_path, *grid, "seed=0,1", "hydra.sweep.dir=elsewhere"))
    assert code == 2
    assert "hydra.sweep.dir would not be followed: the folder of a grid follows from its request" in out
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_the_summary_follows_the_metric(tmp_path):
    jobs = [Job([], [], RunFolder(tmp_path / name)) for name in ("one", "two")]
    jobs[0].folder.create()
    jobs[0].folder.write_result(state="finished", metric="ssim", objective=0.91234, test=0.8, steps=6)
    header, _, one, two = ([cell.strip() for cell in line.strip("|").split("|")] for line in summary(jobs).splitlines())
    assert header == ["job", "state", "val SSIM", "test SSIM", "steps"]
    assert one == ["one", "finished", "0.9123", "0.8000", "6"]
    assert two == ["two", "not started", "–", "–", "–"]


def test_gathered_rows_are_the_jobs_own(tmp_path, monkeypatch, capsys):
    """The latest of each image and metric, to the decimals of the run's own metric; a damaged file is left out."""
    monkeypatch.setattr(quantities, "_KNOWN", dict(quantities._KNOWN))
    jobs = [Job([], [], RunFolder(tmp_path / name)) for name in ("one", "two")]
    base = dict.fromkeys(store.COLUMNS, "") | {"model": "red20", "protocol": "dncnn", "dataset": "d", "setting": "s"}
    for job in jobs:
        job.folder.create()
        job.folder.config.parent.mkdir()
        job.folder.config.write_text("metrics: {fine: {digits: 7, higher_is_better: false}}")
        register_metrics_of(job.folder)
        for value in (0.5, 0.0012345):
            row = base | {"image": "a", "metric": "fine", "value": value, "value_input": 1.0, "run": "date"}
            store.append(job.folder.results, [row, row | {"metric": "psnr", "value": 30.12}])
    jobs[1].folder.results.write_text(jobs[1].folder.results.read_text()[:-9])
    quantities._KNOWN.pop("fine")  # a sweep's own process has built no metric
    gather(jobs)
    rows = store.read(tmp_path / "results.csv")
    assert [(row["run"], row["metric"], row["value"]) for row in rows] == [
        ("one", "fine", 0.0012345),
        ("one", "psnr", 30.12),
    ]
    assert "left out" in capsys.readouterr().out

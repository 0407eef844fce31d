"""W&B online, proven against a server on this machine: a grid over two ranks, and a run that is resumed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from wandb_server import WandbServer

from restore.runfolder import RunFolder


@pytest.fixture
def words(tiny) -> list[str]:
    kept = [word for word in tiny if not word.startswith(("paths.runs", "logger"))]
    return [*kept, "logger=wandb", "logger.mode=online", "trainer.log_every_n_steps=1"]


def call(cwd: Path, server: WandbServer, *words: str) -> None:
    environment = {**os.environ, "RESTORE_CACHE": str(cwd / "cache"), "HOME": str(cwd), **server.environment}
    command = [sys.executable, "-m", "restore.run", *words]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "offline" not in done.stdout


@pytest.mark.slow
def test_a_grid_over_two_ranks(words, tmp_path):
    with WandbServer() as server:
        call(tmp_path, server, "-m", *words, "trainer.devices=2", "model.skip_step=2,0", "name=grid")
    jobs = [run for run in server.runs.values() if run.fields["jobType"] == "train"]
    assert len(jobs) == 2, "a run per job, and one writer in each"
    (sweep,) = (tmp_path / "runs" / "sweeps").iterdir()
    (report,) = (run for run in server.runs.values() if run.fields["jobType"] != "train")
    assert (report.fields["jobType"], report.fields["groupName"]) == ("report", sweep.name)
    shown = {run.fields["displayName"]: run for run in jobs}
    assert sorted(shown) == ["skip_step=0 grid", "skip_step=2 grid"]
    for name, run in shown.items():
        assert run.fields["groupName"] == sweep.name
        assert set(run.fields["tags"]) == {"denoise", "red10", "cpu"}
        assert run.config["model"]["skip_step"] == int(name[10])
        assert run.exit_codes[-1] == 0
        logged = {key for row in run.history for key in row}
        assert {"train/loss", "train/lr", "val/psnr", "val/ssim", "test/psnr", "speed/patches_per_s"} <= logged
        steps = [row["trainer/global_step"] for row in run.history if "train/loss" in row]
        assert steps == sorted(set(steps)), "nothing was logged twice"
        assert any(file.startswith("media/images/samples") for file in run.files)


@pytest.mark.slow
def test_a_resumed_run_is_the_same_run(words, tmp_path):
    with WandbServer() as server:
        call(tmp_path, server, *words)
        (folder,) = (tmp_path / "runs" / "denoise_red10").iterdir()
        call(tmp_path, server, f"resume={folder}", "trainer.max_steps=9")
    ((name, run),) = server.runs.items()
    assert name == RunFolder(folder).identity
    steps = [row["trainer/global_step"] for row in run.history if "train/loss" in row]
    assert steps == sorted(set(steps)), "no step is logged twice"
    assert max(steps) > 6
    assert run.exit_codes == [0, 0]

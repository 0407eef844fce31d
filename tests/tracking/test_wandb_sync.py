"""What was logged offline, uploaded to a server on this machine: every key, table, picture, group and job type."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wandb_server import WandbServer

from restore.runfolder import RunFolder

pytestmark = pytest.mark.slow


def call(cwd: Path, module: str, *words: str, **environment: str) -> str:
    variables = {**os.environ, "RESTORE_CACHE": str(cwd / "cache"), "HOME": str(cwd), **environment}
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def test_a_sweep_its_report_and_an_evaluation(tiny, tmp_path):
    words = [word for word in tiny if not word.startswith(("logger", "paths.runs"))]
    words += ["logger.checkpoints=true", "trainer.log_every_n_steps=2", "task.test_sigma=[25,50]"]
    said = call(tmp_path, "restore.run", "-m", *words, "model.skip_step=2,0", "name=grid")
    assert "3 W&B runs were logged offline: wandb sync" in said
    (sweep,) = (tmp_path / "runs" / "sweeps").iterdir()
    job = RunFolder(sweep / "model.skip_step=2")
    call(tmp_path, "restore.report", f"sweep={sweep}", "logger=wandb")
    call(
        tmp_path,
        "restore.evaluate",
        f"run='{job}'",
        f"test_sets=[{tmp_path / 'test'}]",
        "accelerator=cpu",
        "logger=wandb",
    )
    with WandbServer() as server:
        first, second = sorted(sweep.glob("wandb/offline-run-*"))  # of the sweep itself, and of its report
        folders = [str(folder) for folder in (first, *sweep.glob("*/wandb/offline-run-*"))]
        assert len(folders) == 4
        call(tmp_path, "wandb", "sync", *folders, **server.environment)
        (parent,) = (run for run in server.runs.values() if run.fields["jobType"] == "report")
        assert parent.summary["jobs/finished"] == 2
        assert len(parent.table("results/images")["data"]) == 24
        call(tmp_path, "wandb", "sync", str(second), **server.environment)
    runs = {kind: [run for run in server.runs.values() if run.fields["jobType"] == kind] for kind in KINDS}
    assert {kind: len(found) for kind, found in runs.items()} == KINDS, "the report goes on with the sweep's own run"
    assert {run.fields["groupName"] for run in server.runs.values()} == {sweep.name}
    place = "test/sigma=25/dncnn"
    for run in (*runs["train"], *runs["evaluate"]):
        keys = {f"test/{place}/psnr", f"test/{place}/ssim", f"fingerprint/{place}", "overlap/test"}
        keys |= {"network/parameters", "network/gmac_per_pixel", "network/receptive_field", "train/patches"}
        assert keys | {"checkpoint/sha256"} <= set(run.summary)
        assert {"tested/test/sigma=25", "tested/test/sigma=50"} <= set(run.pictures)
        assert run.summary[f"fingerprint/{place}"] == runs["train"][0].summary[f"fingerprint/{place}"]
        columns = run.table("results/means")["columns"]
        assert {"published", "difference", "overlap"} <= set(columns)
        assert len(run.table("results/images")["data"]) == 12
    for run in runs["train"]:
        assert {"samples", "figures/sheet", "figures/psnr"} <= set(run.pictures)
        together = {"train/loss", "train/lr", "train/gradient_norm", "trainer/global_step"}
        assert all(together <= set(row) for row in run.history if "train/loss" in row)
        validated = [row["trainer/global_step"] for row in run.history if "val/psnr" in row]
        assert validated == [3, 6], "under the steps that were taken"
        assert any(key.startswith("system.") for event in run.events for key in event)
    assert runs["evaluate"][0].summary["lineage/artifact"] == f"model-{job.identity}:best"
    (report,) = runs["report"]
    assert {"figures/psnr", "figures/training_loss"} <= set(report.pictures)
    assert report.table("report/table_1")["columns"][:2] == ["table", "setting"]
    models = {  # W&B names the newest version latest, before or behind our own alias
        (each.collection, alias): each
        for each in server.artifacts
        for alias in each.aliases
        if each.kind == "model" and alias != "latest"
    }
    assert set(models) >= {(f"model-{job.identity}", "last"), (f"model-{job.identity}", "best")}
    best = models[f"model-{job.identity}", "best"]
    assert set(best.files) == {"checkpoints/best.ckpt", ".hydra/config.yaml", ".hydra/overrides.yaml"}
    assert best.metadata["run"] == "grid/model.skip_step=2"
    assert best.committed


KINDS = {"train": 2, "evaluate": 1, "report": 1}


def test_a_server_that_dies_does_not_hold_a_run_up(tiny, tmp_path):
    words = [word for word in tiny if not word.startswith("logger")]
    words += ["logger.mode=online", "logger.finish_timeout=3", "trainer.log_every_n_steps=1", "trainer.max_steps=60"]
    with WandbServer() as server:
        environment = {
            **os.environ,
            "RESTORE_CACHE": str(tmp_path / "cache"),
            "HOME": str(tmp_path),
            **server.environment,
        }
        command = [sys.executable, "-m", "restore.run", *words]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        until = time.monotonic() + 120
        while not server.runs and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
    assert server.runs, "it was there when the run began"
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said[-3000:]
    assert "finished: 60 steps" in said


def test_a_server_that_is_not_there_is_not_waited_for_long(tiny, tmp_path):
    words = [word for word in tiny if not word.startswith("logger")]
    nowhere = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "0" * 40, "WANDB_MODE": "online"}
    start = time.monotonic()
    said = call(tmp_path, "restore.run", *words, "logger.mode=online", **nowhere)
    assert "this run is logged offline" in said
    assert time.monotonic() - start < 90
    assert list(tmp_path.rglob("wandb/offline-run-*"))

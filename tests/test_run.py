"""The whole path through the command, on images of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from conftest import read_rows


def run_folder(tmp_path: Path) -> Path:
    return next(path.parent for path in sorted((tmp_path / "runs").rglob("result.json")))


def test_a_run_trains_scores_and_leaves_its_folder(command, tiny, tmp_path):
    sheet = "sheets=[{figure: 4, dataset: test, setting: 'sigma=25', image: '01', region: [4, 6, 16]}]"
    answer = command("run", *tiny, "baselines=[wavelet]", "task=denoise_blind", sheet)
    assert answer.code == 0, answer.err
    folder = run_folder(tmp_path)
    assert folder.parent.name == "denoise_blind_red10"
    present = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    wanted = {".hydra/config.yaml", "checkpoints/best.ckpt", "checkpoints/last.ckpt", "results.csv", "summary.csv"}
    assert wanted | {"result.json", "console.log", "sheet.png", "psnr.png", "history.csv"} <= present
    crops = {f"crops/test/sigma=25/01/{name}.png" for name in ("input", "wavelet", "red10", "clean")}
    assert crops | {"sheet_4.png"} <= present
    rows = read_rows(folder / "results.csv")
    assert len(rows) == 2 * 3 * 3  # methods, images, sigmas
    assert {row["setting"] for row in rows} == {"sigma=15", "sigma=25", "sigma=50"}
    ours = [row for row in rows if row["model"] == "red10"]
    assert {row["patches"] for row in ours} == {"24"}
    assert {row["overlap"] for row in rows} == {"none"}
    assert all(len(row["checkpoint_sha256"]) == 64 for row in ours)
    result = json.loads((folder / "result.json").read_text())
    assert result["state"] == "finished"
    assert result["steps"] == 6
    for words in ("parameters", "GMAC per 16×16 patch", "train: 4 images", "1 more for validation", "overlap     of"):
        assert words in answer.out
    assert re.search(
        r"finished: 6 steps in .* \d+ patches/s, .* GFLOP/s, .*% of matrix peak, val .* dB, test .* dB", answer.out
    )
    assert (folder / "console.log").read_text().count("finished: 6 steps") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["task.channels=3", "model=cdncnn_b"],
        ["model=dncnn_s", "model.depth=4", "task.sigma=50", "protocol=[dncnn,red]"],
        [
            "model=red20",
            "model.kernel_size=5",
            "model.skip_step=4",
            "data.patch_size=20",
            "trainer.max_time=2s",
            "logger=csv",
        ],
        ["optim=paper_red", "logger=tensorboard", "trainer.precision=bf16-mixed", "trainer.channels_last=true"],
        ["optim=paper_dncnn", "optim.optimizer.lr=1e-5", "precision=bf16-mixed", "seed=3"],
        ["model=red20", "model.downsample=[1,5]", "feature_maps=[conv-2,deconv-3]", "optim.ema=0.5"],
        ["model=identity", "~model.width"],
    ],
    ids=lambda words: words[0],
)
def test_overrides_work(command, tiny, tmp_path, image_folder, words):
    if "task.channels=3" in words:
        train, test = image_folder("colour", 5, 3), image_folder("colour_test", 2, 3)
        tiny = [*tiny, f"data.path={train}", f"test_sets=[{test}]"]
    if "model=identity" in words:
        tiny, words = [word for word in tiny if not word.startswith("model")], ["model=identity"]
    answer = command("run", *tiny, *words)
    assert answer.code == 0, answer.err
    assert "finished" in answer.out


def test_init_and_resume(command, tiny, tmp_path):
    assert command("run", *tiny).code == 0
    folder = run_folder(tmp_path)
    again = command("run", f"resume={folder}", "trainer.max_steps=10")
    assert again.code == 0, again.err
    assert "finished: 10 steps" in again.out
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 10
    assert len(list((tmp_path / "runs" / "denoise_red10").iterdir())) == 1
    started = command("run", *tiny, f"init={folder}", "trainer.max_steps=1", "optim.optimizer.lr=1e-9", "name=started")
    assert started.code == 0, started.err
    first, second = (
        torch.load(p, weights_only=True)["state_dict"]
        for p in (folder / "checkpoints" / "best.ckpt", next((tmp_path / "runs" / "started").rglob("best.ckpt")))
    )
    assert all(torch.allclose(first[key], second[key], atol=1e-6) for key in first)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["task=denoize"], "unknown task 'denoize': did you mean 'denoise'"),
        (["model=red31"], "unknown model 'red31': did you mean 'red30'"),
        (["model.widht=3"], "unknown key 'model.widht': did you mean 'model.width'"),
        (["task.sigma=-5"], "task.sigma must be at least 0, and it is -5"),
        (["task.sigma=[50,10]"], "task.sigma as a range goes from low to high"),
        (["data.patch_size=41"], "data.patch_size=41 is larger than the smallest training image"),
        (["feature_maps=[conv-9]"], "unknown feature_maps 'conv-9'"),
        (["optim.optimizer.lr=0"], "optim.optimizer.lr must be above 0, and it is 0"),
        (["optim=adam_cosine", "optim.optimizer.lr=-1"], "optim.optimizer: Invalid learning rate: -1"),
        (["optim.ema=1.5"], "optim.ema must be below 1, and it is 1.5"),
        (["model.kernel_size=4"], "model.kernel_size must be odd"),
        (["data.path=/nowhere"], "there is no folder /nowhere"),
        (["data.batch_size=3", "trainer.devices=2"], "data.batch_size=3 does not divide over 2 devices"),
        (["init=/nowhere.ckpt"], "there is no weights file /nowhere.ckpt"),
        (["resume=/nowhere"], "/nowhere is not the folder of a run"),
        (["trainer.max_time=soon"], "trainer.max_time is a time such as"),
        (["trainer.max_steps=0"], "trainer.max_steps must be at least 1"),
        (["protocol=dncn"], "unknown protocol 'dncn': did you mean 'dncnn'"),
        (["task.channels=2"], "task.channels is 1 (gray) or 3 (colour), and it is 2"),
        (["metric=[psnrb,psnr]"], "chooses the best checkpoint, and psnrb needs"),
        (["metric=[ms_ssim]"], "ms_ssim needs sides from 176 pixels; the image is 48×40"),
        (["task=general", "model=ffdnet"], "model=ffdnet is told sigma, and of scale=2 only scale is known"),
        (["task=sr", "model=fdncnn"], "model=fdncnn is told sigma"),
        (["task.sigma_map=hill"], "sigma_map is ramp, peaks or the path of an image"),
        (["baselines=[bm4d]"], "unknown baselines 'bm4d'"),
        (["trainer.precision=7"], "unknown trainer.precision '7'"),
        (["logger=wandb", "logger.mode=onlin"], "unknown logger.mode 'onlin'"),
        (["precision=banana"], "unknown precision 'banana'"),
        (["data.test_sets=[set12]"], "unknown key 'data.test_sets': did you mean 'test_sets'"),
        (["trainer.accelerator=cpu"], "unknown key 'trainer.accelerator': did you mean 'accelerator'"),
        (["red30"], "'red30' is not of the form key=value"),
        (["task.sigma=[1,2"], "cannot read 'task.sigma=[1,2'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_bad_input_is_answered_by_one_sentence(command, tiny, tmp_path, words, sentence):
    answer = command("run", *tiny, *words)
    assert answer.code == 2
    assert sentence in answer.err
    assert "Traceback" not in answer.err + answer.out
    assert len(answer.err.strip().splitlines()) == 1, answer.err
    assert "expected" not in answer.out, "said before any training"
    assert not list(tmp_path.glob("runs/**/*.ckpt"))


def test_bad_images_are_named_or_skipped_and_listed(command, tiny, tmp_path):
    (tmp_path / "train" / "02.png").write_bytes(b"broken")
    answer = command("run", *tiny)
    assert answer.code == 2
    assert "train/02.png" in answer.err
    answer = command("run", *tiny, "on_bad_image=skip")
    assert answer.code == 0, answer.err
    assert re.search(r"left out.*train/02\.png", answer.out)


def test_weights_that_do_not_fit(command, tiny, tmp_path):
    assert command("run", *tiny, "trainer.max_steps=1").code == 0
    answer = command("run", *tiny, f"init={run_folder(tmp_path)}", "model.width=9")
    assert answer.code == 2
    assert (
        "do not fit model=red10: encoder.0.weight is (8, 1, 3, 3) in the file and (9, 1, 3, 3) in the network"
        in answer.err
    )


def test_no_space_is_said_before_training(command, tiny, monkeypatch):
    usage = type("usage", (), {"free": 1_000_000})
    monkeypatch.setattr("restore.runs.disk.shutil.disk_usage", lambda folder: usage)
    answer = command("run", *tiny)
    assert answer.code == 2
    assert "has 1 MB free, and this run needs" in answer.err


def test_overlap_is_said_and_refused_under_strict(command, tiny, tmp_path):
    words = [*tiny, f"test_sets=[{tmp_path / 'train'}]"]
    answer = command("run", *words)
    assert answer.code == 0
    assert "overlap     of training and test images: 5 of train" in answer.out
    answer = command("run", *words, "strict=true")
    assert answer.code == 2
    assert "strict=true" in answer.err


def python(*words: str, cwd: Path, **environment: str) -> subprocess.Popen:
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("PL_", "MASTER_", "WORLD_", "LOCAL_"))
    }
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", *words], cwd=cwd, env=clean | environment, **pipe)


@pytest.mark.slow
def test_two_processes_score_as_one(command, tiny, tmp_path):
    """Training over two gloo processes, and a test whose rows are those of one process with the same weights."""
    process = python("restore.run", *tiny, "model=dncnn_s", "model.depth=4", "trainer.devices=2", cwd=tmp_path)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err[-2000:]
    folder = run_folder(tmp_path)
    assert out.count("finished: 6 steps") == 1
    rows = read_rows(folder / "results.csv")
    assert [row["image"] for row in rows] == ["00", "01", "02"], "each image once, in order"
    assert len(list(folder.parent.iterdir())) == 1, "one run folder"
    answer = command(
        "evaluate",
        f"run={folder}",
        f"test_sets=[{tmp_path / 'test'}]",
        f"results={tmp_path / 'one.csv'}",
        "accelerator=cpu",
    )
    assert answer.code == 0, answer.err
    alone = read_rows(tmp_path / "one.csv")
    for one, two in zip(alone, rows, strict=True):
        assert one["value"] == pytest.approx(two["value"], abs=2e-4)
        assert one["fingerprint"] == two["fingerprint"]
        assert one["value_input"] == two["value_input"]


@pytest.mark.slow
def test_ctrl_c_keeps_and_scores(tiny, tmp_path):
    words = ["trainer.max_steps=1000000", "trainer.validations=100000", "trainer.log_every_n_steps=1"]
    process = python("restore.run", *tiny, *words, cwd=tmp_path, PYTHONUNBUFFERED="1")
    while not list(tmp_path.glob("runs/*/*/checkpoints/last.ckpt")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-2000:]
    assert re.search(r"interrupted: \d+ steps", out)
    folder = run_folder(tmp_path)
    assert json.loads((folder / "result.json").read_text())["state"] == "interrupted"
    assert (folder / "checkpoints" / "best.ckpt").is_file()
    assert (folder / "checkpoints" / "last.ckpt").is_file()
    assert len(read_rows(folder / "results.csv")) == 3


@pytest.mark.slow
def test_preempted_by_slurm_saved_and_gone_on_equals_undisturbed(command, tiny, tmp_path, monkeypatch):
    """SIGUSR1 within a Slurm job, at a random step in mid-epoch, with averaged weights too."""
    words = [*tiny, "model=dncnn_s", "model.depth=4", "trainer.max_steps=600", "optim.ema=0.9", "trainer.max_time=null"]
    words.append("trainer.validations=6")
    folder, scontrol = tmp_path / "runs" / "disturbed", tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nkill -9 $PPID\n')  # Slurm ends a requeued job
    scontrol.chmod(0o755)
    path = f"{scontrol.parent}:{os.environ['PATH']}"
    process = python(
        "restore.run",
        *words,
        f"hydra.run.dir={folder}",
        cwd=tmp_path,
        SLURM_JOB_ID="7",
        PATH=path,
        PYTHONUNBUFFERED="1",
    )
    while not (folder / "history.csv").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=120)
    assert (tmp_path / "asked").read_text() == "requeue 7\n"
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert 0 < saved["global_step"] < 600
    assert any((value != saved["current_model_state"][key]).any() for key, value in saved["state_dict"].items())
    assert not (folder / "result.json").exists()

    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert command("run", *words, f"hydra.run.dir={folder}").code == 0
    monkeypatch.delenv("SLURM_RESTART_COUNT")
    assert command("run", *words, "name=whole").code == 0
    whole = next((tmp_path / "runs" / "whole").iterdir())
    one, two = (torch.load(f / "checkpoints" / "last.ckpt", weights_only=True) for f in (folder, whole))
    for state in ("state_dict", "current_model_state"):
        assert all(torch.equal(tensor, two[state][name]) for name, tensor in one[state].items()), state
    curves = [re.sub(r"(?m)^(\d+,\d+),[^,]*", r"\1", (f / "history.csv").read_text()) for f in (folder, whole)]
    assert curves[0] == curves[1], "validated at the same steps, and alike"
    scores = [[row["value"] for row in read_rows(f / "results.csv")] for f in (folder, whole)]
    assert scores[0] == scores[1]


@pytest.mark.slow
def test_two_processes_interrupted_and_resumed_equal_undisturbed(tiny, tmp_path):
    """Ctrl-C reaches both ranks at a random step; the resumed run ends with the same weights, bit for bit."""
    words = [*tiny, "model=dncnn_s", "model.depth=4", "trainer.devices=2", "trainer.max_steps=400", "seed=2"]
    process = python("restore.run", *words, "name=disturbed", cwd=tmp_path, PYTHONUNBUFFERED="1")
    group = os.getpgid(process.pid)
    assert group == os.getpgid(0)
    while not list(tmp_path.glob("runs/disturbed/*/history.csv")):
        time.sleep(0.02)
    children = {int(pid) for f in Path(f"/proc/{process.pid}/task").glob("*/children") for pid in f.read_text().split()}
    for pid in (process.pid, *children):
        os.kill(pid, signal.SIGINT)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err[-2000:]
    disturbed = next((tmp_path / "runs" / "disturbed").iterdir())
    steps = json.loads((disturbed / "result.json").read_text())["steps"]
    assert 0 < steps < 400, f"interrupted at {steps}"
    for more in ([f"resume={disturbed}"], [*words, "name=whole"]):
        process = python("restore.run", *more, cwd=tmp_path)
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err[-2000:]
        assert "finished: 400 steps" in out
    whole = next((tmp_path / "runs" / "whole").iterdir())
    one, two = (torch.load(f / "checkpoints" / "last.ckpt", weights_only=True) for f in (disturbed, whole))
    for name, tensor in one["state_dict"].items():
        assert torch.equal(tensor, two["state_dict"][name]), name
    assert one["optimizer_states"][0]["param_groups"] == two["optimizer_states"][0]["param_groups"]

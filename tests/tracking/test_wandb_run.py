"""W&B offline: no prompt, no connection, and everything in its files."""

import sys
import time

import pytest

from restore.runfolder import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore")  # wandb's own, of its dependencies


def recorded(folder) -> bytes:
    """The transaction log of the one offline run below a folder; its strings are stored as they are.

    W&B's own process writes it, and may still be at it when the run has been finished.
    """
    (log,) = folder.rglob("offline-run-*/run-*.wandb")
    until = time.monotonic() + 30
    while b"test/psnr" not in log.read_bytes() and time.monotonic() < until:
        time.sleep(0.1)
    return log.read_bytes()


def test_a_run_is_tracked_offline(command, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nobody answers there, and nobody is asked
    words = [word for word in tiny if word != "logger=none"]
    answer = command("run", *words, "logger=wandb", "trainer.log_every_n_steps=1", "seed=5")
    assert answer.code == 0, answer.err
    folder = next((tmp_path / "runs" / "denoise_red10").iterdir())
    log = recorded(folder)
    for key in (
        b"train/loss",
        b"train/lr",
        b"val/psnr",
        b"val/ssim",
        b"test/psnr",
        b"speed/patches_per_s",
        b"speed/share_of_peak",
    ):
        assert key in log, key
    for value in (b"samples", b"denoise_red10", b"patch_size", b"skip_step"):
        assert value in log, value
    pictures = list(folder.rglob("media/images/samples*.png"))
    assert len(pictures) == 2, (
        "one picture of the one validation image at each of two validations, none of the sanity check"
    )
    assert "wandb" not in answer.err.lower()


def test_a_resumed_run_continues_its_wandb_run(command, tiny, tmp_path):
    words = [word for word in tiny if word != "logger=none"]
    assert command("run", *words, "logger=wandb").code == 0
    folder = next((tmp_path / "runs" / "denoise_red10").iterdir())
    answer = command("run", f"resume={folder}", "trainer.max_steps=9")
    assert answer.code == 0, answer.err
    ids = {log.stem for log in folder.rglob("offline-run-*/run-*.wandb")}
    assert ids == {f"run-{RunFolder(folder).identity}"}
    assert len(list(folder.glob("wandb/offline-run-*"))) == 2


def test_online_without_a_key_goes_on_offline_and_says_so(command, tiny, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(sys, "stdin", None)
    import wandb

    wandb.teardown()
    words = [word for word in tiny if word != "logger=none"]
    answer = command("run", *words, "logger=wandb", "logger.mode=online")
    assert answer.code == 0, answer.err
    assert "needs a W&B API key" in answer.out
    assert b"val/psnr" in recorded(tmp_path / "runs")


def test_a_logger_that_cannot_start_ends_nothing(command, tiny, monkeypatch):
    import restore.tracking.wandb_run as module

    def fail(**_):
        raise OSError("disk quota")

    monkeypatch.setattr(module, "wandb_logger", fail)
    words = [word for word in tiny if word != "logger=none"]
    answer = command("run", *words, "logger=wandb")
    assert answer.code == 0, answer.err
    assert "tracking could not start, training goes on without it" in answer.out
    assert "disk quota" in answer.out

"""The campaign: its list, its being cut and carried to another machine, and the packages it does without."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from conftest import read_rows
from restore import campaign
from restore.campaign import Entry
from restore.config.compose import compose
from restore.config.overrides import normalise_overrides
from restore.errors import RequestError
from restore.runfolder import RunFolder


@pytest.mark.slow
def test_every_entry_composes():
    for budget in ("gpu", "cpu"):
        entries = campaign.entries(budget)
        names = [entry.name for entry in entries]
        assert len(set(names)) == len(names)
        assert names[:3] == ["dncnn_s_25", "red30_sigma50", "red30_sigma30"]
        singles = [entry for entry in entries if "/" not in entry.name]
        for entry in [*singles[:: 1 if budget == "gpu" else 4], *entries[len(singles) :: 15]]:  # cpu adds two words
            command = entry.command(budget, RunFolder("/nowhere"), [])
            words = [word for word in command[3:] if not word.startswith("hydra")]
            config = compose("config", normalise_overrides(words))
            assert config.budget.name == budget
    first = campaign.entries("gpu")[0]
    config = compose("config", [*first.words, "budget=gpu"])
    assert config.trainer.max_steps * config.data.batch_size == 10_240_000, "the paper's number of patches"


def test_dncnn_3_starts_from_dncnn_b_where_that_is_finished(tmp_path):
    entry = next(entry for entry in campaign.entries("gpu") if entry.name == "dncnn_3")
    folder, first = RunFolder(tmp_path / "dncnn_3"), RunFolder(tmp_path / "dncnn_b")
    assert not [word for word in entry.command("gpu", folder, []) if word.startswith("init=")]
    first.create()
    first.write_result(state="finished")
    assert f"init='{first}'" in entry.command("gpu", folder, [])


@pytest.fixture
def words(tiny) -> tuple[str, ...]:
    return tuple(word for word in tiny if not word.startswith(("paths.runs", "logger", "trainer.max_steps")))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cut_carried_and_continued_equals_undisturbed(words, tmp_path, monkeypatch, capfd):
    long = Entry(
        "long",
        (*words, "model=dncnn_s", "model.depth=5", "trainer.max_steps=3000", "trainer.validations=20"),
        cpu_time="5m",
    )
    entries = [long, Entry("short", (*words, "trainer.max_steps=4")), Entry("no_set", ("data=gopro",))]
    monkeypatch.setattr(campaign, "entries", lambda budget: entries)
    monkeypatch.setattr(campaign, "MARGIN", 8.0)
    monkeypatch.setenv("RESTORE_CACHE", str(tmp_path / "cache"))
    for name in ("here", "there", "whole"):
        (tmp_path / name).mkdir()

    monkeypatch.chdir(tmp_path / "here")

    def cut() -> None:
        while not Path("runs/campaign_cpu/long/history.csv").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C; the end of its minutes cuts a campaign alike

    threading.Thread(target=cut, daemon=True).start()
    assert campaign.main(["budget=cpu", "minutes=4"]) == 0
    assert "0 of 3 finished" in capfd.readouterr().out
    last = Path("runs/campaign_cpu/long/checkpoints/last.ckpt")
    assert 0 < torch.load(last, weights_only=True)["global_step"] < 3000

    shutil.copy("campaign.tar", tmp_path / "there")
    monkeypatch.chdir(tmp_path / "there")
    assert campaign.main(["budget=cpu", "minutes=4"]) == 1
    out = capfd.readouterr().out
    assert "2 of 3 finished" in out
    assert "no_set" in out.partition("| entry")[2]
    assert not list(Path("runs/campaign_cpu/long").glob("checkpoints/last.ckpt"))
    rows = read_rows(Path("campaign_cpu/results.csv"))
    assert {(row["run"], row["budget"]) for row in rows} == {("long", "cpu"), ("short", "cpu")}
    assert Path("campaign_cpu/table.md").read_text().startswith("restore.campaign budget=cpu: 2 truncated runs")

    monkeypatch.chdir(tmp_path / "whole")
    assert campaign.main(["budget=cpu", "minutes=4", "only=long"]) == 0
    carried, whole = (
        torch.load(tmp_path / place / "runs/campaign_cpu/long/checkpoints/best.ckpt", weights_only=True)["state_dict"]
        for place in ("there", "whole")
    )
    assert all(torch.equal(value, whole[key]) for key, value in carried.items())
    assert all(value.dtype != torch.float32 for value in carried.values())


def test_refusals(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="did you mean 'gpu'"):
        campaign.main(["budget=gpus"])
    with pytest.raises(RequestError, match="minutes is a number, and it is 'ten'"):
        campaign.main(["minutes=ten"])
    with pytest.raises(RequestError, match="did you mean 'red30_sr3'"):
        campaign.main(["only=red30_sr4"])
    (tmp_path / "campaign.tar").write_text("no tar")
    with pytest.raises(RequestError, match="is not a campaign's state"):
        campaign.main(["list=true"])


HIDE = """
import sys
from importlib.machinery import PathFinder

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = {"wandb", "albumentations", "h5py", "cv2", "skimage", "pywt", "submitit", "tensorboard"}
        return None if name.partition(".")[0] in hidden else PathFinder.find_spec(name, path, target)

sys.meta_path = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.mark.slow
def test_a_run_without_the_packages_it_does_not_use(words, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    source = str(Path(campaign.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{source}", "RESTORE_CACHE": str(tmp_path / "cache")}

    def said(*command: str) -> str:
        command = [sys.executable, "-m", *command]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    assert "not checked: No module named 'cv2'" in said("restore.run", *words, "trainer.max_steps=4", "logger=none")
    results = next(tmp_path.glob("runs/*/*/results.csv"))
    sets = next(word.partition("=")[2] for word in words if word.startswith("test_sets"))
    told = said("restore.evaluate", f"run={results.parent}", f"test_sets={sets}", "task.sigma=30")
    assert "not checked: No module named 'cv2'" in told
    assert {row["overlap"] for row in read_rows(results)} == {"unknown"}

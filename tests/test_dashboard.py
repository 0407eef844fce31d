"""The W&B workspace and report as code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from restore import dashboard
from restore.errors import OutsideError, RequestError
from restore.results import store

pytest.importorskip("wandb_workspaces", reason="wandb-workspaces is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # its own, of pydantic


def row(run: str, value: float, **other) -> dict:
    columns = dict.fromkeys(store.COLUMNS, "none")
    known = {"run": run, "task": "denoise", "model": "red30", "method_kind": "network", "experiment": "red_skip_step"}
    place = {"protocol": "dncnn", "dataset": "set12", "setting": "sigma=25", "image": "01", "channels": 1}
    return columns | known | place | {"metric": "psnr", "value": value, "value_input": 20.0, "seed": 0} | other


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    grid = [row(f"model.skip_step={step}", 29.0 + step) for step in (2, 4)]
    store.append(tmp_path / "runs" / "sweeps" / "steps" / "results.csv", grid)
    store.append(tmp_path / "runs" / "one" / "results.csv", [row("one", 30.0, model="dncnn_s")])
    (tmp_path / "runs" / "one" / "wandb" / "offline-run-1-a").mkdir(parents=True)
    (tmp_path / "runs" / "sweeps" / "steps" / "table.md").write_text("| a |\n|---|\n| 1 |\n\nthe claim holds\n")
    return tmp_path / "runs"


def sections(out: Path) -> dict[str, list[dict]]:
    bank = json.loads((out / "workspace.json").read_text())["spec"]["section"]["panelBankConfig"]
    return {section["name"]: section["panels"] for section in bank["sections"]}


def test_json_and_the_command_that_uploads(runs, tmp_path, capsys):
    dashboard.main([f"runs={runs}", f"out={tmp_path / 'out'}", "project=mine"])
    said = capsys.readouterr().out
    assert f"wandb sync {runs}/*/wandb/offline-run-*" in said
    by_name = sections(tmp_path / "out")
    assert list(by_name) == ["Task denoise", "Sweep steps", "Training", "Cost", "Tables", "Pictures"]
    (bar,) = by_name["Task denoise"]
    assert bar["config"]["metrics"] == ["test/set12/sigma=25/dncnn/psnr", "published/set12/sigma=25/dncnn/psnr"]
    assert {panel["config"]["groupBy"] for panel in by_name["Sweep steps"]} == {"model.value.skip_step"}
    drawn = [panel["config"]["metrics"][0] for panel in by_name["Training"]]
    assert drawn == ["val/psnr", "train/loss", "train/lr", "train/gradient_norm", "speed/patches_per_s"]
    assert "tested/set12/sigma=25" in by_name["Pictures"][0]["config"]["mediaKeys"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["project"]["name"] == "mine"
    assert any("the claim holds" in block.get("content", "") for block in report["spec"]["blocks"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["runs=nowhere"], "runs=nowhere is no folder"),
        (["mode=onlin"], "unknown mode 'onlin'"),
        (["projct=x"], "unknown key 'projct'"),
    ],
)
def test_wrong_words(words, sentence):
    with pytest.raises(RequestError) as refusal:
        dashboard.main(words)
    assert sentence in str(refusal.value)


def test_an_empty_folder_and_no_entity(runs, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_ENTITY", raising=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=r"there is no results\.csv of a network"):
        dashboard.main([f"runs={tmp_path / 'empty'}"])
    with pytest.raises(RequestError, match="entity=<user or team>"):
        dashboard.main([f"runs={runs}", "mode=online"])


def test_what_the_server_does_not_take_is_said_and_the_json_is_there(runs, tmp_path, monkeypatch):
    import wandb_workspaces.workspaces as workspaces

    def fail(_):
        raise ConnectionError("nobody there")

    monkeypatch.setattr(workspaces.Workspace, "save", fail)
    with pytest.raises(OutsideError, match=r"could not be saved at W&B \(nobody there\): its JSON is written"):
        dashboard.main([f"runs={runs}", f"out={tmp_path / 'out'}", "mode=online", "entity=lab"])
    assert (tmp_path / "out" / "report.json").is_file()


@pytest.mark.slow
def test_saved_on_a_server_of_this_machine(runs, tmp_path):
    from wandb_server import WandbServer

    with WandbServer() as server:
        environment = {**os.environ, "HOME": str(tmp_path), **server.environment}
        command = [sys.executable, "-m", "restore.dashboard", f"runs={runs}", "mode=online"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [view["displayName"] for view in server.views] == ["restore", "restore"]
    assert "Task denoise" in server.views[0]["spec"]
    assert "the claim holds" in server.views[1]["spec"]

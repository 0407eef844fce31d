import json

import pytest

from restore.errors import RequestError
from restore.runfolder import FORMAT, SHIPPED, RunFolder, shipped_runs


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.create()
    folder.config.parent.mkdir()
    folder.config.write_text("name: x\n")
    folder.checkpoints.mkdir()
    return folder


def test_its_identity_is_kept(run):
    identity = run.identity
    run.create()
    assert RunFolder(run.path).identity == identity
    assert len(identity) == 8
    assert json.loads((run.path / "run.json").read_text())["format"] == FORMAT


def test_what_is_no_run_folder_or_an_older_one_is_answered(run, tmp_path):
    run.check()
    with pytest.raises(RequestError, match=r"is not the folder of a run: it has no \.hydra/config\.yaml; runs of the"):
        RunFolder(tmp_path).check()
    (run.path / "run.json").unlink()
    with pytest.raises(RequestError, match=f"run folders of format 1, and this one reads format {FORMAT}"):
        run.check()


def test_the_best_checkpoint_comes_first(run):
    with pytest.raises(RequestError, match=r"no checkpoints/best\.ckpt or last\.ckpt"):
        run.checkpoint()
    run.last.write_bytes(b"last")
    assert run.checkpoint() == run.last
    run.best.write_bytes(b"best")
    assert run.checkpoint() == run.best


def test_states(run):
    assert (run.state, run.result) == ("new", {})
    run.write_result(state="failed", exit_code=2)
    assert run.state == "failed"
    run.last.write_bytes(b"")
    assert run.state == "resumable", "a failed run that has saved can go on"
    run.write_result(state="interrupted")
    assert run.state == "resumable"
    run.write_result(state="finished", objective=30.0)
    assert (run.state, run.result["objective"]) == ("finished", 30.0)
    run.forget_result()
    assert run.state == "resumable"
    assert not list(run.path.glob(".result*")), "written aside and moved"


def test_shipped_runs_go_by_their_names_unless_a_folder_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = shipped_runs()[0]
    assert RunFolder.find(name).path == SHIPPED / name
    assert RunFolder.find(name).shipped
    (tmp_path / name).mkdir()
    assert not RunFolder.find(name).shipped

"""``python -m restore.publish``: a folder to give away, and its card."""

import re
import shutil
from types import SimpleNamespace

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

import restore
from conftest import drop_handlers
from restore import publish
from restore.config.compose import run_config
from restore.errors import OutsideError, RequestError
from restore.remote import sha256
from restore.results import store
from restore.runfolder import RunFolder, shipped_runs
from restore.runs.model_card import listing, model_card


@pytest.fixture
def run(command, tiny, tmp_path) -> RunFolder:
    """A run of a few steps, with the machine's places in its words."""
    words = [*tiny, "task.sigma=[0,55]", "model.conditions=[sigma]", "seed=3"]
    answer = command("run", *words)
    assert answer.code == 0, answer.err
    return RunFolder(next((tmp_path / "runs").glob("*/*")))


def test_a_folder_to_give_away(run, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(publish, "subprocess", SimpleNamespace(run=in_process(monkeypatch)))
    publish.main([f"run={run.path}", f"out={tmp_path / 'mine'}", f"test_sets=[{tmp_path / 'test'}]"])
    mine = RunFolder(tmp_path / "mine")
    content = torch.load(mine.checkpoint(), weights_only=True)
    assert {value.dtype for value in content["state_dict"].values()} == {torch.float16}
    assert content["global_step"] == 6
    assert not mine.results.exists()
    means = store.read_means(mine.results)
    assert {row["checkpoint_sha256"] for row in means} == {sha256(mine.checkpoint())}
    assert {(row["setting"], row["images"]) for row in means} == {(f"sigma={s}", 3) for s in (15, 25, 50)}
    for file in (mine.config, mine.overrides, mine.path / "card.md"):
        assert "paths.runs" not in file.read_text(), "where it went on this machine is nobody else's"
    assert run_config(mine).paths.runs == "runs"
    card = (mine.path / "card.md").read_text()
    assert card in capfd.readouterr().out
    assert "it is told sigma" in card
    assert "24 patches" in card
    assert f"`{sha256(mine.checkpoint())}`" in card
    assert "Noise of a camera is another" in card
    assert "Outside sigma [0, 55] it was never trained." in card
    assert re.search(r"\| +sigma=50 \| +dncnn \| +3 \|", card)
    network = restore.load(mine.path)
    assert restore.restore_image(network, torch.zeros(9, 8).numpy(), sigma=0.1).shape == (9, 8)


def in_process(monkeypatch):
    """The evaluation in this process, as a process of its own would give it: 7 seconds are spared."""
    from restore.config.command import command
    from restore.evaluate import evaluate

    def call(words, check):
        monkeypatch.setattr("sys.argv", words[2:])
        GlobalHydra.instance().clear()
        try:
            command("evaluate", evaluate)
        except SystemExit as stop:
            return SimpleNamespace(returncode=stop.code or 0)
        finally:
            drop_handlers()
        return SimpleNamespace(returncode=0)

    return call


def test_the_card_of_a_runs_own_folder(run):
    publish.main([f"run={run.path}"])
    card = (run.path / "card.md").read_text()
    assert "3 images" not in card
    assert "patches a second" in card, "its own result says how fast it was"
    assert "seed=3" in card
    assert "- file: `checkpoints/best.ckpt`, " in card
    rows = store.read(run.results)
    mean = sum(row["value"] for row in rows if (row["setting"], row["metric"]) == ("sigma=25", "psnr")) / 3
    assert f" {mean:.2f} / " in card
    for row in rows:
        row["checkpoint_sha256"] = "0" * 64
    run.results.unlink()
    store.append(run.results, rows)
    assert "None of these weights are in this folder" in model_card(run), "rows of other weights are not its scores"


def test_a_folder_that_is_there_is_kept(run, tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(RequestError, match="is there already"):
        publish.main([f"run={run.path}", f"out={tmp_path / 'mine'}"])
    assert not any((tmp_path / "mine").iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "run=<folder of a run>"),
        (["run=nowhere"], "nowhere is not the folder of a run"),
        (["run=red14_denoise25", "test_sets=set5"], "out=<folder> names it"),
        (["run=red14_denoise25", "uot=x"], "did you mean 'out'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(words, said):
    with pytest.raises(RequestError, match=re.escape(said)):
        publish.main(words)


def test_an_evaluation_that_fails_leaves_the_folder_and_says_how_to_go_on(run, tmp_path, monkeypatch):
    ended = SimpleNamespace(returncode=2)
    monkeypatch.setattr(publish, "subprocess", SimpleNamespace(run=lambda words, check: ended))
    with pytest.raises(OutsideError, match=r"it was not scored: python -m restore\.evaluate run="):
        publish.main([f"run={run.path}", f"out={tmp_path / 'mine'}"])
    assert RunFolder(tmp_path / "mine").checkpoint().is_file()


def test_sets_that_are_not_here_are_left_out(monkeypatch, tmp_path):
    monkeypatch.setenv("RESTORE_DATA", str(tmp_path))
    config = run_config("red14_denoise25")
    config.test_sets = ["set12", "photographs"]
    assert publish.sets_here(config) == ["photographs"]
    config.test_sets = "set12"
    with pytest.raises(RequestError, match="none of the test sets set12 is here"):
        publish.sets_here(config)


def test_a_summary_of_something_else_is_refused(tmp_path):
    (tmp_path / "summary.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RequestError, match="other columns"):
        store.read_means(tmp_path / "results.csv")
    shutil.rmtree(tmp_path)
    assert store.read_means(tmp_path / "results.csv") == []


def test_a_listing_has_a_line_for_each():
    runs = [RunFolder.find(name) for name in shipped_runs()]
    lines = listing(runs).splitlines()[2:]
    assert [line.split("`")[1] for line in lines] == shipped_runs()
    assert all(re.search(r" \d\d\.\d\d", line) for line in lines), "each has been scored"

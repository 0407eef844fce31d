"""Where a training starts from, and the weights that it ends with where nothing validates."""

import json
from pathlib import Path

import torch

from restore.runfolder import RunFolder
from restore.runs.start import newest_finished


def finished(folder: Path) -> Path:
    RunFolder(folder).create()
    RunFolder(folder).write_result(state="finished")
    return folder


def test_the_newest_finished_run(tmp_path):
    assert newest_finished(tmp_path / "none") is None
    for day in ("2026-01-03", "2026-01-01"):
        finished(tmp_path / day)
    RunFolder(tmp_path / "2026-01-04").create()
    assert newest_finished(tmp_path).path == tmp_path / "2026-01-03"


def newest(runs: Path) -> Path:
    return sorted(path.parent for path in runs.glob("*/result.json"))[-1]


def test_a_training_starts_from_an_experiments_newest_run(command, tiny, tmp_path):
    first = command("run", *tiny, "name=first")
    assert first.code == 0, first.err
    weights = torch.load(newest(tmp_path / "runs/first") / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
    answer = command("run", *tiny, "name=second", "init=first", "optim.optimizer.lr=1e-9", "trainer.max_steps=1")
    assert answer.code == 0, answer.err
    assert f"start       from the weights of {tmp_path / 'runs/first'}" in answer.out
    second = torch.load(newest(tmp_path / "runs/second") / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
    for key, value in weights.items():
        torch.testing.assert_close(value, second[key], atol=1e-6, rtol=0)
    answer = command("run", *tiny, "init=third")
    assert answer.code == 2
    assert "init=third is no run folder or weights file, and" in answer.err


def test_an_experiment_says_whether_the_run_it_starts_from_has_to_be_there(command, tiny, tmp_path):
    own = tmp_path / "own" / "experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\nname: mine\ninit: theirs\n")
    words = ["--config-dir", str(tmp_path / "own"), *tiny, "experiment=mine"]
    answer = command("run", *words)
    assert answer.code == 0, answer.err
    assert "start       from scratch: init=theirs is no run folder or weights file" in answer.out + answer.err
    answer = command("run", *words, "recipe=paper_red")
    assert answer.code == 2
    assert "recipe=paper_red starts from one: experiment=theirs trains it" in answer.err


def test_without_a_validation_the_last_weights_are_tested_and_kept(command, tiny, tmp_path):
    words = ["recipe=paper_red", "data.pool=20"]
    answer = command("run", *tiny, *words, "trainer.max_steps=7")
    assert answer.code == 0, answer.err
    folder = RunFolder(newest(tmp_path / "runs/denoise_red10"))
    assert not folder.best.exists()
    assert torch.load(folder.last, weights_only=True)["global_step"] == 7
    result = json.loads((folder.path / "result.json").read_text())
    assert "objective" not in result
    assert result["test"] > 0
    assert "recipe      paper_red" in answer.out
    assert "no validation" in answer.out
    assert ", val " not in answer.out.splitlines()[-1]
    assert folder.history.is_file(), "the training loss has its curve all the same"


def test_a_validation_on_a_tested_set_chooses_nothing(command, tiny, tmp_path):
    answer = command("run", *tiny, f"data.validation={tmp_path / 'test'}")
    assert answer.code == 0, answer.err
    folder = RunFolder(newest(tmp_path / "runs/denoise_red10"))
    assert not folder.best.exists()
    assert "val/psnr" in folder.history.read_text()


def test_absent_sets_of_an_experiment_are_told_and_those_of_a_person_refused(command, tiny, tmp_path):
    own = tmp_path / "own" / "experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(f"# @package _global_\nname: mine\ntest_sets: [{tmp_path / 'test'}, urban100]\n")
    words = [word for word in tiny if not word.startswith("test_sets")]
    where = ["--config-dir", str(tmp_path / "own"), f"paths.data={tmp_path}"]
    answer = command("run", *where, *words, "experiment=mine", "budget=paper")
    assert answer.code == 0, answer.err
    assert "left out    the set urban100 is not in" in answer.out + answer.err
    assert "not tested  the set urban100 is not in" in answer.out + answer.err
    assert RunFolder(newest(tmp_path / "runs/mine")).result["absent_sets"] == ["urban100"]
    assert "recipe      ours: of the paper's is the number of patches alone; ours are optimiser" in answer.out
    answer = command("run", *where, *words, "experiment=mine", f"test_sets=[{tmp_path / 'test'},urban100]")
    assert answer.code == 2
    assert "the set urban100 is not in" in answer.err

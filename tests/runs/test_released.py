"""The authors' files by their names: each on its own task, what is typed here, and what an experiment leaves out."""

import hashlib
from dataclasses import replace

import pytest
import torch

from conftest import read_rows
from matlab_files import layers_of, write_matlab5
from restore import released
from restore.checkpoint import load_weights, read_state
from restore.config.build import build_network
from restore.config.compose import run_config
from restore.models.convolutions import read_convolutions
from restore.models.dncnn import DnCNN
from restore.runfolder import RunFolder


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Of the list, the files of DnCNN-S for sigma 15, 25 and 50, of which the last is not here."""
    entries = [released.find("dncnn_s_50")]
    for sigma in (15, 25):
        entry = released.find(f"dncnn_s_{sigma}")
        torch.manual_seed(sigma)
        write_matlab5(tmp_path / entry.file, layers_of(DnCNN()))
        content = (tmp_path / entry.file).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        entries.append(replace(entry, sha256=digest, bytes=len(content), git_blob=""))
    monkeypatch.setattr(released, "released", lambda: tuple(entries))
    return tmp_path


def test_each_is_scored_on_its_own_task(command, files, image_folder):
    words = [f"paths.weights={files}", f"test_sets={image_folder('mine', 1)}"]
    answer = command("evaluate", "released=[dncnn_s_15,dncnn_s_25]", *words)
    assert answer.code == 0, answer.err
    rows = read_rows(files / "results.csv")
    assert [(row["run"], row["method_kind"], row["model"], row["setting"], row["overlap"]) for row in rows] == [
        ("dncnn_s_15", "released", "dncnn_s", "sigma=15", "unknown"),
        ("dncnn_s_25", "released", "dncnn_s", "sigma=25", "unknown"),
    ]
    assert len({row["checkpoint_sha256"] for row in rows}) == 2
    # by its file it is known again, whatever it is called
    (files / "DnCNN_S_sigma25.mat").rename(files / "mine.mat")
    answer = command("evaluate", "model=dncnn_s", "weights=mine.mat", "task.sigma=30", *words)
    assert answer.code == 0, answer.err
    last = read_rows(files / "results.csv")[-1]
    assert (last["run"], last["method_kind"], last["setting"]) == ("dncnn_s_25", "released", "sigma=30")


def test_beside_a_network_that_was_trained_here(command, files, tiny):
    answer = command("run", *tiny, "task.sigma=25", "baselines=[dncnn_s]", f"paths.weights={files}")
    assert answer.code == 0, answer.err
    (folder,) = (files / "runs" / "denoise_red10").iterdir()
    kinds = [(row["method_kind"], row["model"], row["overlap"]) for row in read_rows(folder / "results.csv")]
    assert {("released", "dncnn_s", "unknown"), ("network", "red10", "none")} <= set(kinds)


def test_training_starts_from_an_authors_file_by_its_name(command, files, tiny):
    network = ["model=dncnn_s", "model.width=64", "model.batch_norm=false", "optim.optimizer.lr=1e-9"]
    answer = command("run", *tiny, *network, "trainer.max_steps=1", "init=dncnn_s_25", f"paths.weights={files}")
    assert answer.code == 0, answer.err
    (run,) = (files / "runs" / "denoise_dncnn_s").iterdir()
    trained, theirs = read_state(RunFolder(run).checkpoint()), read_convolutions(files / "DnCNN_S_sigma25.mat")
    torch.testing.assert_close(trained["body.0.weight"], theirs[0][0], atol=1e-5, rtol=0)
    # by its name alone it brings its network without batch norm, its task, and a rate that keeps what it knows
    own = [word for word in tiny if not word.startswith("model")]
    answer = command("run", *own, "init=dncnn_s_25", "data.share=0.5", "trainer.max_steps=2", f"paths.weights={files}")
    assert answer.code == 0, answer.err
    (run,) = set((files / "runs" / "denoise_dncnn_s").iterdir()) - {run}
    config = run_config(run)
    assert (config.recipe.name, config.task.sigma, config.optim.optimizer.lr) == ("fine_tune", 25, 1e-4)
    assert not config.model.batch_norm
    assert [*read_state(RunFolder(run).checkpoint())] == [*trained]
    answer = command("run", *tiny, "init=dncnn_s_25", f"paths.weights={files}")
    assert answer.code == 2
    assert "DnCNN_S_sigma25.mat is not a Caffe network that can be read" in answer.err


def test_a_network_with_batch_norm_is_trained_on_without(command, files, tiny):
    network = ["model=dncnn_s", "model.width=64", "model.batch_norm=true", "recipe=fine_tune", "trainer.max_steps=2"]
    answer = command("run", *tiny, *network, "init=DnCNN_S_sigma25.mat", f"paths.weights={files}")
    assert answer.code == 0, answer.err
    (run,) = (files / "runs" / "denoise_dncnn_s").iterdir()
    file = RunFolder(run).checkpoint()
    network = load_weights(build_network(run_config(run).model), file, "dncnn_s")
    torch.testing.assert_close(dict(network.state_dict()), read_state(file))
    answer = command("evaluate", f"run={run}", f"test_sets={files / 'test'}")
    assert answer.code == 0, answer.err


def test_what_an_experiment_names_and_is_not_here_is_left_out(command, files, image_folder):
    folder = files / "own" / "experiment"
    folder.mkdir(parents=True)
    (folder / "theirs.yaml").write_text(
        "# @package _global_\nreleased:\n"
        f"  - {{names: [dncnn_s_15, dncnn_s_50], protocol: [dncnn, red], test_sets: [set14, {image_folder('mine', 1)}],\n"
        "     words: [protocols.dncnn.border=2]}\n"
    )
    own = ["--config-dir", str(files / "own"), "experiment=theirs", f"paths.weights={files}", "paths.data=null"]
    answer = command("evaluate", *own)
    assert answer.code == 0, answer.err
    assert "not run     dncnn_s_50: no DnCNN_S_sigma50.mat in" in answer.out
    assert "left out    dncnn_s_15: the set set14 needs a data folder" in answer.out
    rows = read_rows(files / "results.csv")
    assert [(row["run"], row["protocol"]) for row in rows] == [
        ("dncnn_s_15", name) for name in ("dncnn", "red", "dncnn+border=2")
    ]
    answer = command("run", *own[:3])
    assert "experiment=theirs scores the authors' files: python -m restore.evaluate experiment=theirs" in answer.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["released=dncnn_s_26"], "unknown released 'dncnn_s_26': did you mean 'dncnn_s_2"),
        (["released=dncnn_s_50"], "dncnn_s_50: no DnCNN_S_sigma50.mat in"),
        (["released=dncnn_s_25", "task.sigma=30"], "released=dncnn_s_25 is for sigma=25, and not for sigma=30"),
        (["released=dncnn_s_25", "model=red10"], "released=<names> brings its own networks: leave model= out"),
        (["released=dncnn_s_25", "weights=x"], "released=<names> brings its own networks: leave weights= out"),
        (["released=[{names:[dncnn_s_25],set:set5}]"], "unknown key 'released.set': did you mean 'released.test_sets'"),
        (["released=[{protocol:red}]"], "released lacks names"),
        (["experiment=red_depth"], "experiment=red_depth trains networks: python -m restore.run experiment=red_depth"),
        (["weights=dncnn_s_50", "model=dncnn_s"], "dncnn_s_50: no DnCNN_S_sigma50.mat in"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refusals(command, files, words, sentence):
    answer = command("evaluate", *words, f"paths.weights={files}")
    assert answer.code == 2, answer.out
    assert sentence in answer.err
    assert len(answer.err.strip().splitlines()) == 1, answer.err

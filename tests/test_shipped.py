"""The runs that come with the package: what is written of them, and that they restore."""

import re
from pathlib import Path

import pytest
import torch

from conftest import read_rows
from restore.checkpoint import load_weights
from restore.config.build import build_network
from restore.config.compose import run_config
from restore.runfolder import SHIPPED, RunFolder, shipped_runs
from restore.runs.model_card import FILE, listing, model_card


def test_the_listing_is_of_what_is_there():
    """``python -m restore.pretrained`` prints it."""
    assert listing([RunFolder.find(name) for name in shipped_runs()]) in (SHIPPED / "README.md").read_text()


@pytest.mark.parametrize("name", shipped_runs())
def test_each_card_is_what_its_folder_says(name):
    assert (SHIPPED / name / FILE).read_text() == model_card(RunFolder.find(name))


def test_all_together_are_small():
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) < 12e6


@pytest.mark.parametrize("name", shipped_runs())
def test_each_is_small_float16_and_fits_its_recipe(name):
    file = RunFolder.find(name).checkpoint()
    assert file.stat().st_size < 3e6
    content = torch.load(file, weights_only=True)
    assert {value.dtype for value in content["state_dict"].values() if value.is_floating_point()} == {torch.float16}
    assert content["global_step"] > 0
    config = run_config(name)
    load_weights(build_network(config.model), name, config.model.name)
    text = (SHIPPED / name / ".hydra" / "config.yaml").read_text()
    assert not re.search(r"/(home|root|tmp|work)/", text), "a path of the machine that trained it"


@pytest.mark.parametrize("name", shipped_runs())
def test_each_restores_better_than_it_was_given(name, command, tmp_path):
    results = tmp_path / "results.csv"
    answer = command("evaluate", f"run={name}", "test_sets=photographs", f"results={results}")
    assert answer.code == 0, answer.err
    rows = read_rows(results)
    assert len(rows) >= 3
    assert sum(float(row["value"]) - float(row["value_input"]) for row in rows) / len(rows) > 1


def test_a_name_that_is_none_of_them(command):
    answer = command("evaluate", "run=red99")
    assert answer.code == 2
    assert all(name in answer.err for name in shipped_runs())


def test_a_folder_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = shipped_runs()[0]
    assert RunFolder.find(name).path == SHIPPED / name
    Path(name).mkdir()
    assert RunFolder.find(name).path == Path(name)

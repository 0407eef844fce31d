"""The scripts of `examples/` run as they stand, and restore."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from restore.config.compose import compose
from restore.config.loading import members

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))

GALLERY = EXAMPLES[0].parent / "what_a_corruption_looks_like.py"


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    import matplotlib

    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    yield matplotlib.use("agg")
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("script", [path for path in EXAMPLES if path != GALLERY], ids=lambda script: script.stem)
def test_each_runs_and_restores(script, capsys):
    runpy.run_path(str(script))
    out = capsys.readouterr().out
    pairs = re.findall(r"(\d+\.\d+)(?: dB before,)? (?:->)?\s*(\d+\.\d+)", out)
    assert pairs
    assert all(float(before) < float(after) for before, after in pairs), out


@pytest.mark.slow
def test_the_gallery_draws_every_task_that_corrupts():
    import matplotlib.pyplot as plt

    script = runpy.run_path(str(GALLERY))
    drawn = {re.match(r"task=(\w+)", words)[1] for _, words in script["CORRUPTIONS"]}
    made = {
        task for task in members("task") if "RealPairs" not in str(compose("config", [f"task={task}"]).task.degradation)
    }
    assert drawn == made
    pictures = [axis.images[0].get_array() for axis in plt.figure(1).axes if axis.images]
    assert len(pictures) == len(script["CORRUPTIONS"]) + 1
    assert all(np.abs(picture - pictures[0] / 255).mean() > 0.005 for picture in pictures[1:])


def test_there_are_four():
    assert len(EXAMPLES) == 4

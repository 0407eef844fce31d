"""The scripts of `examples/` run as they stand, and restore."""

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    import matplotlib

    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    yield matplotlib.use("agg")
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_each_runs_and_restores(script, capsys):
    runpy.run_path(str(script))
    out = capsys.readouterr().out
    pairs = re.findall(r"(\d+\.\d+)(?: dB before,)? (?:->)?\s*(\d+\.\d+)", out)
    assert pairs
    assert all(float(before) < float(after) for before, after in pairs), out


def test_there_are_three():
    assert len(EXAMPLES) == 3

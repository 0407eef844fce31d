"""The examples of `docs/export.md` give the scores of our own networks, where the libraries are installed."""

import re
from pathlib import Path

import pytest

import restore

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
CODE = {match[1]: match[0] for match in re.findall(r"```python\n(# (\w+):.*?)```", PAGE.read_text(), re.DOTALL)}


def test_the_page_has_both():
    assert set(CODE) == {"deepinv", "spandrel"}


@pytest.mark.parametrize(
    ("library", "name", "conditions"), [("deepinv", "ffdnet", True), ("spandrel", "red14_denoise25", False)]
)
def test_another_library_scores_as_we_do(library, name, conditions, request, monkeypatch):
    pytest.importorskip("torchvision", reason=f"torchvision, which {library} asks for, is not installed")
    pytest.importorskip(library, reason=f"{library} is not installed")
    if conditions:
        request.getfixturevalue("weights_root")
    place = {}
    exec(CODE[library], place)
    ours = restore.score(restore.load(name, device="cpu"), overrides=["task.sigma=25"])
    assert [row["value"] for row in place["rows"]] == pytest.approx([row["value"] for row in ours], abs=1e-3)
    assert all(row["value"] > row["value_input"] + 5 for row in ours if row["metric"] == "psnr")

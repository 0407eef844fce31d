"""docs/deviations.md has an entry for each experiment that is a table or figure of a paper, and for nothing else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "conf" / "experiment"
PAGE = (ROOT / "docs" / "deviations.md").read_text()
ENTRIES = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
NAMED = re.compile(r"\b(Figs?\. |Tables? |sections? |study's (table|denoising))")


def header(file: Path) -> str:
    return "\n".join(line for line in file.read_text().splitlines() if line.startswith("#"))


FROM_A_PAPER = [file.stem for file in sorted(FOLDER.glob("[!_]*.yaml")) if NAMED.search(header(file))]


def test_many_experiments_are_from_a_paper():
    assert len(FROM_A_PAPER) > 30


@pytest.mark.parametrize("name", FROM_A_PAPER)
def test_an_experiment_from_a_paper_has_its_entry_and_points_to_it(name):
    assert name in ENTRIES, f"docs/deviations.md has no entry {name}"
    text = ENTRIES[name].strip()
    assert re.match(r"(RED|DnCNN|GOPRO study|Not the study's)", text), "it begins with the place in the paper"
    assert len(text.split()) > 5, "and says what differs"
    assert f"docs/deviations.md#{name}" in header(FOLDER / f"{name}.yaml")


def test_there_is_no_entry_without_its_experiment():
    assert set(ENTRIES) <= set(FROM_A_PAPER)

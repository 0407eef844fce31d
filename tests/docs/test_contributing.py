"""CONTRIBUTING.md's steps, followed to the letter in a copy of the checkout."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from conftest import photograph

ROOT = Path(__file__).parents[2]
SECTIONS = dict(re.findall(r"^## (Add an? \w+)\n(.*?)(?=^## |\Z)", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S))


def blocks(section: str) -> list[tuple[str, str]]:
    """Language and text of each fenced block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", SECTIONS[section], re.M | re.S)


def write(checkout: Path, text: str) -> None:
    """A block whose first line names its file, or the line of a file that it goes after."""
    name, after = re.fullmatch(r"# ([\w/.]+)(?:, after the line (.*))?", text.splitlines()[0]).groups()
    file, body = checkout / name, text.partition("\n")[2]
    if after:
        assert file.read_text().count(f"\n{after}\n") == 1, f"{name} has no line {after}"
        file.write_text(file.read_text().replace(f"\n{after}\n", f"\n{after}\n{body}"))
    else:
        assert not file.exists(), f"{name} is there already"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the steps change and run, and a set for the last of them."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "data" / "Kodak24").mkdir(parents=True)
    for number in range(3):
        Image.fromarray(photograph(48, 64, 3, seed=number)).save(tmp_path / "data" / "Kodak24" / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize("section", SECTIONS)
def test_each_step_works_as_written(checkout, section):
    environment = os.environ | {"PYTHONPATH": str(checkout / "src"), "RESTORE_DATA": str(checkout / "data")}
    environment |= {"RESTORE_CACHE": str(checkout / "cache")}
    commands = [line for language, text in blocks(section) if language == "sh" for line in text.splitlines()]
    for language, text in blocks(section):
        if language != "sh":
            write(checkout, text)
    assert commands
    for line in commands:
        program, *words = shlex.split(line)
        assert program == "python"
        done = subprocess.run(
            [sys.executable, *words], cwd=checkout, env=environment, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, line + "\n" + done.stdout[-2000:] + done.stderr[-2000:]
    assert list(checkout.rglob("results.csv")), "something was scored"


def test_the_sections():
    assert set(SECTIONS) == {f"Add a {thing}" for thing in ("task", "model", "metric", "protocol", "set")}

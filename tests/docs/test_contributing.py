"""CONTRIBUTING.md's steps, followed to the letter in a copy of the checkout."""

import json
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
from restore.results import store

ROOT = Path(__file__).parents[2]
SECTIONS = dict(re.findall(r"^## (Add an? \w+)\n(.*?)(?=^## |\Z)", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S))


FILE = re.compile(r"^`([\w/.]+)`(?:, after the line `([^`]*)`)?:\n\n```\w+\n(.*?)^```$", re.M | re.S)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)


def write(checkout: Path, name: str, after: str, text: str) -> None:
    """A block as the file named above it, or after a line of that file."""
    file = checkout / name
    if after:
        assert file.read_text().count(f"\n{after}\n") == 1, f"{name} has no line {after}"
        file.write_text(file.read_text().replace(f"\n{after}\n", f"\n{after}\n{text}"))
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


RUN = """
import json, runpy, sys
for line in json.loads(sys.argv[1]):
    sys.argv = line
    try:
        runpy.run_module(line[0], run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        assert not stop.code, (line, stop.code)
"""


def commands(section: str) -> list[list[str]]:
    """Each command's module and words."""
    lines = [shlex.split(line) for text in SHELL.findall(SECTIONS[section]) for line in text.splitlines()]
    assert lines
    assert all(line[:2] == ["python", "-m"] for line in lines)
    return [line[2:] for line in lines]


@pytest.mark.slow
def test_the_steps_work_as_written(checkout):
    """All are followed, then all their commands run, in one process that pays for its imports once."""
    for section, text in SECTIONS.items():
        files = FILE.findall(text)
        assert len(files) == text.count("```") // 2 - len(SHELL.findall(text)), f"a block of {section} has no file"
        for name, after, content in files:
            write(checkout, name, after, content)
    environment = os.environ | {"PYTHONPATH": str(checkout / "src"), "RESTORE_DATA": str(checkout / "data")}
    environment |= {"RESTORE_CACHE": str(checkout / "cache")}
    lines = [line for section in SECTIONS for line in commands(section)]
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(lines)],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    rows = store.read(checkout / "results.csv")
    assert {row["metric"] for row in rows} >= {"mae", "psnr"}
    assert {row["protocol"] for row in rows} >= {"dncnn", "eight_bit", "dncnn+border=4"}
    assert {row["dataset"] for row in rows} == {"photographs", "kodak24"}
    runs = {folder.name for folder in (checkout / "runs").iterdir()}
    assert runs == {"impulse_red10", "denoise_shallow", "denoise_red10"}


def test_the_sections():
    assert set(SECTIONS) == {f"Add a {thing}" for thing in ("task", "model", "metric", "protocol", "set")}

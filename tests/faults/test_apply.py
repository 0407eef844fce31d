"""Odd words of `restore.apply`: what comes out is restored, or is answered by one sentence; inputs stay as they were."""

import random
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from restore import apply
from restore.config.commands import Apply
from restore.errors import OutsideError, RequestError

VALUES = [
    "",
    "0",
    "1",
    "-1",
    "2.5",
    "nan",
    "inf",
    "1e99",
    "auto",
    "true",
    "false",
    "none",
    "ü",
    "a b",
    "[1,2]",
    "{a: 1}",
]
PATHS = [
    "in",
    "in/0.png",
    "in/*.png",
    "in/**",
    "out",
    "out.png",
    "out.txt",
    ".",
    "/dev/null",
    "in/0.png/x",
    "[",
]
NETWORKS = ["identity", "red10", "dncnn_s_25", "red14_denoise25", "../..", "in/0.png", "csf"]
EXTRA = [
    "model.width=-1",
    "model.depth=x",
    "task=sr",
    "task=none",
    "task.sigma=[",
    "modell=3",
    "=",
    "input",
    "model.a=b",
]

KEYS = [field.name for field in fields(Apply)]


def words_of(number: int) -> list[str]:
    draw = random.Random(number)
    words = ["input=in", "output=out", "model=identity"]
    for _ in range(draw.randint(1, 4)):
        key = draw.choice([*KEYS, "extra"])
        if key == "extra":
            words.append(draw.choice(EXTRA))
        elif key in ("input", "output"):
            words.append(f"{key}={draw.choice(PATHS)}")
        else:
            words.append(f"{key}={draw.choice(NETWORKS if key in ('model', 'run', 'weights') else VALUES)}")
    return words


@pytest.mark.parametrize("part", range(10))
def test_odd_words(part, tmp_path, monkeypatch, tally):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RESTORE_WEIGHTS", raising=False)
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(0)
    for name, shape in (("0.png", (20, 24, 3)), ("1.png", (17, 19))):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / "in" / name)
    inputs = {file: file.read_bytes() for file in (tmp_path / "in").iterdir()}
    for number in range(40 * part, 40 * (part + 1)):
        words = words_of(number)
        tally("requests to apply")
        try:
            apply.main(words)
        except (RequestError, OutsideError) as refusal:
            lines = str(refusal).splitlines()
        except Exception as bug:
            raise AssertionError(words) from bug
        else:
            lines = []
        assert len(lines) <= 1, words
        assert all(file.read_bytes() == content for file, content in inputs.items()), words

"""Training and test pairs stay what they are: projections of each task's, recorded once.

A change that moves one moves every number that was measured with it: then the record is made anew, and
the changelog says why. Tolerances are those between builds of the libraries.

Made anew for test pairs, and for no training pair, when the protocol `dncnn` took the published noise
(MATLAB's stream) and the published resampling (rounded after each pass), and when words and scratches of the
test got sheets of their own; for training pairs of blur, JPEG, super-resolution and the mixture, and for no test
pair, when their patches became cuts of degraded images on those images' grids.
"""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from restore.config.build import build_data, build_protocols, build_settings
from restore.config.compose import compose
from restore.config.overrides import normalise_overrides

with (Path(__file__).parent / "recorded_pairs.csv").open(newline="") as file:
    RECORD = list(csv.DictReader(file))
COMMON = ["data=photographs", "logger=none", "data.patch_size=40", "data.batch_size=8", "budget=cpu"]


def projections(image: torch.Tensor) -> list[float]:
    """Mean, deviation, and three fixed ± projections."""
    values = image.double().flatten().numpy()
    random = np.random.Generator(np.random.Philox(key=7))
    signs = (random.integers(0, 2, values.size) * 2 - 1 for _ in range(3))
    return [values.mean(), values.std(), *((sign * values).mean() for sign in signs)]


def pairs_of(task: str) -> dict[str, list[float]]:
    words = normalise_overrides([*task.split(" "), *COMMON, "protocol=[red,dncnn]"])
    config = compose("config", words)
    data = build_data(config)
    data.read_training()
    data.read_tests()
    data.fill_bank()
    data.trainer = SimpleNamespace(training=True)
    pairs = {}
    for step in (0, 5):
        coordinates = data.on_before_batch_transfer(data.coordinates(0, 1)[step], 0)
        pairs[f"step {step}"] = projections(data.pairs(coordinates).degraded)
    image, name = data.tests[0].images[0][None], data.tests[0].names[0]
    for protocol in build_protocols(config):
        for setting in build_settings(config.task):
            pairs[f"{protocol.name}/{setting.name}"] = projections(protocol.pair(image, setting, name).degraded)
    return pairs


@pytest.mark.parametrize("task", list(dict.fromkeys(row["task"] for row in RECORD)))
def test_pairs_are_those_of_the_record(task):
    recorded = {
        row["place"]: [float(number) for number in row["degraded"].split()] for row in RECORD if row["task"] == task
    }
    pairs = pairs_of(task)
    assert list(pairs) == list(recorded)
    for place, numbers in recorded.items():
        assert pairs[place] == pytest.approx(numbers, abs=5e-5), place

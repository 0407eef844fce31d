"""The tuned deconvolutions: the choice is that of the record, it fits its kernel, and it is better than one for all."""

import csv
from pathlib import Path

import numpy as np
import pytest

from restore.bench.tuning import GRIDS, KERNELS, best, grid, mean_error, pairs
from restore.data import datasets
from restore.degradations import kernels
from restore.degradations.blur import Blur
from restore.evaluation.deconvolution import richardson_lucy, tuning_of, tunings, wiener

RECORD = Path(__file__).parents[2] / "experiments" / "bench" / "tuning.csv"


def chosen(kernel: str, method: str) -> float:
    tuning = tunings()[kernel]
    return {"wiener": tuning.balance, "richardson_lucy": tuning.rounds}[method]


def test_the_choice_is_the_least_error_of_the_recorded_grid():
    with RECORD.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(KERNELS) * sum(len(settings) for _, settings in GRIDS.values())
    for row in best(rows):
        assert chosen(row["kernel"], row["method"]) == pytest.approx(float(row["setting"])), row


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_small_grid_chooses_alike(kernel, monkeypatch):
    """On four of the photographs, the settings that were chosen for the three kernels against one another."""
    small = {name: (GRIDS[name][0], tuple(dict.fromkeys(chosen(each, name) for each in KERNELS))) for name in GRIDS}
    monkeypatch.setattr("restore.bench.tuning.GRIDS", small)
    images = datasets.read(datasets.find("photographs", None, 1, training=True), 1).images
    rows = grid(kernel, pairs(kernel, images[4:8], 160))
    for row in best(rows):
        assert float(row["setting"]) == pytest.approx(chosen(kernel, row["method"])), row


@pytest.mark.parametrize(("method", "former", "gain"), [(wiener, 0.002, 2), (richardson_lucy, 60, 0.3)])
def test_on_tested_photographs_it_is_better_than_one_setting_for_all(method, former, gain):
    """Motion: Wiener's balance of 0.002 and 60 rounds, which were the disk's, lose decibels."""
    images = datasets.read(datasets.find("photographs", None, 1, training=False), 1).images
    told = Blur("motion").kernels[0].double().numpy()[::-1, ::-1]
    for planes in [pairs("motion", [image], 256) for image in images[:2]]:
        before = mean_error(planes, lambda degraded: method(degraded, told, former))
        tuned = mean_error(planes, lambda degraded: method(degraded, told))
        assert 10 * np.log10(before / tuned) > gain


def test_a_kernel_has_its_setting_however_it_is_turned_and_framed():
    for name, kernel in (
        ("disk", kernels.disk(7)),
        ("gaussian", kernels.gaussian(25, 1.6)),
        ("motion", kernels.motion(15, 45)),
    ):
        turned = np.pad(np.rot90(kernel.numpy()), ((5, 5), (3, 3)))
        assert tuning_of(turned) is tuning_of(kernel.double().numpy()) is tunings()[name]


@pytest.mark.parametrize(
    "kernel", [kernels.disk(4), kernels.gaussian(25, 2), kernels.motion(9, 0), kernels.motion(30, 20)]
)
def test_any_other_has_the_most_cautious(kernel):
    assert tuning_of(kernel.numpy()) is tunings()["motion"]
    assert tunings()["motion"].balance == max(tuning.balance for tuning in tunings().values())
    assert tunings()["motion"].rounds == min(tuning.rounds for tuning in tunings().values())

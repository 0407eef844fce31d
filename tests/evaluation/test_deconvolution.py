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
    """On a quarter of two of the photographs: the choice against a tenth of it and ten times as much."""
    small = {
        "wiener": (wiener, tuple(chosen(kernel, "wiener") * factor for factor in (0.1, 1, 10))),
        "richardson_lucy": (richardson_lucy, tuple(int(chosen(kernel, "richardson_lucy") * f) for f in (0.1, 1, 5))),
    }
    small["richardson_lucy"] = (richardson_lucy, small["richardson_lucy"][1][: 2 if kernel == "gaussian" else 3])
    monkeypatch.setattr("restore.bench.tuning.GRIDS", small)
    images = datasets.read(datasets.find("photographs", None, 1, training=True), 1).images
    rows = grid(kernel, pairs(kernel, [images[1], images[9]], 160))
    for row in best(rows):
        assert float(row["setting"]) == pytest.approx(chosen(kernel, row["method"])), row


@pytest.mark.parametrize(("method", "former", "gain"), [(wiener, 0.002, 2), (richardson_lucy, 60, 0.3)])
def test_on_tested_photographs_it_is_better_than_one_setting_for_all(method, former, gain):
    """Motion: Wiener's balance of 0.002 and 60 rounds, which were the disk's, lose decibels."""
    images = datasets.read(datasets.find("photographs", None, 1, training=False), 1).images
    told = Blur("motion").kernels[0].double().numpy()[::-1, ::-1]
    for planes in (pairs("motion", [image], 256) for image in images[:2]):
        tuned, before = (
            mean_error(planes, lambda degraded, a=arguments: method(degraded, told, *a)) for arguments in ((), (former,))
        )
        assert 10 * np.log10(before / tuned) > gain


def test_a_kernel_has_the_setting_of_its_likeness():
    assert tuning_of(kernels.disk(7).numpy()) is tunings()["disk"]
    assert tuning_of(kernels.gaussian(25, 1.6).numpy()[::-1, ::-1]) is tunings()["gaussian"]
    turned = np.pad(np.rot90(kernels.motion(15, 45).numpy()), 5)
    assert tuning_of(turned) is tunings()["motion"]
    assert tuning_of(kernels.motion(9, 0).numpy()) is tunings()["motion"]
    assert tuning_of(kernels.disk(4).numpy()) is not tunings()["motion"]

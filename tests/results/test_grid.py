"""A sweep's table, on numbers made up so that the answer is known."""

import random

import pytest

from restore.results.grid import grid_table, places


def row(point: str, seed: int, image: str, value: float, metric: str = "psnr") -> dict:
    place = {"dataset": "set12", "setting": "sigma=70", "protocol": "dncnn", "method_kind": "network"}
    return place | {"run": f"{point},seed={seed}", "image": image, "metric": metric, "value": value}


@pytest.fixture
def rows() -> list[dict]:
    random.seed(0)
    gains = {"a=1": 0.0, "a=2": 0.5, "a=3": 0.0}
    return [
        row(point, seed, f"{image}", 25 + image + gain + random.gauss(0, 0.05))
        for point, gain in gains.items()
        for seed in range(3)
        for image in range(5)
    ]


def test_seeds_are_taken_together(rows):
    points = places(rows)["set12", "sigma=70", "dncnn"]
    assert list(points) == ["a=1", "a=2", "a=3"]
    assert {len(values) for values in points["a=1"].values()} == {3}
    text = grid_table(rows)
    assert "set12 sigma=70, protocol dncnn" in text
    assert text.count("not distinguishable") == 1


def test_the_values_of_the_degraded_images(rows):
    points = places([r | {"value_input": 10.0} for r in rows], column="value_input")["set12", "sigma=70", "dncnn"]
    assert {value for values in points["a=1"].values() for value in values} == {10.0}


def test_another_metric_under_its_own_name(rows):
    distances = [r | {"metric": "lpips", "value": 1 - r["value"] / 100} for r in rows]
    text = grid_table([*rows, *distances], "lpips")
    assert "protocol dncnn: LPIPS; difference" in text
    assert "| LPIPS |" in " ".join(text.split())


def test_classical_methods_are_left_out(rows):
    wavelet = row("a=1", 0, "0", 20) | {"method_kind": "classical", "run": "wavelet"}
    assert "wavelet" not in grid_table([*rows, wavelet])

import numpy as np
import pytest

from restore.results.quantities import quantity
from restore.results.statistics import mean_and_deviation, paired_difference


def scores(shift: float, noise: float, seeds: int = 3, images: int = 12, seed: int = 0) -> dict[str, list[float]]:
    random = np.random.default_rng(seed)
    base = np.random.default_rng(9).normal(30, 2, images)
    return {f"{i:02d}": list(base[i] + shift + noise * random.normal(size=seeds)) for i in range(images)}


def test_a_clear_difference_is_found_and_none_is_not_invented():
    clear = paired_difference(scores(0, 0.05), scores(0.3, 0.05, seed=1))
    assert clear.distinguishable
    assert clear.mean == pytest.approx(0.3, abs=0.05)
    assert clear.low < 0.3 < clear.high
    same = paired_difference(scores(0, 0.1), scores(0, 0.1, seed=2))
    assert not same.distinguishable


def test_a_difference_is_said_in_the_unit_of_its_metric():
    difference = paired_difference({"a": [30.0]}, {"a": [30.5]})
    assert difference.text(quantity("psnr")) == "+0.500 dB [+0.500, +0.500]"
    assert difference.text(quantity("psnr"), 1) == "+0.5 dB [+0.5, +0.5]"
    assert difference.text(quantity("ssim")) == "+0.5000 [+0.5000, +0.5000]"


def test_the_interval_covers_at_its_rate():
    hits = 0
    for trial in range(60):
        d = paired_difference(scores(0, 0.1, 5, seed=2 * trial), scores(0.2, 0.1, 5, seed=2 * trial + 1), draws=500)
        hits += d.low <= 0.2 <= d.high
    assert hits >= 48


def test_what_cannot_be_paired():
    with pytest.raises(ValueError, match="same images"):
        paired_difference({"a": [1.0]}, {"b": [1.0]})


def test_mean_and_deviation():
    assert mean_and_deviation([1.0, 3.0]) == (2.0, pytest.approx(2**0.5))
    assert np.isnan(mean_and_deviation([1.0])[1])

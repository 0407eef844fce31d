"""The transform against its definition: numbers drawn from the model, and their mean and variance."""

import numpy as np
import pytest

from restore.evaluation.anscombe import invert, on_stabilised, stabilise


def drawn(electrons: float, gain: float, read_noise: float) -> np.ndarray:
    random = np.random.default_rng(0)
    return gain * random.poisson(electrons, 400_000) + read_noise * random.standard_normal(400_000)


@pytest.mark.parametrize("read_noise", [0, 0.03])
@pytest.mark.parametrize("electrons", [4, 10, 60, 300])
def test_noise_of_any_brightness_becomes_one_of_variance_one(electrons, read_noise):
    levels = stabilise(drawn(electrons, 0.02, read_noise), 0.02, read_noise)
    assert levels.var() == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("read_noise", [0, 0.01, 0.04])
@pytest.mark.parametrize("electrons", [0.5, 2, 10, 60, 300])
def test_the_inverse_of_the_mean_is_the_clean_value(electrons, read_noise):
    """Unbiased, where undoing the square root alone is a quarter of an electron too dark."""
    gain = 0.02
    mean = stabilise(drawn(electrons, gain, read_noise), gain, read_noise).mean()
    error = invert(np.array(mean), gain, read_noise) / gain - electrons
    assert abs(error) < 0.06 + 4 * (electrons + (read_noise / gain) ** 2) ** 0.5 / 400_000**0.5
    plain = (mean / 2) ** 2 - 3 / 8 - (read_noise / gain) ** 2 - electrons
    if electrons > 1:
        assert plain == pytest.approx(-0.25, abs=0.08)


def test_no_light_stays_none():
    assert invert(np.array([0.0, 1.0]), 0.02, 0.0) == pytest.approx(0, abs=1e-3)


def test_a_denoiser_is_given_unit_range_and_its_noise():
    given = {}

    def denoise(image: np.ndarray, sigma: float) -> np.ndarray:
        given.update(low=image.min(), high=image.max(), noise=image.std() / sigma)
        return np.full_like(image, image.mean())

    noisy = drawn(50, 0.01, 0.02).reshape(500, 800, 1)
    restored = on_stabilised(denoise)(noisy, 0.01, 0.02)
    assert (given["low"], given["high"]) == (pytest.approx(0), pytest.approx(1))
    assert given["noise"] == pytest.approx(1, abs=0.02)
    assert restored.mean() == pytest.approx(0.5, abs=2e-4)


def test_without_photon_noise_it_is_the_denoiser():
    seen = on_stabilised(lambda image, sigma: image + sigma)(np.zeros((4, 4, 1)), 0.0, 0.1)
    assert (seen == 0.1).all()

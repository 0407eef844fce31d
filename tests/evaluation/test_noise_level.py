import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from restore.evaluation.noise_level import estimate_noise


def noisy(image: np.ndarray, sigma: float, seed: int = 0) -> torch.Tensor:
    noise = np.random.default_rng(seed).standard_normal(image.shape)
    return torch.from_numpy((image + sigma * noise) / 255)[None, None]


def scene(side: int = 200) -> np.ndarray:
    """Flat regions, a slope and a texture."""
    y, x = np.mgrid[0:side, 0:side]
    return np.where(x > y, 60 + 0.4 * y, 180.0) + np.where(x < side // 3, 30 * np.sin(x) * np.sin(1.3 * y), 0)


@pytest.mark.parametrize("sigma", [0, 2, 10, 25, 75])
def test_white_noise_is_told_within_half_a_level_or_six_percent(sigma):
    level = estimate_noise(noisy(scene(), sigma))
    assert 255 * level.sigma == pytest.approx(sigma, abs=max(0.5, 0.06 * sigma))


def test_of_colour_it_is_the_root_mean_square():
    planes = torch.cat([noisy(np.full((150, 150), 120.0), sigma, sigma) for sigma in (10, 20, 30)], dim=1)
    assert 255 * estimate_noise(planes).sigma == pytest.approx((1400 / 3) ** 0.5, rel=0.06)


@pytest.mark.parametrize("size", [600, 1300])
def test_a_large_image_is_looked_at_in_parts(size):
    assert 255 * estimate_noise(noisy(np.full((size, size), 120.0), 20)).sigma == pytest.approx(20, rel=0.06)


def test_noise_that_was_blurred_is_doubtful_and_white_noise_is_not():
    image = noisy(np.full((200, 200), 120.0), 25)
    assert not estimate_noise(image).doubtful
    blurred = torch.from_numpy(gaussian_filter(image[0, 0].numpy(), 0.6))[None, None]
    assert estimate_noise(blurred).doubtful


def test_an_image_without_patches_is_refused():
    with pytest.raises(ValueError, match="16 × 16 pixels at least, and this one has 15 × 40"):
        estimate_noise(torch.zeros(1, 1, 15, 40))


def test_on_photographs(data_root):
    """Every sixteenth image of BSD68."""
    for sigma, most in ((0, 1.3), (10, 1.0), (50, 1.5)):
        for seed, file in enumerate(sorted((data_root / "BSD68").glob("*.png"))[::16]):
            image = np.asarray(Image.open(file)).astype(float)
            assert abs(255 * estimate_noise(noisy(image, sigma, seed)).sigma - sigma) < most

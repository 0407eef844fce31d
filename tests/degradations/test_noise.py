import numpy as np
import pytest
import torch
from PIL import Image

from restore.degradations.noise import GaussianNoise, sigma_shape


@pytest.fixture
def clean() -> torch.Tensor:
    return torch.rand(4, 1, 33, 31, generator=torch.Generator().manual_seed(1))


def test_same_generator_same_noise_and_input_untouched(clean):
    before = clean.clone()
    one, two = (GaussianNoise([0, 55])(clean, torch.Generator().manual_seed(7)).degraded for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(clean, before)
    other = GaussianNoise([0, 55])(clean, torch.Generator().manual_seed(8)).degraded
    assert not torch.equal(one, other)


def test_zero_is_the_identity(clean, generator):
    assert torch.equal(GaussianNoise(0)(clean, generator).degraded, clean)


@pytest.mark.parametrize("channels", [1, 3])
def test_standard_deviation_is_sigma_over_255(channels, generator):
    clean = torch.full((2, channels, 300, 301), 0.5)
    noise = GaussianNoise(25)(clean, generator).degraded - clean
    assert noise.std().item() == pytest.approx(25 / 255, rel=0.01)
    assert noise.mean().item() == pytest.approx(0, abs=1e-3)
    if channels == 3:
        correlation = torch.corrcoef(noise[0].flatten(1))[0, 1]
        assert abs(correlation) < 0.02, "each channel has noise of its own"


def test_strengths_differ_inside_a_batch(generator):
    """kornia's RandomGaussianNoise has one standard deviation for the whole batch, and would fail here."""
    clean = torch.zeros(64, 1, 60, 60)
    deviations = GaussianNoise([0, 55])(clean, generator).degraded.flatten(1).std(dim=1) * 255
    assert deviations.min() < 8
    assert deviations.max() > 47
    assert len(deviations.round(decimals=2).unique()) > 50


def test_unclipped_and_not_rounded(generator):
    degraded = GaussianNoise(50)(torch.zeros(1, 1, 40, 40), generator).degraded
    assert degraded.min() < 0
    assert (degraded * 255 - (degraded * 255).round()).abs().max() > 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keeps_the_type(dtype, generator, clean):
    assert GaussianNoise(25)(clean.to(dtype), generator).degraded.dtype == dtype


def test_refuses_negative_sigma():
    with pytest.raises(ValueError, match=r"sigma must be at least 0, and it is -5"):
        GaussianNoise(-5)


def test_a_map_says_how_much_noise_each_pixel_has(generator, tmp_path):
    clean = torch.zeros(400, 1, 12, 20)
    pair = GaussianNoise([20, 40], "ramp")(clean, generator)
    spread = pair.conditions["sigma"]
    assert spread.shape == (400, 1, 12, 20)
    assert torch.equal(spread[..., 0], torch.zeros(400, 1, 12))
    torch.testing.assert_close(spread[:, 0, 0, -1].mean() * 255, torch.tensor(30.0), atol=1, rtol=0)
    measured, expected = pair.degraded.std(dim=0), spread.square().mean(dim=0).sqrt()
    assert (measured - expected).abs().max() < 0.2 * expected.max()
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "half.png")
    own = GaussianNoise(10, str(tmp_path / "half.png"))
    assert own.suffix == " map=half"
    shape = own(clean[:1], generator).conditions["sigma"][0, 0, 0] * 25.5
    assert shape[0] == 0
    assert shape[-1].item() == pytest.approx(1)
    assert (shape.diff() >= 0).all()


def test_peaks_is_matlabs():
    """Its largest value lies at (−0.0093, 1.5814), its smallest at (0.2283, −1.6255), as MATLAB documents."""
    side = 601
    shape = sigma_shape("peaks", side, side)[0, 0]
    for value, x, y in ((1, -0.0093, 1.5814), (0, 0.2283, -1.6255)):
        row, column = divmod(int((shape - value).abs().argmin()), side)
        assert (6 * column / (side - 1) - 3, 6 * row / (side - 1) - 3) == pytest.approx((x, y), abs=0.02)


def test_refuses_a_map_that_cannot_be_read():
    with pytest.raises(ValueError, match="sigma_map is ramp, peaks or the path of an image, and 'hill' cannot be read"):
        GaussianNoise(25, "hill")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_on_cuda():
    clean = torch.rand(8, 1, 64, 64, device="cuda")
    generator = torch.Generator("cuda").manual_seed(0)
    noise = GaussianNoise(25)(clean, generator).degraded - clean
    assert noise.device.type == "cuda"
    assert noise.std().item() == pytest.approx(25 / 255, rel=0.02)

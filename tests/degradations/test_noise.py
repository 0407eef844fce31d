import pytest
import torch

from restore.degradations.noise import GaussianNoise


@pytest.fixture
def clean() -> torch.Tensor:
    return torch.rand(4, 1, 33, 31, generator=torch.Generator().manual_seed(1))


def test_same_generator_same_noise_and_input_untouched(clean):
    before = clean.clone()
    one, two = (GaussianNoise([0, 55])(clean, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(clean, before)
    other = GaussianNoise([0, 55])(clean, torch.Generator().manual_seed(8))
    assert not torch.equal(one, other)


def test_zero_is_the_identity(clean, generator):
    assert torch.equal(GaussianNoise(0)(clean, generator), clean)


@pytest.mark.parametrize("channels", [1, 3])
def test_standard_deviation_is_sigma_over_255(channels, generator):
    clean = torch.full((2, channels, 300, 301), 0.5)
    noise = GaussianNoise(25)(clean, generator) - clean
    assert noise.std().item() == pytest.approx(25 / 255, rel=0.01)
    assert noise.mean().item() == pytest.approx(0, abs=1e-3)
    if channels == 3:
        correlation = torch.corrcoef(noise[0].flatten(1))[0, 1]
        assert abs(correlation) < 0.02, "each channel has noise of its own"


def test_strengths_differ_inside_a_batch(generator):
    """kornia's RandomGaussianNoise has one standard deviation for the whole batch, and would fail here."""
    clean = torch.zeros(64, 1, 60, 60)
    deviations = GaussianNoise([0, 55])(clean, generator).flatten(1).std(dim=1) * 255
    assert deviations.min() < 8
    assert deviations.max() > 47
    assert len(deviations.round(decimals=2).unique()) > 50


def test_unclipped_and_not_rounded(generator):
    degraded = GaussianNoise(50)(torch.zeros(1, 1, 40, 40), generator)
    assert degraded.min() < 0
    assert (degraded * 255 - (degraded * 255).round()).abs().max() > 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keeps_the_type(dtype, generator, clean):
    assert GaussianNoise(25)(clean.to(dtype), generator).dtype == dtype


def test_refuses_negative_sigma():
    with pytest.raises(ValueError, match=r"task\.sigma must be at least 0, and it is -5"):
        GaussianNoise(-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_on_cuda():
    clean = torch.rand(8, 1, 64, 64, device="cuda")
    generator = torch.Generator("cuda").manual_seed(0)
    noise = GaussianNoise(25)(clean, generator) - clean
    assert noise.device.type == "cuda"
    assert noise.std().item() == pytest.approx(25 / 255, rel=0.02)

import numpy as np
import pytest
import torch
from kornia.filters import filter2d
from scipy import ndimage

from restore.degradations import kernels
from restore.degradations.blur import Blur


@pytest.mark.parametrize("channels", [1, 3])
def test_filtering_is_scipys_with_nearest_border(channels, generator):
    clean = torch.rand(2, channels, 31, 29, generator=generator)
    blurred = Blur("motion", length=7, angle=30)(clean, generator).degraded
    kernel = kernels.motion(7, 30).numpy()[None, None]
    expected = ndimage.correlate(clean.numpy(), kernel, mode="nearest")
    np.testing.assert_allclose(blurred, np.clip(np.round(expected * 255), 0, 255) / 255, atol=1.01 / 255)
    assert (np.abs(blurred.numpy() - np.round(expected * 255) / 255) > 1e-6).mean() < 0.01


def test_the_gaussian_is_filtered_by_its_two_lines(generator):
    clean = torch.rand(1, 1, 40, 33, generator=generator)
    blur = Blur("gaussian")
    assert blur.separable
    lines = blur(clean, generator).degraded
    blur.separable = False
    assert ((lines - blur(clean, generator).degraded) * 255).abs().max() <= 1.01
    assert (lines == blur(clean, generator).degraded).float().mean() > 0.99


def test_adjoint_before_rounding(generator):
    """⟨k ⋆ x, y⟩ = ⟨x, k ⋆ y⟩ for a symmetric kernel, away from the border."""
    from kornia.filters import filter2d

    x, y = torch.zeros(2, 1, 1, 31, 31).unbind(0)
    x[..., 12:19, 12:19] = torch.rand(7, 7, generator=generator)
    y[..., 12:19, 12:19] = torch.rand(7, 7, generator=generator)
    kernel = Blur("disk", radius=3).kernels
    left = (filter2d(x, kernel, border_type="replicate") * y).sum()
    right = (x * filter2d(y, kernel, border_type="replicate")).sum()
    torch.testing.assert_close(left, right)


def test_eight_bit_and_noise(generator):
    clean = torch.full((1, 1, 200, 200), 0.5)
    quiet = Blur("disk")(clean, generator).degraded * 255
    torch.testing.assert_close(quiet, quiet.round(), atol=1e-4, rtol=0)
    noisy = Blur("disk", noise=5)(clean, generator).degraded * 255
    assert noisy.std().item() == pytest.approx(5, rel=0.05)


def test_motions_differ_inside_a_batch(generator):
    clean = torch.rand(1, 1, 40, 40, generator=generator).expand(10, -1, -1, -1)
    blurred = Blur("motion", length=[5, 21], angle=[0, 180])(clean, generator).degraded
    assert len({tuple(sample.flatten().tolist()) for sample in blurred}) > 5


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"kernel": "disc"}, "kernel is disk, gaussian, motion"),
        ({"kernel": "gaussian", "size": 24}, "odd side"),
        ({"radius": 0}, "radius"),
        ({"kernel": "motion", "length": 0}, "length"),
        ({"noise": -1}, "noise"),
        ({"kernel": "none.npy"}, "cannot read the kernel"),
    ],
)
def test_refusals(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        Blur(**words)


def test_gaussians_of_a_range():
    """Each sample by a kernel of its own, as it is told, within the range."""
    clean = torch.rand(6, 3, 20, 21, generator=torch.Generator().manual_seed(0))
    blur = Blur("gaussian", size=11, sigma=[0.5, 2])
    pair = blur(clean, torch.Generator().manual_seed(1))
    kernel = pair.conditions["kernel"]
    assert len({one.max().item() for one in kernel}) == 6
    low, high = kernels.gaussian(11, 0.5).max().item(), kernels.gaussian(11, 2.0).max().item()
    assert high <= kernel.amax(dim=(1, 2)).min().item()
    assert kernel.amax(dim=(1, 2)).max().item() <= low
    alone = torch.cat([filter2d(clean[i : i + 1], kernel[i : i + 1], border_type="replicate") for i in range(6)])
    assert (pair.degraded - alone).abs().max() <= 0.51 / 255
    assert blur.suffix == " sigma=0.5..2"
    assert Blur("gaussian", size=11, sigma=2).suffix == ""

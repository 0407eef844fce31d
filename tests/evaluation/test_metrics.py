"""Against scikit-image, whose SSIM can be set to Wang's, and across processes against one."""

import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restore.evaluation.metrics import PSNR, SSIM, psnr, ssim


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    clean = torch.from_numpy(data.astronaut()[100:180, 80:190].copy()).permute(2, 0, 1)[None] / 255
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return (clean + 0.1 * noise).clamp(0, 1), clean


def wang(x: np.ndarray, y: np.ndarray) -> float:
    """scikit-image's map with Wang's window, kept only where the window lies inside."""
    options = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 1.0,
        "truncate": 3.34,
    }
    _, full = structural_similarity(x, y, full=True, **options)
    return full[5:-5, 5:-5].mean()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("border", [0, 3])
def test_equal_to_scikit_image(pair, channels, border):
    restored, clean = (image[:, :channels] for image in pair)
    inner = slice(border, -border or None)
    x, y = (image[0, :, inner, inner].double().numpy() for image in (restored, clean))
    assert psnr(restored, clean, border).item() == pytest.approx(peak_signal_noise_ratio(y, x, data_range=1), abs=1e-4)
    expected = np.mean([wang(x[c], y[c]) for c in range(channels)])
    assert ssim(restored, clean, border).item() == pytest.approx(expected, abs=1e-5)


def test_torchmetrics_ssim_is_another(pair):
    """Why SSIM is written here: the library's default differs in the third decimal."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    restored, clean = (image[:, :1] for image in pair)
    theirs = structural_similarity_index_measure(restored, clean, data_range=1.0).item()
    assert abs(theirs - ssim(restored, clean).item()) > 2e-4


def test_equal_images(pair):
    assert psnr(pair[1], pair[1]).item() == float("inf")
    assert ssim(pair[1], pair[1]).item() == pytest.approx(1)


def test_too_small_for_the_window():
    with pytest.raises(ValueError, match="11×11"):
        ssim(torch.zeros(1, 1, 10, 30), torch.zeros(1, 1, 10, 30))


@pytest.mark.parametrize(("metric", "function"), [(PSNR, psnr), (SSIM, ssim)])
def test_metric_is_the_mean_over_images(pair, metric, function):
    restored, clean = pair
    whole = metric()
    whole.update(restored, clean)
    whole.update(restored[..., 20:], clean[..., 20:])
    expected = (function(restored, clean) + function(restored[..., 20:], clean[..., 20:])).item() / 2
    assert whole.compute().item() == pytest.approx(expected, rel=1e-6)
    whole.reset()
    whole.update(restored, clean)
    assert whole.compute().item() == pytest.approx(function(restored, clean).item(), rel=1e-6)

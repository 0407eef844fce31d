"""Against scikit-image, whose SSIM can be set to Wang's, and against the equations."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restore.errors import RequestError
from restore.evaluation.metrics import Metric, ms_ssim, mse, psnr, psnr_y, psnrb, ssim, ssim_reflect, vif


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


def planes(image: torch.Tensor) -> np.ndarray:
    return image[0].double().numpy()


# -- the functions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_equal_to_scikit_image(pair, channels):
    restored, clean = (image[:, :channels] for image in pair)
    x, y = planes(restored), planes(clean)
    assert psnr(restored, clean).item() == pytest.approx(peak_signal_noise_ratio(y, x, data_range=1), abs=1e-4)
    expected = np.mean([wang(x[c], y[c]) for c in range(channels)])
    assert ssim(restored, clean).item() == pytest.approx(expected, abs=1e-5)


def test_numbers_that_stand_in_records():
    """To the last of the four decimals that rows keep, on any machine."""
    generator = torch.Generator().manual_seed(3)
    clean = torch.randint(0, 256, (1, 1, 40, 50), generator=generator) / 255
    restored = (clean + torch.randint(-20, 21, clean.shape, generator=generator) / 255).clamp(0, 1)
    squared = ((restored - clean).double() ** 2).mean().item()
    assert psnr(restored, clean).item() == pytest.approx(-10 * math.log10(squared), abs=1e-6)
    assert mse(restored, clean).item() == pytest.approx(squared, rel=1e-6)
    assert ssim(restored, clean).item() == pytest.approx(wang(planes(restored)[0], planes(clean)[0]), abs=1e-6)


def terms(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Means of SSIM, the border mirrored, and of its contrast term inside the border, by SciPy's filter."""

    def blur(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(image, 1.5, truncate=3.4, mode="mirror")

    mean_x, mean_y = blur(x), blur(y)
    variances = blur(x * x) - mean_x**2 + blur(y * y) - mean_y**2
    contrast = (2 * (blur(x * y) - mean_x * mean_y) + 0.03**2) / (variances + 0.03**2)
    luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    return (luminance * contrast).mean(), contrast[5:-5, 5:-5].mean()


def test_torchmetrics_ssim_reflects_and_so_is_another(pair):
    """Why Wang's is written here: the library's default differs in the third decimal."""
    restored, clean = (image[:, :1] for image in pair)
    theirs = ssim_reflect(restored, clean).item()
    assert abs(theirs - ssim(restored, clean).item()) > 2e-4
    assert theirs == pytest.approx(terms(planes(restored)[0], planes(clean)[0])[0], abs=1e-6)


def test_luma_of_colour(pair):
    weights = np.array([65.481, 128.553, 24.966]) / 255
    difference = np.tensordot(weights, planes(pair[0]) - planes(pair[1]), 1)
    expected = -10 * math.log10((difference**2).mean())
    assert psnr_y(*pair).item() == pytest.approx(expected, abs=1e-4)
    assert psnr_y(*pair).item() > psnr(*pair).item() + 1


def test_block_edges_count_as_error(pair):
    """Yim, Bovik 2011, written out: the error grows by what the steps at block edges have over those within."""
    clean = pair[1][:, :1]
    blocky = clean.clone()
    blocky[..., 8:, :] += 0.1  # one step, at the edge of two rows of blocks
    x = planes(blocky)[0]
    rows, columns = np.diff(x, axis=0) ** 2, np.diff(x, axis=1) ** 2
    height, width = x.shape
    row_edges, column_edges = np.arange(7, height - 1, 8), np.arange(7, width - 1, 8)
    at_edges = rows[row_edges].sum() + columns[:, column_edges].sum()
    within = rows.sum() + columns.sum() - at_edges
    count = height * (width / 8) - 1 + width * (height / 8) - 1
    whole = height * (width - 1) + width * (height - 1)
    excess = at_edges / count - within / (whole - count)
    error = ((planes(blocky) - planes(clean)) ** 2).mean()
    assert excess > 0
    expected = -10 * math.log10(error + excess * math.log2(8) / math.log2(min(height, width)))
    assert psnrb(blocky, clean).item() == pytest.approx(expected, abs=1e-4)
    assert psnrb(blocky, clean).item() < psnr(blocky, clean).item() - 0.02


def test_information_is_lost_by_noise_and_gained_by_contrast(pair):
    levels = [255 * image for image in pair]
    clean = levels[1]
    assert vif(clean, clean).item() == pytest.approx(1, abs=1e-4)
    assert 0.05 < vif(*levels).item() < 0.9
    assert vif(1.2 * (clean - 100) + 100, clean).item() > 1, "what the paper has over other metrics"


def test_multi_scale(pair):
    """Wang, Simoncelli, Bovik 2003: contrast over four scales, each half of the one before, and SSIM on the fifth."""
    restored, clean = (image.repeat(1, 1, 3, 2)[:, :1] for image in pair)
    x, y = (planes(image)[0] for image in (restored, clean))
    expected = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        whole, contrast = terms(x, y)
        expected *= (whole if scale == 4 else contrast) ** weight
        x, y = (halved(image) for image in (x, y))
    assert ms_ssim(restored, clean).item() == pytest.approx(expected, abs=1e-5)
    assert ms_ssim(clean, clean).item() == pytest.approx(1)


def halved(image: np.ndarray) -> np.ndarray:
    height, width = (side // 2 for side in image.shape)
    return image[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))


def test_equal_images(pair):
    assert psnr(pair[1], pair[1]).item() == float("inf")
    assert ssim(pair[1], pair[1]).item() == pytest.approx(1)


def test_too_small_for_the_window():
    with pytest.raises(ValueError, match="11×11"):
        ssim(torch.zeros(1, 1, 10, 30), torch.zeros(1, 1, 10, 30))


# -- a function under a name -----------------------------------------------------------------------


def test_a_metric_is_its_function_on_one_image(pair):
    metric = Metric("psnr", psnr)
    assert metric(*pair) == psnr(*pair).item()
    assert metric.label == "psnr"


def test_range_and_precision_are_what_the_function_wants(pair):
    """Levels where it asks for 255, and float32 even inside a mixed-precision trainer."""
    peak = Metric("peak", lambda restored, clean: clean.max(), data_range=255)
    assert peak(*pair) == pytest.approx(255 * pair[1].max().item())
    kernel = torch.ones(1, 3, 3, 3)
    convolved = Metric("sum", lambda restored, clean: torch.nn.functional.conv2d(clean, kernel).mean())
    with torch.autocast("cpu", torch.bfloat16):
        inside = convolved(*pair)
    assert inside == convolved(*pair)


@pytest.mark.parametrize(
    ("limits", "family", "why"),
    [
        ({"channels": 1}, "noise", "needs 1 channel; the image has 3"),
        ({"smallest": 161}, "noise", "needs sides from 161 pixels; the image is 80×110"),
        ({"families": ["jpeg"]}, "noise", "needs a degradation of family jpeg; this one is of family noise"),
    ],
)
def test_where_it_is_not_defined(pair, limits, family, why):
    metric = Metric("m", psnr, **limits)
    assert metric(*pair, family=family) is None
    assert metric.why_not(pair[1], family) == f"m {why}"
    assert Metric("m", psnr, channels=3, smallest=80, families=["jpeg"])(*pair, family="jpeg") == psnr(*pair).item()


def test_no_number_of_finite_images_is_not_defined(pair):
    flat = torch.full((1, 1, 48, 48), 0.5)
    assert Metric("vif", vif, data_range=255)(flat, flat) is None
    diverged = torch.full((1, 1, 48, 48), float("nan"))
    assert math.isnan(Metric("psnr", psnr)(diverged, flat)), "a network that diverged is recorded so"


def test_what_a_function_may_not_do(pair):
    with pytest.raises(RequestError, match=r"metrics\.m returns 3 numbers for one image"):
        Metric("m", lambda restored, clean: clean.mean(dim=(0, 2, 3)))(*pair)
    with pytest.raises(RequestError, match=r"metrics\.m: SSIM needs images of at least 11×11"):
        Metric("m", ssim)(pair[0][..., :9], pair[1][..., :9])
    with pytest.raises(ValueError, match=r"metrics\.m\.data_range must be at least 0\.001, and it is 0"):
        Metric("m", psnr, data_range=0)
    with pytest.raises(ValueError, match=r"metrics\.m\.function cannot be called"):
        Metric("m", "psnr")

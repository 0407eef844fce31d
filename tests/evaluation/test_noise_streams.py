"""The streams that published noise was made of: their first numbers, their order, and what the authors' weights give."""

from math import log, sqrt

import numpy as np
import pytest
import torch

from conftest import metrics, protocol
from restore.checkpoint import load_weights
from restore.data import datasets
from restore.data.datasets import WholeImage
from restore.degradations.noise import GaussianNoise
from restore.evaluation.baselines import Baseline
from restore.evaluation.noise_streams import matlab_v4, normal_stream
from restore.evaluation.protocol import Setting
from restore.evaluation.score import score_image
from restore.models.dncnn import DnCNN
from restore.models.identity import Identity

SIGMA25 = Setting("sigma=25", 25, GaussianNoise(25))
# Each stream's first six numbers along the axis that it fills first: MATLAB's columns, NumPy's rows
FIRST = {
    "matlab_v4": [1.1650, 0.6268, 0.0751, 0.3516, -0.6965, 1.6961],
    "numpy_0": [1.7641, 0.4002, 0.9787, 2.2409, 1.8676, -0.9773],
    "numpy_0_bgr": [1.7641, 0.4002, 0.9787, 2.2409, 1.8676, -0.9773],
    "ours": [-1.1258, -1.1524, -0.2506, -0.4339, 0.8487, 0.6920],
}


def stream(noise: str):
    return normal_stream(noise, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("noise", FIRST)
def test_the_first_numbers_of_each_stream(noise):
    numbers = stream(noise)((1, 1, 6, 5) if noise == "matlab_v4" else (1, 1, 5, 6))
    first = numbers[0, 0, :, 0] if noise == "matlab_v4" else numbers[0, 0, 0]
    assert first.tolist() == pytest.approx(FIRST[noise], abs=5e-5)
    assert numbers.dtype == (torch.float32 if noise == "ours" else torch.float64)


def test_matlabs_stream_is_its_definition():
    """One step of the generator and one pair at a time."""
    state, numbers = 1144108930, []
    while len(numbers) < 3000:
        a, b = ((2 * (state := 16807 * state % (2**31 - 1)) / (2**31 - 1) - 1) for _ in range(2))
        if (r := a * a + b * b) <= 1:
            numbers.append(a * sqrt(-2 * log(r) / r))
    assert matlab_v4(3000).tolist() == pytest.approx(numbers, rel=1e-12)


def test_it_begins_at_one_place_however_long_it_is():
    long = matlab_v4(200_000)
    assert np.array_equal(matlab_v4(70_000), long[:70_000])
    assert (long.mean(), long.std()) == (pytest.approx(0, abs=0.01), pytest.approx(1, abs=0.01))
    with pytest.raises(ValueError, match="read-only"):
        matlab_v4(5)[0] = 0


def test_matlab_fills_columns_then_channels():
    numbers, long = stream("matlab_v4")((1, 3, 4, 5)), torch.from_numpy(matlab_v4(60).copy())
    assert torch.equal(numbers[0].transpose(1, 2).flatten(), long)


@pytest.mark.parametrize(("noise", "order"), [("numpy_0", [0, 1, 2]), ("numpy_0_bgr", [2, 1, 0])])
def test_numpy_fills_pixels_then_rows(noise, order):
    legacy = np.random.RandomState(0).normal(0, 25 / 255, (4, 5, 3))
    numbers = 25 / 255 * stream(noise)((1, 3, 4, 5))[0, order]
    assert numbers.permute(1, 2, 0).numpy() == pytest.approx(legacy, rel=1e-12)


@pytest.mark.parametrize("noise", ["matlab_v4", "numpy_0", "free"])
def test_a_stream_goes_on_where_it_stopped(noise):
    normal = stream(noise)
    one, two = normal((1, 1, 4, 3)), normal((1, 1, 4, 3))
    assert not torch.equal(one, two)
    if noise != "free":
        both = stream(noise)((2, 1, 4, 3))
        assert torch.equal(torch.cat([one, two]), both)
    assert torch.equal(stream(noise)((1, 1, 4, 3)), one) == (noise != "free")


def test_an_unknown_stream():
    with pytest.raises(ValueError, match="noise is one of matlab_v4, numpy_0, numpy_0_bgr, ours, free, and it is 'np'"):
        normal_stream("np", torch.Generator())


# -- in a protocol ----------------------------------------------------------------------------------


def levels() -> torch.Tensor:
    return torch.randint(0, 256, (1, 1, 40, 36), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.mark.parametrize("noise", ["matlab_v4", "numpy_0"])
def test_a_published_stream_begins_anew_with_every_image(noise):
    rules = protocol("dncnn", f"protocols.dncnn.noise={noise}")
    one, two = (rules.pair(levels(), SIGMA25, name) for name in ("01", "02"))
    assert torch.equal(one.degraded, two.degraded)
    expected = levels().double() / 255 + 25 / 255 * stream(noise)((1, 1, 40, 36))
    torch.testing.assert_close(one.degraded, expected.float(), atol=2e-7, rtol=0)
    assert one.degraded.dtype == one.conditions["sigma"].dtype == torch.float32


def test_free_noise_is_another_each_time_and_says_so():
    rules = protocol("red", "protocols.red.noise=free")
    one, two = (rules.pair(levels(), SIGMA25, "01").degraded for _ in range(2))
    assert not torch.equal(one, two)
    assert "noise of no seed, not reproducible" in rules.describe("noise")


def test_each_stream_stands_in_the_description():
    said = {noise: protocol("red", f"protocols.red.noise={noise}").describe("noise") for noise in FIRST}
    assert "MATLAB's randn('seed',0)" in said["matlab_v4"]
    assert "NumPy's np.random.seed(0), ×8" in said["numpy_0"]
    assert "blue, green, red" in said["numpy_0_bgr"]
    assert "noise seed 1" in said["ours"]


def test_networks_and_baselines_see_the_same_pair():
    image = WholeImage("photographs", "x", 0, levels())
    seen = {
        score_image(method, image, protocol("dncnn"), SIGMA25, metrics("psnr")).scores[0].fingerprint
        for method in (Identity(), Baseline("non_local_means"), Baseline("wavelet"))
    }
    assert len(seen) == 1


def test_validation_keeps_our_noise():
    """Also where a family has the published stream of its own."""
    rules = protocol("dncnn", "+protocols.dncnn.families.noise.noise=numpy_0")
    assert rules.of("noise").noise == "numpy_0"
    for kept in (rules.for_validation(), protocol("dncnn").for_validation()):
        ours = protocol("dncnn", "protocols.dncnn.noise=ours").pair(levels(), SIGMA25, "01")
        assert torch.equal(kept.pair(levels(), SIGMA25, "01").degraded, ours.degraded)


# PSNR of the first image of Set12; its noise differs by 0.02 dB, and by 0.13 dB on the fifth
CAMERAMAN = {"matlab_v4": 30.184, "numpy_0": 30.208}


@pytest.mark.parametrize("noise", CAMERAMAN)
def test_the_authors_weights_on_one_image(noise, data_root, weights_root):
    network = load_weights(DnCNN(), weights_root / "DnCNN_S_sigma25.mat", "dncnn_s").eval()
    listing = datasets.find("set12", data_root, 1, training=False)
    images = datasets.read(listing, 1, luma="as in file")
    image = WholeImage("set12", images.names[0], 0, images.images[0][None])
    rules = protocol("dncnn", f"protocols.dncnn.noise={noise}")
    (score,) = score_image(network, image, rules, SIGMA25, metrics("psnr")).scores
    assert score.value == pytest.approx(CAMERAMAN[noise], abs=6e-4)

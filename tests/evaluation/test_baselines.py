"""Baseline methods: each improves what it is for, and is refused elsewhere."""

import importlib.util
from dataclasses import replace

import pytest
import torch

from conftest import metrics, protocol
from restore.data import datasets
from restore.data.datasets import WholeImage
from restore.degradations.albumentations_transform import AlbumentationsTransforms
from restore.degradations.base import as_degradation
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.blur import Blur
from restore.degradations.noise import GaussianNoise
from restore.degradations.overlay import Text
from restore.degradations.sensor import PoissonGaussian
from restore.errors import RequestError
from restore.evaluation.baselines import BASELINES, Baseline
from restore.evaluation.protocol import Setting
from restore.evaluation.score import score_image

NOISE = Setting("sigma=25", 25, GaussianNoise(25))
BLUR = Setting("kernel=gaussian", "gaussian", Blur("gaussian"), "blur", 3)
TEXT = Setting("text font=10", 10, Text(10), "overlay", 3)
SENSOR = Setting("gain=4 read=5", 4, PoissonGaussian(4, 5))
SR = Setting("scale=2", 2, BicubicDownUp(2), "sr", luma="y")
SALT = Setting("salt", "salt", AlbumentationsTransforms([{"name": "SaltAndPepper", "amount": [0.1, 0.1]}]), "custom")
# what each must gain over its input in dB: what it does here, less half a decibel or so
GAINS = {"non_local_means": 7, "total_variation": 7, "wavelet": 5.5, "bilateral": 6.5, "bm3d": 8}
GAINS |= {"wiener": 3, "richardson_lucy": 2.5, "biharmonic": 6, "bicubic": 0, "median": 10}
GAINS |= {"anscombe_non_local_means": 6, "anscombe_bm3d": 7}
OF_CONDITION = {"sigma": NOISE, "gain": SENSOR, "kernel": BLUR, "mask": TEXT, "scale": SR, None: SALT}


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    return datasets.read(datasets.find("photographs", None, 3, training=False), 3).images[0][:, 100:228, 100:240]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", BASELINES)
def test_every_method_improves_what_it_is_for(name, channels, photograph):
    if name.endswith("bm3d") and importlib.util.find_spec("bm3d") is None:
        pytest.skip("bm3d, an optional extra, is not installed")
    baseline = Baseline(name)
    setting = replace(OF_CONDITION[next(iter(baseline.conditions), None)], channels=channels)
    image = WholeImage("photographs", "astronaut", 0, photograph[None])
    restoration = score_image(baseline, image, protocol("dncnn"), setting, metrics("psnr"))
    assert restoration.restored.shape == restoration.pair.clean.shape
    assert restoration.restored.dtype == torch.float32
    (score,) = restoration.scores
    assert score.value >= score.value_input + GAINS[name], (score.value_input, score.value)


def test_what_is_not_drawn_over_is_left_as_it_is(photograph):
    image = WholeImage("photographs", "astronaut", 0, photograph[None])
    restoration = score_image(Baseline("biharmonic"), image, protocol("dncnn"), TEXT, metrics("psnr"))
    pair = restoration.pair
    kept = (pair.degraded == pair.clean).all(dim=1, keepdim=True).expand_as(pair.clean)
    assert (restoration.restored - pair.clean)[kept].abs().max() < 0.6 / 255
    assert 0.02 < 1 - kept.float().mean() < 0.6


def test_what_it_is_told_turns_with_the_image(photograph):
    """Under the self-ensemble a deconvolution gets each version's own kernel: it must not be worse for it."""
    setting = Setting("kernel=motion", "motion", Blur("motion", length=9, angle=30), "blur", 1)
    image = WholeImage("photographs", "astronaut", 0, photograph[None])
    once, ensembled = (
        score_image(Baseline("richardson_lucy"), image, protocol(name), setting, metrics("psnr")).scores[0]
        for name in ("dncnn", "red")
    )
    assert ensembled.protocol == "red", "all eight: it is told the kernel"
    assert ensembled.value > once.value - 0.1


def test_a_kernel_for_each_image(photograph):
    setting = Setting("kernel=motion", "motion", Blur("motion", length=[5, 15], angle=[0, 180]), "blur", 1)
    image = WholeImage("photographs", "astronaut", 0, photograph[None])
    (score,) = score_image(Baseline("richardson_lucy"), image, protocol("dncnn"), setting, metrics("psnr")).scores
    assert score.value > score.value_input + 1


def test_stabilised_it_is_better_than_told_one_sigma(photograph):
    """Of the noise of photons, whose sigma is the root of its mean variance."""

    def told_one(degraded: torch.Tensor) -> torch.Tensor:
        return Baseline("non_local_means")(degraded, sigma=(degraded.mean() * 8 / 255).sqrt().view(1))

    image, setting = (
        WholeImage("photographs", "astronaut", 0, photograph[None]),
        Setting("gain=8", 8, PoissonGaussian(8, 0)),
    )
    stabilised, plain = (
        score_image(method, image, protocol("dncnn"), setting, metrics("psnr")).scores[0].value
        for method in (Baseline("anscombe_non_local_means"), told_one)
    )
    assert stabilised > plain + 0.3


def test_of_noise_that_varies_it_is_told_the_mean_variance(photograph):
    image = WholeImage("photographs", "astronaut", 0, photograph[None])
    setting = Setting("sigma=50 map=ramp", 50, GaussianNoise(50, "ramp"))
    (score,) = score_image(Baseline("total_variation"), image, protocol("dncnn"), setting, metrics("psnr")).scores
    assert score.value > score.value_input + 2


def test_refusals():
    with pytest.raises(RequestError, match="did you mean 'non_local_means'"):
        Baseline("nonlocal_means")
    with pytest.raises(RequestError, match="wiener is not for sigma=25; for it there is non_local_means"):
        Baseline("wiener").check(NOISE.degradation, NOISE.name)
    with pytest.raises(RequestError, match="wavelet is not for blurred; for it there is wiener, richardson_lucy"):
        Baseline("wavelet").check(Blur("disk", noise=2), "blurred")
    with pytest.raises(RequestError, match="wavelet is not for custom; for it there is median"):
        Baseline("wavelet").check(as_degradation(lambda image, generator: image), "custom")

"""Baseline methods: each improves what it is for, and is refused elsewhere."""

import importlib.util

import pytest
import torch

from conftest import protocol
from restore.data import datasets
from restore.data.datamodule import WholeImage
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.blur import Blur
from restore.degradations.noise import GaussianNoise
from restore.degradations.overlay import Text
from restore.errors import RequestError
from restore.evaluation.baselines import BASELINES, Baseline
from restore.evaluation.protocol import Setting
from restore.evaluation.score import score_image

NOISE = Setting("sigma=25", 25, GaussianNoise(25))
BLUR = Setting("kernel=gaussian", "gaussian", Blur("gaussian"), "blur", 3)
TEXT = Setting("text font=10", 10, Text(10), "overlay", 3)
SR = Setting("scale=2", 2, BicubicDownUp(2), "sr", luma="y")
# what each must gain over its input in dB: what it does here, less half a decibel or so
GAINS = {"non_local_means": 7, "total_variation": 7, "wavelet": 5.5, "bilateral": 6.5, "bm3d": 8}
GAINS |= {"wiener": 3, "richardson_lucy": 2.5, "biharmonic": 6, "bicubic": 0}
OF_FAMILY = {"noise": NOISE, "blur": BLUR, "overlay": TEXT, "sr": SR}


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    return datasets.read(datasets.find("photographs", None, 3, training=False), 3).images[0][:, 100:228, 100:240]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", BASELINES)
def test_every_method_improves_what_it_is_for(name, channels, photograph):
    if name == "bm3d" and importlib.util.find_spec("bm3d") is None:
        pytest.skip("bm3d, an optional extra, is not installed")
    setting = OF_FAMILY[BASELINES[name].family]
    setting = Setting(setting.name, setting.strength, setting.degradation, setting.family, channels, setting.luma)
    image = WholeImage("photographs", "astronaut", 0, photograph[None])
    _, restored, clean, score = score_image(Baseline(name, setting), image, protocol("dncnn"), setting)
    assert restored.shape == clean.shape
    assert restored.dtype == torch.float32
    assert score.psnr >= score.psnr_input + GAINS[name], (score.psnr_input, score.psnr)


def test_what_is_not_drawn_over_is_left_as_it_is(photograph):
    image = WholeImage("photographs", "astronaut", 0, photograph[None])
    degraded, restored, clean, _ = score_image(Baseline("biharmonic", TEXT), image, protocol("red"), TEXT)
    kept = (degraded == clean).all(dim=1, keepdim=True).expand_as(clean)
    assert torch.equal(restored[kept], clean[kept])
    assert 0.02 < 1 - kept.float().mean() < 0.6


def test_refusals():
    with pytest.raises(RequestError, match="did you mean 'non_local_means'"):
        Baseline("nonlocal_means", NOISE)
    with pytest.raises(RequestError, match="wiener is not for sigma=25; for it there is non_local_means"):
        Baseline("wiener", NOISE)
    motion = Blur("motion", length=[5, 15])
    with pytest.raises(RequestError, match="one known kernel"):
        Baseline("wiener", Setting("kernel=motion", "motion", motion, "blur", 3))

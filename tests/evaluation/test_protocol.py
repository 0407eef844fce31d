import copy

import pytest
import torch

from conftest import exact, protocol
from restore.colour import rgb_to_y
from restore.conditions import Pair
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.blur import Blur
from restore.degradations.jpeg import JPEG
from restore.degradations.noise import GaussianNoise
from restore.degradations.overlay import Text
from restore.degradations.real import RealPairs
from restore.evaluation.metrics import psnr
from restore.evaluation.protocol import Protocol, Setting
from restore.image import quantise, to_levels, to_unit
from restore.resize import imresize, imresize_uint8

SIGMA25 = Setting("sigma=25", 25, GaussianNoise(25))


def levels(channels: int = 1, height: int = 17, width: int = 14) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (1, channels, height, width), generator=generator, dtype=torch.uint8)


def degraded_of(name: str, image: torch.Tensor, setting: Setting, *words: str) -> torch.Tensor:
    return protocol(name, *words).pair(image, setting, "01").degraded


def test_every_device_and_model_sees_the_same_image():
    torch.manual_seed(1)
    one = protocol("dncnn", "protocols.dncnn.noise=ours").pair(levels(), SIGMA25, "01")
    torch.manual_seed(2)
    two = protocol("red").pair(levels(), SIGMA25, "01")
    assert torch.equal(one.degraded, two.degraded)
    assert torch.equal(one.clean, to_unit(levels()))
    assert one.conditions["sigma"].tolist() == pytest.approx([25 / 255])
    assert not torch.equal(one.degraded, protocol("red").pair(levels(), SIGMA25, "02").degraded)
    other = Setting("sigma=30", 25, GaussianNoise(25))
    assert not torch.equal(one.degraded, degraded_of("red", levels(), other))


def test_noise_is_neither_clipped_nor_rounded_unless_asked():
    degraded = degraded_of("dncnn", levels(), SIGMA25)
    assert degraded.max() > 1
    rounded = degraded_of("dncnn", levels(), SIGMA25, "protocols.dncnn.quantise_degraded=true")
    assert torch.equal(rounded, quantise(degraded))


def test_every_switch_does_what_it_says():
    image, noise = levels(3, 24, 20), Setting("sigma=50", 50, GaussianNoise(50))

    def pair(*words: str):
        return protocol("dncnn", *words).pair(image, noise, "x")

    base = pair()
    assert torch.equal(pair("protocols.dncnn.clip_degraded=true").degraded, base.degraded.clamp(0, 1))
    limited = pair("protocols.dncnn.limit_degraded=true").degraded
    torch.testing.assert_close(limited * 255, (base.degraded * 255).clamp(16, 235))
    ours = pair("protocols.dncnn.noise=ours")
    assert not torch.equal(ours.degraded, base.degraded)
    assert not torch.equal(pair("protocols.dncnn.noise=ours", "protocols.dncnn.seed=2").degraded, ours.degraded)
    assert pair("protocols.dncnn.resize=16").degraded.shape == (1, 1, 16, 16)
    luma = pair("protocols.dncnn.luma=y").clean
    assert torch.equal(to_levels(luma), to_levels(rgb_to_y(to_unit(image))))
    assert not torch.equal(luma, base.clean)


def test_dncnn_rounds_the_output_and_red_does_not():
    pair = Pair(to_unit(levels()) + 0.301, to_unit(levels()))
    assert torch.equal(protocol("dncnn").restore(lambda x: x, pair, SIGMA25), quantise(pair.degraded))
    torch.testing.assert_close(protocol("red").restore(lambda x: x, pair, SIGMA25), pair.degraded)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_super_resolution_of_the_two_papers(scale):
    setting = Setting(f"scale={scale}", scale, BicubicDownUp(scale), "sr", 1, "y")
    image = levels(3, 26, 31)
    height, width = 26 // scale * scale, 31 // scale * scale
    cropped = to_unit(image[..., :height, :width])
    size = height // scale, width // scale
    pair = protocol("dncnn").pair(image, setting, "x")
    low = to_unit(imresize_uint8(image[..., :height, :width], *size).double())
    torch.testing.assert_close(pair.degraded, rgb_to_y(imresize(low, height, width)).float(), atol=1e-6, rtol=0)
    torch.testing.assert_close(pair.clean, rgb_to_y(cropped))
    pair = protocol("dncnn", "protocols.dncnn.resampler=matlab").pair(image, setting, "x")
    low = quantise(imresize(cropped.double(), *size)).double()
    torch.testing.assert_close(pair.degraded, rgb_to_y(imresize(low, height, width)).float(), atol=1e-6, rtol=0)
    pair = protocol("red").pair(image, setting, "x")
    luma = to_levels(rgb_to_y(cropped))
    assert torch.equal(to_levels(pair.clean), luma)
    low = imresize(to_unit(luma).double(), *size)
    torch.testing.assert_close(pair.degraded, imresize(low, height, width).float(), atol=1e-6, rtol=0)
    # float output and a border of `scale` in the one, neither in the other
    wrong = pair.clean.clone()
    wrong[..., 0, :] += 0.3
    compared = [protocol("dncnn").compared(each, setting) for each in (wrong, pair.clean)]
    assert psnr(*compared).item() == float("inf")
    assert compared[0].shape[-2:] == (height - 2 * scale, width - 2 * scale)
    assert protocol("red").compared(wrong, setting).shape == wrong.shape
    assert torch.equal(protocol("dncnn").restore(lambda x: x, Pair(wrong, wrong), setting), wrong)


@pytest.mark.parametrize("name", ["srcnn", "vdsr"])
def test_super_resolution_of_the_papers_before(name):
    """Of the 8-bit luma, the low-resolution image in float; output in 8 bits; of vdsr the input limited."""
    setting = Setting("scale=3", 3, BicubicDownUp(3), "sr", 1, "y")
    image = levels(3, 26, 31)
    pair = protocol(name).pair(image, setting, "x")
    luma = to_unit(to_levels(rgb_to_y(to_unit(image[..., :24, :30])))).double()
    enlarged = imresize(imresize(luma, 8, 10), 24, 30).float()
    expected = enlarged.clamp(16 / 255, 235 / 255) if name == "vdsr" else enlarged
    torch.testing.assert_close(pair.degraded, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(pair.clean, luma.float())
    assert torch.equal(protocol(name).restore(lambda x: x, pair, setting), quantise(pair.degraded))
    assert protocol(name).compared(pair.clean, setting).shape[-2:] == (18, 24)
    gray = protocol(name).pair(image[:, :1], setting, "x").clean
    assert torch.equal(to_levels(gray), image[:, :1, :24, :30]), "a gray file stays as it is"
    bright = protocol(name).pair(torch.full((1, 1, 9, 9), 255, dtype=torch.uint8), setting, "x").degraded
    torch.testing.assert_close(bright * 255, torch.full_like(bright, 235.0 if name == "vdsr" else 255.0))
    noisy = [protocol(each).pair(image, SIGMA25, "x").degraded for each in (name, "red")]
    assert torch.equal(*noisy), "noise is left as it is"


def test_jpeg_is_of_the_eight_bit_luma():
    setting = Setting("quality=10", 10, JPEG(10), "jpeg", 1, "y")
    pair = protocol("dncnn").pair(levels(3), setting, "x")
    luma = to_levels(rgb_to_y(to_unit(levels(3))))
    assert torch.equal(to_levels(pair.clean), luma)
    assert torch.equal(pair.degraded, exact(JPEG(10), to_unit(luma)))


def test_gopro_study_resizes_both_halves_of_a_pair():
    setting = Setting("motion blur", "motion blur", RealPairs(), "pairs", 3)
    sharp, blurred = levels(3, 40, 60), levels(3, 40, 60).flip(3)
    pair = protocol("gopro_study").pair(sharp, setting, "x", blurred)
    assert pair.degraded.shape == pair.clean.shape == (1, 3, 256, 256)
    pair = protocol("dncnn").pair(sharp, setting, "x", blurred)
    assert torch.equal(pair.degraded, to_unit(blurred))
    assert torch.equal(pair.clean, to_unit(sharp))


TURNS = {
    "noise": (SIGMA25, 8),
    "text": (Setting("text font=10", 10, Text(10), "overlay", 3), 1),
    "motion": (Setting("kernel=motion", "motion", Blur("motion", length=9, angle=30), "blur"), 2),
}


@pytest.mark.parametrize("name", TURNS)
def test_the_ensemble_turns_an_image_only_as_its_degradation_allows(name):
    """And a row says how often, where that is not eight times."""
    setting, count = TURNS[name]
    asked = []

    def spy(images: torch.Tensor) -> torch.Tensor:
        asked.extend(images)
        return images

    red = protocol("red")
    pair = red.pair(levels(setting.channels, 24, 20), setting, "x")
    torch.testing.assert_close(red.restore(spy, pair, setting), pair.degraded)
    assert len(asked) == count
    assert red.recorded_name(spy, setting) == ("red" if count == 8 else f"red×{count}")
    assert protocol("dncnn").recorded_name(spy, setting) == "dncnn"


def test_protocols_are_frozen():
    dncnn = protocol("dncnn")
    with pytest.raises(AttributeError):
        dncnn.border = 3
    with pytest.raises(TypeError):
        dncnn.families["sr"]["border"] = 0
    assert copy.deepcopy(dncnn) is dncnn


def test_what_a_name_stands_for():
    assert protocol("red").for_validation().ensemble is False
    assert "single pass" in Protocol("x", families={"sr": {"ensemble": True}}).for_validation().describe("sr")
    assert "self-ensemble" in protocol("red").describe("noise")
    assert "border = scale" in protocol("dncnn").describe("sr")
    assert "image in 8 bits, rounded after each pass" in protocol("dncnn").describe("sr")
    assert "image in 8 bits, luma" in protocol("dncnn", "protocols.dncnn.resampler=matlab").describe("sr")
    assert "degraded image limited to 16..235" in protocol("vdsr").describe("sr")
    assert "limited" not in protocol("vdsr").describe("noise") + protocol("srcnn").describe("sr")
    assert "SSIM is ssim_reflect" in Protocol("x", ssim="ssim_reflect").describe("noise")

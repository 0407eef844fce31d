from types import MappingProxyType

import pytest
import torch

from conftest import protocol
from restore.colour import rgb_to_y
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.jpeg import JPEG
from restore.degradations.noise import GaussianNoise
from restore.degradations.real import RealPairs
from restore.evaluation.protocol import Setting, plain
from restore.evaluation.self_ensemble import self_ensemble
from restore.image import quantise, to_levels, to_unit
from restore.resize import imresize

SIGMA25 = Setting("sigma=25", 25, GaussianNoise(25))


def levels(channels: int = 1, height: int = 17, width: int = 14) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (1, channels, height, width), generator=generator, dtype=torch.uint8)


def test_every_device_and_model_sees_the_same_image():
    torch.manual_seed(1)
    one, clean = protocol("dncnn").pair(levels(), SIGMA25, "01")
    torch.manual_seed(2)
    two, _ = protocol("red").pair(levels(), SIGMA25, "01")
    assert torch.equal(one, two)
    assert torch.equal(clean, to_unit(levels()))
    assert not torch.equal(one, protocol("red").pair(levels(), SIGMA25, "02")[0])
    other = Setting("sigma=30", 25, GaussianNoise(25))
    assert not torch.equal(one, protocol("red").pair(levels(), other, "01")[0])


def test_noise_is_neither_clipped_nor_rounded_unless_asked():
    degraded, _ = protocol("dncnn").pair(levels(), SIGMA25, "01")
    assert degraded.max() > 1
    rounded, _ = protocol("dncnn", quantise_degraded=True).pair(levels(), SIGMA25, "01")
    assert torch.equal(rounded, quantise(degraded))


def test_every_switch_does_what_it_says():
    image, noise = levels(3, 24, 20), Setting("sigma=50", 50, GaussianNoise(50))
    base, clean = protocol("dncnn").pair(image, noise, "x")
    clipped, _ = protocol("dncnn", clip_degraded=True).pair(image, noise, "x")
    assert torch.equal(clipped, base.clamp(0, 1))
    assert not torch.equal(protocol("dncnn", seed=2).pair(image, noise, "x")[0], base)
    assert protocol("dncnn", resize=16).pair(image, noise, "x")[0].shape == (1, 1, 16, 16)
    luma = protocol("dncnn", luma="y").pair(image, noise, "x")[1]
    assert torch.equal(to_levels(luma), to_levels(rgb_to_y(to_unit(image))))
    assert not torch.equal(luma, clean)
    wang, other = (protocol("dncnn", ssim=name).score(clipped, clean, noise)[1] for name in ("ssim", "ssim_reflect"))
    assert 1e-4 < abs(wang - other) < 0.1


def test_dncnn_rounds_the_output_and_red_does_not():
    degraded = to_unit(levels()) + 0.301
    assert torch.equal(protocol("dncnn").restore(lambda x: x, degraded, SIGMA25), quantise(degraded))
    torch.testing.assert_close(protocol("red").restore(lambda x: x, degraded, SIGMA25), degraded)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_super_resolution_of_the_two_papers(scale):
    setting = Setting(f"scale={scale}", scale, BicubicDownUp(scale), "sr", 1, "y")
    image = levels(3, 26, 31)
    height, width = 26 // scale * scale, 31 // scale * scale
    cropped = to_unit(image[..., :height, :width])
    size = height // scale, width // scale
    degraded, clean = protocol("dncnn").pair(image, setting, "x")
    low = quantise(imresize(cropped.double(), *size)).double()
    torch.testing.assert_close(degraded, rgb_to_y(imresize(low, height, width)).float(), atol=1e-6, rtol=0)
    torch.testing.assert_close(clean, rgb_to_y(cropped))
    degraded, clean = protocol("red").pair(image, setting, "x")
    luma = to_levels(rgb_to_y(cropped))
    assert torch.equal(to_levels(clean), luma)
    low = imresize(to_unit(luma).double(), *size)
    torch.testing.assert_close(degraded, imresize(low, height, width).float(), atol=1e-6, rtol=0)
    # float output and a border of `scale` in the one, neither in the other
    wrong = clean.clone()
    wrong[..., 0, :] += 0.3
    assert protocol("dncnn").score(
        torch.nn.functional.pad(wrong, (0, 40, 0, 40)), torch.nn.functional.pad(clean, (0, 40, 0, 40)), setting
    )[0] == float("inf")
    assert torch.equal(protocol("dncnn").restore(lambda x: x, wrong, setting), wrong)


def test_jpeg_is_of_the_eight_bit_luma():
    setting = Setting("quality=10", 10, JPEG(10), "jpeg", 1, "y")
    degraded, clean = protocol("dncnn").pair(levels(3), setting, "x")
    luma = to_levels(rgb_to_y(to_unit(levels(3))))
    assert torch.equal(to_levels(clean), luma)
    assert torch.equal(degraded, JPEG(10).exact(to_unit(luma), torch.Generator()))


def test_gopro_study_resizes_both_halves_of_a_pair():
    setting = Setting("motion blur", "motion blur", RealPairs(), "pairs", 3)
    sharp, blurred = levels(3, 40, 60), levels(3, 40, 60).flip(3)
    degraded, clean = protocol("gopro_study").pair(sharp, setting, "x", blurred)
    assert degraded.shape == clean.shape == (1, 3, 256, 256)
    degraded, clean = protocol("dncnn").pair(sharp, setting, "x", blurred)
    assert torch.equal(degraded, to_unit(blurred))
    assert torch.equal(clean, to_unit(sharp))


def test_self_ensemble_asks_for_eight_versions_and_turns_them_back():
    asked = []

    def spy(images: torch.Tensor) -> torch.Tensor:
        asked.extend(images)
        return images

    clean = to_unit(levels())
    torch.testing.assert_close(self_ensemble(spy, clean), clean)
    assert len({tuple(image.flatten().tolist()) + tuple(image.shape) for image in asked}) == 8


def test_self_ensemble_is_equivariant():
    """Whatever the network, turning the input turns the ensembled output."""
    kernel = torch.rand(1, 1, 3, 3, generator=torch.Generator().manual_seed(4))
    clean = to_unit(levels())

    def network(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(x, kernel, padding=1)

    turned = self_ensemble(network, torch.rot90(clean, 1, (2, 3)))
    torch.testing.assert_close(turned, torch.rot90(self_ensemble(network, clean), 1, (2, 3)))


def test_protocols_are_frozen():
    with pytest.raises(AttributeError):
        protocol("red").border = 3
    assert isinstance(protocol("dncnn").families, MappingProxyType)
    with pytest.raises(TypeError):
        protocol("dncnn").families["sr"]["border"] = 0


def test_what_a_name_stands_for():
    assert plain(protocol("red")).ensemble is False
    assert "×8 self-ensemble" in protocol("red").describe("noise")
    assert "border = scale" in protocol("dncnn").describe("sr")

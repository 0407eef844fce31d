"""Degradations in a row: the same as one after the other by hand, at the right resolution, told what is known."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import exact, photograph
from restore.conditions import ORIENTATIONS
from restore.config.build import build_degradation, build_settings
from restore.config.compose import compose
from restore.config.resolvers import to_plain
from restore.degradations.base import TestStream
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.blur import Blur
from restore.degradations.chain import Chain, SubSample
from restore.degradations.jpeg import JPEG
from restore.degradations.mix import Mix
from restore.degradations.noise import GaussianNoise
from restore.degradations.overlay import Text
from restore.evaluation.baselines import Baseline
from restore.image import to_unit
from restore.resize import imresize


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 1, channels: int = 1, height: int = 41, width: int = 38) -> torch.Tensor:
    planes = [torch.from_numpy(photograph(height, width, 3, seed)).permute(2, 0, 1)[:channels] for seed in range(count)]
    return to_unit(torch.stack(planes))


def test_a_chain_of_one_resolution_is_its_steps_one_after_the_other():
    clean, generator = images(3, 3), seeded()
    blur, noise, jpeg = Blur("disk", radius=2), GaussianNoise([5, 25]), JPEG([10, 90])
    pair = Chain([blur, noise, jpeg])(clean, seeded())
    drawn = [step.draw(3, generator) for step in (blur, noise, jpeg)]
    expected = clean
    for step, strengths in zip((blur, noise, jpeg), drawn, strict=True):
        expected = step.apply(expected, strengths, generator).degraded
    assert torch.equal(pair.degraded, expected)
    assert torch.equal(pair.conditions["quality"], drawn[2]["quality"])
    assert set(pair.conditions) == {"kernel", "quality"}, "of two steps with a sigma neither is told"


def test_sub_sampling_alone_is_that_of_super_resolution():
    clean = images(2, 3)
    for scale in (2, 3, 4):
        strengths = {"scale": torch.full((2,), float(scale))}
        one = BicubicDownUp(scale).apply(clean, strengths, seeded()).degraded
        torch.testing.assert_close(SubSample(scale).apply(clean, strengths, seeded()).degraded, one, atol=1e-6, rtol=0)
        for switches in ({}, {"quantise_low": True}, {"quantise_low": True, "resampler": "matlab_uint8"}):
            for other in (SubSample(scale), Chain([SubSample(scale)])):
                torch.testing.assert_close(
                    exact(other, clean, **switches), exact(BicubicDownUp(scale), clean, **switches), atol=1e-6, rtol=0
                )


def test_area_is_the_mean_of_the_pixels_there_are():
    clean = images(1, 1, 5, 7)
    low = SubSample(3, "area").shrink(clean, 3)
    assert low.shape == (1, 1, 2, 3)
    assert low[0, 0, 0, 0].item() == pytest.approx(clean[..., :3, :3].mean().item())
    assert low[0, 0, 1, 2].item() == pytest.approx(clean[..., 3:, 6:].mean().item())
    rounded = exact(SubSample(3, "area"), clean, quantise_low=True)
    expected = imresize((low * 255).round() / 255, 6, 9, (3, 3))[..., :5, :7]
    torch.testing.assert_close(rounded, expected, atol=1e-6, rtol=0)


def test_what_follows_happens_at_the_low_resolution():
    """The test pair of real-world super-resolution, by Pillow alone: shrunk, saved, opened, enlarged."""
    clean = images(1, 3)
    file = io.BytesIO()
    low = imresize(clean.double(), 21, 19, (0.5, 0.5))
    levels = (low[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    Image.fromarray(levels.numpy()).save(file, "JPEG", quality=30, subsampling=2)
    opened = to_unit(torch.from_numpy(np.array(Image.open(file)))).permute(2, 0, 1)[None]
    expected = imresize(opened, 42, 38, (2, 2))[..., :41, :38]
    torch.testing.assert_close(exact(Chain([SubSample(2), JPEG(30)]), clean), expected, atol=1e-5, rtol=0)
    trained = Chain([SubSample(2), JPEG(30)])(clean, seeded()).degraded
    assert (trained - expected).abs().mean() < 1 / 255
    assert (Chain([JPEG(30), SubSample(2)])(clean, seeded()).degraded - expected).abs().mean() > 1 / 255


def test_two_sub_samplings_are_enlarged_together():
    clean = images(1, 1, 40, 37)
    low = imresize(imresize(clean, 20, 19, (0.5, 0.5)), 7, 7, (1 / 3, 1 / 3))
    expected = imresize(low, 42, 42, (6, 6))[..., :40, :37]
    pair = Chain([SubSample(2), SubSample(3)])(clean, seeded())
    torch.testing.assert_close(pair.degraded, expected, atol=1e-5, rtol=0)
    assert pair.conditions == {}, "two scales: neither is told"


def test_samples_of_a_batch_keep_their_own_scales():
    """Each as it comes out alone with its strengths, though they are processed in groups."""
    clean = images(6)
    chain = Chain([SubSample({"set": [2, 3, 4]}), JPEG([10, 90])])
    strengths = chain.draw(6, seeded(1))
    pair = chain.apply(clean, strengths, seeded(2))
    assert len(set(strengths["0.scale"].tolist())) > 1
    for i in range(6):
        own = {name: values[i : i + 1] for name, values in strengths.items()}
        assert torch.equal(chain.apply(clean[i : i + 1], own, seeded(9)).degraded, pair.degraded[i : i + 1])
        assert pair.conditions["scale"][i] == strengths["0.scale"][i]
        assert pair.conditions["quality"][i] == strengths["1.quality"][i]
    exactly = chain.exact(clean, strengths, TestStream.seeded(0)).degraded
    own = {name: values[5:] for name, values in strengths.items()}
    assert torch.equal(chain.exact(clean[5:], own, TestStream.seeded(1)).degraded, exactly[5:])


def test_maps_of_the_low_resolution_are_enlarged():
    clean = images(2, 3, 45, 32)
    pair = Chain([SubSample({"set": [2, 3]}), Text(10)])(clean, seeded())
    assert tuple(pair.conditions) == ("scale", "mask")
    mask, scale = pair.conditions["mask"], pair.conditions["scale"].int().tolist()
    assert mask.shape == (2, 1, 45, 32)
    for each, factor in zip(mask, scale, strict=True):
        corner = each[:, ::factor, ::factor].repeat_interleave(factor, 1).repeat_interleave(factor, 2)
        assert torch.equal(corner[:, :45, :32], each)


def test_margins_and_grids_add_up():
    def reach(*steps) -> tuple[int, int]:
        chain = Chain(steps)
        return chain.margin, chain.grid

    blur, noise = Blur("disk", radius=3), GaussianNoise(5)
    assert reach(noise) == (0, 0)
    assert reach(blur, blur) == (2 * blur.margin, 0)
    assert reach(SubSample(3)) == (6 + 6, 3) == (SubSample(3).margin, SubSample(3).grid)
    assert reach(SubSample(3, "area"), noise) == (3 + 6, 3)
    assert reach(SubSample([2, 4])) == (8 + 8, 12)
    assert reach(SubSample(2), blur) == (4 + 2 * blur.margin + 4, 2), "a pixel of the low resolution is two"
    block = Mix([noise])
    block.margin, block.grid = 8, 8
    assert reach(block, SubSample(3)) == (8 + 6 + 6, 24)
    assert reach(SubSample(3), block) == (6 + 24 + 6, 24)


@pytest.mark.parametrize("chain", [
    lambda: Chain([Blur("disk", radius=1.5), SubSample(2), Blur("disk", radius=1)]),
    lambda: Chain([SubSample(3, "area"), Blur("gaussian", size=5, sigma=1)]),
])  # fmt: skip
def test_a_patch_with_its_margin_is_a_cut_of_the_degraded_image(chain):
    chain = chain()
    image = images(1, 1, 140, 140)
    whole = chain(image, seeded()).degraded
    top = left = 4 * chain.grid
    side, margin = 6 * chain.grid, -(-chain.margin // chain.grid) * chain.grid
    window = image[..., top : top + side + 2 * margin, left : left + side + 2 * margin]
    patch = chain(window.contiguous(), seeded()).degraded[..., margin : margin + side, margin : margin + side]
    expected = whole[..., top + margin : top + margin + side, left + margin : left + margin + side]
    assert (patch - expected).abs().max() < 1.1 / 255, "8 bits after a blur may round either way"


def test_symmetries_where_a_kernel_is_told():
    chain = Chain([Blur("motion", length=9, angle=30), JPEG(10)])
    assert len(chain.symmetries()) == 2
    assert chain.symmetries(["kernel"]) == ORIENTATIONS
    twice = Chain([Blur("motion", length=9, angle=30), Blur("disk", radius=2)])
    assert len(twice.symmetries(["kernel"])) == 2, "it is not told"


def test_bicubic_is_a_baseline_of_chains_that_sub_sample():
    assert Baseline("bicubic").fits(Chain([Blur("disk"), SubSample(2), GaussianNoise(5)]))
    assert not Baseline("bicubic").fits(Chain([GaussianNoise(5), JPEG(10)]))


def test_the_task_names_what_it_does():
    first, second = "{_target_: restore.degradations.noise.GaussianNoise, sigma: [0, 25]}", "quality: {set: [10, 30]}"
    words = [f"task.steps=[{first}, {{_target_: restore.degradations.jpeg.JPEG, {second}}}]"]
    config = compose("config", ["task=chain", "task.channels=3", *words])
    [setting] = build_settings(config.task)
    assert setting.name == "GaussianNoise sigma=0..25, JPEG quality=10/30 4:2:0"
    assert setting.family == "chain"
    assert build_degradation(to_plain(config.task.degradation)).conditions == ("sigma", "quality")
    fixed = [f"task.test_steps=[{first.replace('[0, 25]', '15')}]"]
    [setting] = build_settings(compose("config", ["task=chain", *fixed]).task)
    assert (setting.name, setting.degradation.steps[0].sigma.set) == ("GaussianNoise sigma=15", (15,))


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: Chain([]), "needs at least one step"),
    (lambda: SubSample(9), "scale must be from 1 to 8, and it is 9"),
    (lambda: SubSample(2, "nearest"), "resampler is bicubic or area, and it is 'nearest'"),
])  # fmt: skip
def test_refusals(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()

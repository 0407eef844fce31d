import pytest
import torch
from torch import nn

from conftest import metrics, protocol
from restore.conditions import Pair
from restore.data.datasets import Images, WholeImage
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.blur import Blur
from restore.degradations.chain import Chain, SubSample
from restore.degradations.jpeg import JPEG
from restore.degradations.noise import GaussianNoise
from restore.evaluation.metrics import psnr, ssim, ssim_reflect
from restore.evaluation.protocol import Protocol, Setting
from restore.evaluation.score import (
    Score,
    fingerprint,
    measure,
    restore_pair,
    same_fingerprint,
    score_image,
    score_set,
    sort_scores,
)
from restore.image import quantise

SIGMA25 = Setting("sigma=25", 25, GaussianNoise(25))


@pytest.fixture
def image(generator) -> WholeImage:
    levels = torch.randint(0, 256, (1, 1, 40, 30), generator=generator, dtype=torch.uint8)
    return WholeImage("set", "a", 0, levels)


def test_a_perfect_network_scores_infinity_and_the_input_its_own(image):
    clean = image.levels.float() / 255
    restoration = score_image(lambda x: clean, image, protocol("dncnn"), SIGMA25, metrics())
    assert torch.equal(restoration.restored, clean)
    assert torch.equal(restoration.pair.clean, clean)
    assert (restoration.pair.degraded - clean).std() > 0.08
    by_metric = {score.metric: score for score in restoration.scores}
    assert list(by_metric) == ["psnr", "ssim"]
    assert by_metric["psnr"].value == float("inf")
    assert by_metric["ssim"].value == pytest.approx(1)
    assert 19.5 < by_metric["psnr"].value_input < 21
    assert {(s.protocol, s.dataset, s.setting, s.family, s.image, s.channels) for s in restoration.scores} == {
        ("dncnn", "set", "sigma=25", "noise", "a", 1)
    }


def test_each_restored_image_of_a_set_can_be_kept(image):
    images, kept = Images("set", ["a", "b"], [image.levels[0], image.levels[0].flip(1)]), []
    scores = list(score_set(lambda x: x, images, protocol("dncnn"), SIGMA25, metrics(), keep=kept.append))
    assert [score for restoration in kept for score in restoration.scores] == scores
    assert [restoration.scores[0].image for restoration in kept] == ["a", "b"]
    assert torch.equal(kept[1].restored, quantise(kept[1].pair.degraded))


def test_a_network_is_told_what_it_asks_for(image):
    class Told(nn.Module):
        conditions = ("sigma",)

        def forward(self, degraded, sigma):
            assert (sigma * 255).tolist() == pytest.approx([25] * len(degraded))
            return degraded

    assert score_image(Told(), image, protocol("red"), SIGMA25, metrics()).scores[0].protocol == "red"


def test_float32_inside_a_mixed_precision_trainer(image):
    network = nn.Conv2d(1, 1, 3, padding=1)
    types = []
    network.register_forward_hook(lambda _, __, output: types.append(output.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        score_image(network, image, protocol("dncnn"), SIGMA25, metrics(), "32")
    score_image(network, image, protocol("dncnn"), SIGMA25, metrics(), "bf16-mixed")
    assert types == [torch.float32, torch.bfloat16]


@pytest.mark.parametrize("degradation", [BicubicDownUp(2), Blur("gaussian", size=9), Chain([SubSample(2), JPEG(60)])])
def test_a_pair_is_made_in_float32_inside_a_mixed_precision_trainer(image, degradation):
    setting = Setting("x", "x", degradation)
    alone = restore_pair(nn.Identity(), image, protocol("dncnn"), setting).pair
    with torch.autocast("cpu", torch.bfloat16):
        within = restore_pair(nn.Identity(), image, protocol("dncnn"), setting).pair
    assert torch.equal(within.degraded, alone.degraded)


def test_the_protocol_says_which_metric_stands_for_ssim(generator):
    clean, noisy = torch.rand(2, 1, 1, 40, 40, generator=generator)
    for name, function in (("ssim", ssim), ("ssim_reflect", ssim_reflect)):
        values = measure(noisy, clean, Protocol("x", ssim=name), SIGMA25, metrics())
        assert values["ssim"] == pytest.approx(function(noisy, clean).item())
    assert abs(ssim(noisy, clean).item() - ssim_reflect(noisy, clean).item()) > 1e-4


def test_the_border_is_left_out_of_every_metric(generator):
    clean = torch.rand(1, 1, 40, 40, generator=generator)
    wrong = clean.clone()
    wrong[..., 0] = 0
    assert measure(wrong, clean, Protocol("x", border=1), SIGMA25, metrics())["psnr"] == float("inf")
    inner = psnr(wrong[..., 2:-2, 2:-2] + 0.1, clean[..., 2:-2, 2:-2]).item()
    assert measure(wrong + 0.1, clean, Protocol("x", border=2), SIGMA25, metrics())["psnr"] == pytest.approx(inner)


def test_a_metric_that_is_not_defined_has_no_value(image):
    small = WholeImage("set", "b", 0, image.levels[..., :9, :9])
    assert [s.metric for s in score_image(lambda x: x, small, protocol("dncnn"), SIGMA25, metrics()).scores] == ["psnr"]
    jpeg = Setting("quality=10", 10, JPEG(10), "jpeg", 1, "y")
    for setting, labels in ((SIGMA25, ["psnr"]), (jpeg, ["psnr", "psnrb"])):
        scores = score_image(lambda x: x, image, protocol("dncnn"), setting, metrics("psnr", "psnrb")).scores
        assert [score.metric for score in scores] == labels


def test_order_does_not_depend_on_who_came_first():
    scores = [
        Score("red", d, s, "noise", str(i), i, 1, "", "psnr", 0, 0) for i in (1, 0) for d in ("b", "a") for s in "xy"
    ]
    places = [(s.dataset, s.setting, s.index) for s in sort_scores(scores, ["a", "b"])]
    assert places == [(d, s, i) for d in "ab" for s in "xy" for i in (0, 1)]


def test_fingerprints_tell_pairs_apart_and_survive_the_last_bit(generator):
    clean = torch.rand(1, 3, 41, 37, generator=generator)
    pair = Pair(clean + 0.1 * torch.randn(clean.shape, generator=generator), clean)
    mark = fingerprint(pair)
    assert len(mark.split()) == 5
    nearly = Pair(torch.nextafter(pair.degraded, torch.ones_like(clean)), clean)
    assert same_fingerprint(mark, fingerprint(nearly))
    other = Pair(clean + 0.1 * torch.randn(clean.shape, generator=generator), clean)
    assert not same_fingerprint(mark, fingerprint(other))
    turned = Pair(pair.degraded.flip(3), clean.flip(3))
    assert not same_fingerprint(mark, fingerprint(turned)), "its projections know where a pixel is"
    noise = pair.degraded - clean
    elsewhere = Pair(clean.flip(3) + noise, clean.flip(3))
    assert not same_fingerprint(mark, fingerprint(elsewhere)), "one noise on two images, as published streams have it"


def test_a_fingerprint_is_the_same_on_every_machine():
    """The signs come from a generator whose stream NumPy keeps."""
    ramp = torch.linspace(0, 1, 64).view(1, 1, 8, 8)
    assert same_fingerprint(fingerprint(Pair(ramp, torch.zeros_like(ramp))), FIXED)


FIXED = "+0.500000 +0.293221 -0.107143 +0.037202 +0.006944"

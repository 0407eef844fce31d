"""kornia's transforms: whose random numbers they use, what they do, and what is refused."""

import random
from functools import partial

import kornia.augmentation as augmentation
import numpy as np
import pytest
import torch

from restore.config.build import build_degradation, build_settings
from restore.config.compose import compose
from restore.config.overrides import normalise_overrides
from restore.config.resolvers import to_plain
from restore.degradations.base import TestStream
from restore.degradations.kornia_transform import KorniaTransform
from restore.degradations.mix import Mix
from restore.degradations.noise import GaussianNoise
from restore.errors import RequestError

GAMMA = {"_target_": "kornia.augmentation.RandomGamma", "gamma": [0.5, 2.0]}
PEPPER = {"_target_": "kornia.augmentation.RandomSaltAndPepperNoise", "amount": [0.05, 0.2]}
KINDS = pytest.mark.parametrize("words", [GAMMA, PEPPER], ids=["drawn apart", "drawn as applied"])


def image(count: int = 6, channels: int = 3, height: int = 45, width: int = 38) -> torch.Tensor:
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(5)) * 0.8 + 0.1


def degraded(degradation, seed: int = 0) -> torch.Tensor:
    return degradation(image(), torch.Generator().manual_seed(seed)).degraded


@KINDS
def test_global_generators_are_neither_moved_nor_read(words):
    degradation = KorniaTransform(words)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = torch.get_rng_state(), str(np.random.get_state()), random.getstate()  # noqa: NPY002
    first = degraded(degradation)
    KorniaTransform(words)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (str(np.random.get_state()), random.getstate()) == before[1:]  # noqa: NPY002
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    random.seed(2)
    assert torch.equal(degraded(degradation), first)


class Failing(augmentation.RandomInvert):
    """Draws a number, and fails on images that are not those it was tried on."""

    def apply_transform(self, input, params, flags, transform=None):
        torch.rand(3)
        if input.shape[-1] == 38:
            raise KeyError
        return input


def test_global_generator_is_put_back_after_an_error():
    degradation = KorniaTransform(Failing(p=1.0))
    before = torch.get_rng_state()
    with pytest.raises(KeyError):
        degraded(degradation)
    assert torch.equal(torch.get_rng_state(), before)


@KINDS
def test_generators_differ_and_move_on(words):
    degradation = KorniaTransform(words)
    assert not torch.equal(degraded(degradation, 0), degraded(degradation, 1))
    generator = torch.Generator().manual_seed(0)
    first, second = (degradation(image(), generator).degraded for _ in range(2))
    assert not torch.equal(first, second)


@KINDS
def test_a_step_is_the_same_whatever_went_before(words):
    """A resumed run begins with a new degradation at a later step."""
    undisturbed, resumed = KorniaTransform(words), KorniaTransform(words)
    for step in range(3):
        degraded(undisturbed, step)
    assert torch.equal(degraded(undisturbed, 3), degraded(resumed, 3))


def test_gamma_is_its_formula_with_the_strengths_that_it_reports():
    degradation, clean = KorniaTransform(GAMMA), image()
    strengths = degradation.draw(6, torch.Generator().manual_seed(0))
    gamma = strengths["gamma_factor"]
    assert len(set(gamma.tolist())) == 6
    assert 0.5 <= gamma.min() < gamma.max() <= 2
    pair = degradation.apply(clean, strengths, torch.Generator().manual_seed(1))
    torch.testing.assert_close(pair.degraded, clean ** gamma.view(-1, 1, 1, 1))
    assert torch.equal(pair.conditions["kornia_gamma_factor"], gamma)
    given = {"gamma_factor": torch.full((6,), 3.0), "gain_factor": torch.ones(6)}  # beyond what it draws
    torch.testing.assert_close(degradation.apply(clean, given, torch.Generator()).degraded, clean**3)


def test_share_of_black_and_white_is_what_it_reports():
    degradation = KorniaTransform(PEPPER)
    clean = image(4, 1, 128, 128)
    pair = degradation(clean, torch.Generator().manual_seed(0))
    share = (pair.degraded != clean).float().mean(dim=(1, 2, 3))
    torch.testing.assert_close(share, pair.conditions["kornia_amount_factor"], atol=0.01, rtol=0)
    assert len(set(share.tolist())) == 4
    assert set(pair.degraded[pair.degraded != clean].tolist()) == {0.0, 1.0}


def test_symmetries_are_those_of_the_transform():
    assert len(KorniaTransform(GAMMA).symmetries()) == 8
    assert KorniaTransform(PEPPER).symmetries() == (0,)
    motion = {"_target_": "kornia.augmentation.RandomMotionBlur", "kernel_size": 9, "angle": [0.0, 90.0]}
    assert KorniaTransform(motion | {"direction": 0.0}).symmetries() == (0, 3)  # a half turn leaves a line as it is
    assert KorniaTransform(motion | {"direction": 0.5}).symmetries() == (0,)  # unless one end is heavier


def test_a_network_that_is_told_the_noise_is_not_told_a_blur():
    words = {"_target_": "kornia.augmentation.RandomGaussianBlur", "kernel_size": 5, "sigma": [0.5, 2.0]}
    assert KorniaTransform(words).conditions == ("kornia_sigma",)


def test_in_a_mixture():
    mix = Mix([KorniaTransform(GAMMA, channels=1, margin=3, grid=2), GaussianNoise(25)])
    clean = image(12, 1)
    pair = mix(clean, torch.Generator().manual_seed(0))
    assert mix.margin == 3
    assert len({round(float(difference), 6) for difference in (pair.degraded - clean).abs().mean((1, 2, 3))}) == 12


def test_a_test_pair_is_of_the_stream_alone():
    degradation = KorniaTransform(PEPPER)
    pairs = []
    for _ in range(2):
        stream = TestStream.seeded(4)
        pairs.append(degradation.exact(image(1), degradation.draw(1, stream.generator), stream))
        torch.rand(3)
    assert torch.equal(pairs[0].degraded, pairs[1].degraded)


def test_an_object_as_well_as_words():
    by_object = KorniaTransform(augmentation.RandomGamma((0.5, 2.0)))
    assert torch.equal(degraded(by_object), degraded(KorniaTransform(GAMMA)))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (partial(KorniaTransform, {"_target_": "kornia.augmentation.RandomNone"}), "transform .*RandomNone"),
        (partial(KorniaTransform, {"_target_": "os.system"}), "must be an intensity transform .*, and it is os.system"),
        (partial(KorniaTransform, {"_target_": "kornia.augmentation.RandomAffine"}), "must be an intensity transform"),
        (partial(KorniaTransform, GAMMA | {"gama": 2}), "transform RandomGamma: .*gama"),
        (
            partial(KorniaTransform, GAMMA | {"p": 0.5}),
            "RandomGamma must degrade every sample, p of 1, and its p is 0.5",
        ),
        (partial(KorniaTransform, GAMMA | {"same_on_batch": True}), "same_on_batch is true"),
        (partial(KorniaTransform, augmentation.RandomInvert(p=0.5)), "its p is 0.5"),
        (partial(KorniaTransform, augmentation.RandomHorizontalFlip(p=1)), "it is RandomHorizontalFlip"),
        (partial(KorniaTransform, GAMMA, margin=-1), "margin must be at least 0 pixels, and it is -1"),
        (
            partial(KorniaTransform, {"_target_": "kornia.augmentation.RandomJPEG"}, channels=1),
            "transform RandomJPEG on images of 1 channel: .*expected 3, got 1",
        ),
    ],
)
def test_what_cannot_be_is_said(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    "words",
    [
        ["task.transform={_target_: kornia.augmentation.RandomGamma, gamma: [0.5,2]}"],
        ["task.transform._target_=kornia.augmentation.RandomGamma", "+task.transform.gamma=[0.5,2]"],
    ],
)
def test_words_of_the_command_line(words):
    task = compose("config", normalise_overrides(["task=kornia", "task.margin=2", *words])).task
    degradation = build_degradation(to_plain(task.degradation))
    assert isinstance(degradation.transform, augmentation.RandomGamma)
    assert (degradation.margin, degradation.channels) == (2, 1)
    (setting,) = build_settings(task)
    assert setting.name == "kornia RandomGamma gamma=0.5,2"


def test_words_that_cannot_be_honoured_are_refused_by_their_key():
    task = compose("config", ["task=kornia", "+task.transform.p=0.3"]).task
    with pytest.raises(RequestError, match=r"task\.transform RandomSaltAndPepperNoise must degrade every sample"):
        build_settings(task)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@KINDS
def test_on_a_gpu_its_global_generator_stays_too(words):
    degradation = KorniaTransform(words).cuda()
    before = torch.cuda.get_rng_state()
    first, again = (degradation(image().cuda(), torch.Generator("cuda").manual_seed(0)).degraded for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.cuda.get_rng_state(), before)

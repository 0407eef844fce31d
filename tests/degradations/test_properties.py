"""What holds for every degradation."""

import pytest
import torch

from restore.conditions import turn
from restore.degradations.albumentations_transform import AlbumentationsTransforms
from restore.degradations.base import as_degradation
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.blur import Blur
from restore.degradations.chain import Chain, SubSample
from restore.degradations.jpeg import JPEG
from restore.degradations.kornia_transform import KorniaTransform
from restore.degradations.mix import Mix
from restore.degradations.noise import GaussianNoise
from restore.degradations.overlay import Scratch, Text
from restore.degradations.sensor import PoissonGaussian

KORNIA = {"_target_": "kornia.augmentation.RandomGamma", "gamma": [0.5, 2.0]}
PEPPER = {"_target_": "kornia.augmentation.RandomSaltAndPepperNoise"}
NOISE = {"name": "GaussNoise", "std_range": [0.05, 0.2]}
DEGRADATIONS = {
    "noise": lambda: GaussianNoise([5, 55]),
    "ramp": lambda: GaussianNoise([5, 55], "ramp"),
    "peaks": lambda: GaussianNoise([5, 55], "peaks"),
    "sensor": lambda: PoissonGaussian([0.5, 4], [0, 10]),
    "bicubic": lambda: BicubicDownUp({"set": [2, 3, 4]}),
    "jpeg": lambda: JPEG([5, 60]),
    "disk": lambda: Blur("disk", radius=3),
    "gaussian": lambda: Blur("gaussian", size=9, noise=2),
    "motion": lambda: Blur("motion", length=[5, 15], angle=[0, 180]),
    "text": lambda: Text({"set": [10, 20]}),
    "scratch": lambda: Scratch(),
    "kornia": lambda: KorniaTransform(KORNIA),
    "kornia's pepper": lambda: KorniaTransform(PEPPER),
    "mix": lambda: Mix([GaussianNoise([5, 55]), BicubicDownUp(3), JPEG(10)]),
    "albumentations": lambda: AlbumentationsTransforms(
        [NOISE, {"name": "ImageCompression", "quality_range": [30, 90]}]
    ),
    "mix with albumentations": lambda: Mix([AlbumentationsTransforms([NOISE]), JPEG(10)]),
    "gaussians": lambda: Blur("gaussian", size=9, sigma=[0.5, 3]),
    "sub-sampling": lambda: SubSample({"set": [2, 3, 4]}, "area"),
    "chain": lambda: Chain([Blur("disk", radius=1.5), SubSample([1, 4]), GaussianNoise([5, 25]), JPEG([30, 90])]),
    "mix with a chain": lambda: Mix([Chain([SubSample([2, 3]), GaussianNoise(5)]), Chain([Text(10), JPEG(10)])]),
    "mix with a sensor": lambda: Mix([PoissonGaussian([0.5, 4], 2), BicubicDownUp(3)]),
}
IDENTITIES = {
    "noise": lambda: GaussianNoise(0),
    "sensor": lambda: PoissonGaussian(0, 0),
    "bicubic": lambda: BicubicDownUp(1),
    "disk": lambda: Blur("disk", radius=0.5),
    "motion": lambda: Blur("motion", length=1),
    "text": lambda: Text(10, density=0),
    "scratch": lambda: Scratch(density=0),
    "kornia": lambda: KorniaTransform(KORNIA | {"gamma": [1.0, 1.0]}),
    "kornia's pepper": lambda: KorniaTransform(PEPPER | {"amount": 0.0}),
    "albumentations": lambda: AlbumentationsTransforms([{"name": "GaussNoise", "std_range": [0, 0]}]),
    "sub-sampling": lambda: SubSample(1, "area"),
    "chain": lambda: Chain([SubSample(1), GaussianNoise(0), BicubicDownUp(1)]),
}


@pytest.fixture(params=DEGRADATIONS, scope="module")
def degradation(request):
    return DEGRADATIONS[request.param]()


def clean(n: int = 8, channels: int = 1, height: int = 45, width: int = 38, dtype=torch.float32) -> torch.Tensor:
    """Smooth, 8-bit, so that every degradation changes it and none by clipping."""
    random = torch.rand(n, channels, 6, 6, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.interpolate(random, (height, width), mode="bicubic").clamp(0.1, 0.9)
    return ((image * 255).round() / 255).to(dtype)


def run(degradation, image, seed: int = 0) -> torch.Tensor:
    return degradation(image, torch.Generator(image.device).manual_seed(seed)).degraded


@pytest.mark.parametrize("channels", [1, 3])
def test_same_generator_same_output_and_input_untouched(degradation, channels):
    image = clean(channels=channels)
    before, state = image.clone(), torch.random.get_rng_state()
    one, two = run(degradation, image), run(degradation, image)
    assert torch.equal(one, two)
    assert one.shape == image.shape
    assert torch.isfinite(one).all()
    assert not torch.equal(one, image)
    assert torch.equal(image, before)
    assert torch.equal(torch.random.get_rng_state(), state), "the global generator is not touched"


def test_samples_of_a_batch_differ_where_something_is_drawn(degradation, request):
    image = clean(n=1).expand(12, -1, -1, -1)
    degraded = run(degradation, image)
    different = len({tuple(sample.flatten().tolist()) for sample in degraded})
    fixed = request.node.callspec.params["degradation"] == "disk"
    assert different == 1 if fixed else different >= 3


def test_another_seed_another_output(degradation, request):
    fixed = request.node.callspec.params["degradation"] == "disk"
    assert torch.equal(run(degradation, clean(), 1), run(degradation, clean(), 2)) == fixed


@pytest.mark.parametrize("size", [(17, 23), (16, 16), (41, 8)])
def test_odd_sizes(degradation, size):
    image = clean(3, 3, *size)
    assert run(degradation, image).shape == image.shape


def test_bfloat16_is_float32_rounded(degradation):
    image = clean().bfloat16()
    degraded = run(degradation, image)
    assert degraded.dtype == torch.bfloat16
    full = run(degradation, image.float())
    assert (degraded.float() - full).abs().mean() < 0.02


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_no_strength_is_the_identity(name, channels):
    image = clean(channels=channels)
    torch.testing.assert_close(run(IDENTITIES[name](), image), image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["bicubic", "disk"])
def test_linear_ones_are_linear(name):
    """Superposition of what is linear before rounding: the rounding of 8 bits is all that differs."""
    degradation = DEGRADATIONS[name]() if name == "disk" else BicubicDownUp(3)
    a, b = clean(2), clean(2).flip(2)
    mixed = run(degradation, 0.5 * a + 0.5 * b)
    apart = 0.5 * run(degradation, a) + 0.5 * run(degradation, b)
    assert (mixed - apart).abs().max() <= (1.1 / 255 if name == "disk" else 1e-5)


def test_drawn_and_applied_apart_is_the_same(degradation):
    """And what is known of a pair is what the degradation says it gives, a value, map or kernel for each sample."""
    image, generator = clean(channels=3), torch.Generator().manual_seed(3)
    strengths = degradation.draw(len(image), generator)
    assert all(strength.shape == (len(image),) for strength in strengths.values())
    pair = degradation.apply(image, strengths, generator)
    assert torch.equal(pair.degraded, run(degradation, image, 3))
    assert pair.clean is image
    assert tuple(pair.conditions) == degradation.conditions
    for condition in pair.conditions.values():
        assert len(condition) == len(image)
        assert condition.dim() in (1, 3) or condition.shape[1:] == (1, *image.shape[-2:])
        assert torch.isfinite(condition).all()


# what looks alike in which orientations, where nothing is told
SYMMETRIES = {
    "noise": (lambda: GaussianNoise(25), 8),
    "sensor": (lambda: PoissonGaussian(1, 2), 8),
    "ramp of noise": (lambda: GaussianNoise(25, "ramp"), 2),
    "bicubic": (lambda: BicubicDownUp(3), 8),
    "jpeg": (lambda: JPEG(10), 8),
    "disk": (lambda: Blur("disk", radius=3), 8),
    "gaussian": (lambda: Blur("gaussian", size=9), 8),
    "motion at 45°": (lambda: Blur("motion", length=9, angle=45), 4),
    "motion at 0°": (lambda: Blur("motion", length=9, angle=0), 4),
    "motion at 30°": (lambda: Blur("motion", length=9, angle=30), 2),
    "any motion": (lambda: Blur("motion", length=[5, 15], angle=[0, 180]), 8),
    "some motions": (lambda: Blur("motion", length=[5, 15], angle=[20, 40]), 2),
    "text": (lambda: Text(10), 1),
    "scratch": (lambda: Scratch(), 8),
    "mix": (lambda: Mix([GaussianNoise(25), Blur("motion", length=9, angle=30)]), 2),
    "albumentations": (lambda: AlbumentationsTransforms([NOISE]), 1),
    "chain": (lambda: Chain([SubSample([2, 3]), GaussianNoise(5), JPEG(10)]), 8),
    "chain with motion": (lambda: Chain([Blur("motion", length=9, angle=30), SubSample(2)]), 2),
    "chain with anything": (lambda: Chain([lambda image, generator: image, JPEG(10)]), 1),
    "anything": (lambda: as_degradation(lambda image, generator: image), 1),
}


@pytest.mark.parametrize("name", SYMMETRIES)
def test_symmetries(name):
    make, count = SYMMETRIES[name]
    degradation = make()
    assert len(degradation.symmetries()) == count
    assert 0 in degradation.symmetries()
    if set(degradation.conditions) & {"kernel", "mask"}:
        assert len(degradation.symmetries(degradation.conditions)) == 8, "what is told is turned along"


@pytest.mark.parametrize("name", ["disk", "gaussian", "motion at 45°", "motion at 0°", "motion at 30°", "bicubic"])
def test_turned_before_is_turned_after_in_its_symmetries(name):
    degradation = SYMMETRIES[name][0]()
    image = clean(1, 1, 48, 48)
    degraded = run(degradation, image)
    for orientation in range(8):
        same = (run(degradation, turn(image, orientation)) - turn(degraded, orientation)).abs().max() < 1.1 / 255
        assert same == (orientation in degradation.symmetries()), orientation


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_cuda_agrees_with_cpu(degradation):
    """The generators differ between devices; the statistics must not."""
    image = clean(n=64)
    here = (run(degradation, image) - image).square().mean()
    there = (run(degradation, image.cuda()).cpu() - image).square().mean()
    assert there.item() == pytest.approx(here.item(), rel=0.3)

"""Which of kornia's intensity transforms can be had as degradations: each is built, and tried."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from kornia import augmentation
from torch import Tensor

from restore.degradations.kornia_transform import KorniaTransform, seeded_from

COUNT, HEIGHT, WIDTH = 16, 45, 38  # of the images that each is tried on
FACTORS = {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "hue": 0.1}
# arguments of those that ask for some, or that do next to nothing without
EXAMPLES: dict[str, dict[str, Any]] = {
    "ColorJiggle": FACTORS,
    "ColorJitter": FACTORS,
    "Denormalize": {"mean": 0.1, "std": 0.8},
    "Normalize": {"mean": 0.1, "std": 0.8},
    "RandomBrightness": {"brightness": [0.5, 1.5]},
    "RandomClahe": {"clip_limit": [1.0, 40.0]},
    "RandomContrast": {"contrast": [0.5, 1.5]},
    "RandomGamma": {"gamma": [0.5, 2.0]},
    "RandomGaussianBlur": {"kernel_size": 7, "sigma": [0.5, 3.0]},
    "RandomGaussianNoise": {"std": 0.1},
    "RandomHue": {"hue": [-0.3, 0.3]},
    "RandomJPEG": {"jpeg_quality": [5.0, 60.0]},
    "RandomMotionBlur": {"kernel_size": [3, 9], "angle": [0.0, 180.0], "direction": 0.5},
    "RandomRain": {"number_of_drops": [10, 40]},
    "RandomSaturation": {"saturation": [0.2, 2.0]},
    "RandomSnow": {"snow_coefficient": [0.2, 0.6]},
}
# not even built here, and why
NOT_TRIED = {"RandomDissolving": "it is built from the weights of Stable Diffusion, which it downloads"}


@dataclass(frozen=True)
class Trial:
    """What came of trying one transform.

    Attributes:
        name: of the class in ``kornia.augmentation``.
        arguments: that it was tried with.
        reasons: why it cannot be had for images of 1 and of 3 channels; empty where it can.
        varies: whether samples of a batch are degraded differently.
        shared: parameters that are drawn once for a batch.
        strengths: what `draw` gives; where it is empty, `apply` draws what there is to be drawn.
        conditions: what a network can be told.
    """

    name: str
    arguments: Mapping[str, Any]
    reasons: Mapping[int, str]
    varies: bool = False
    shared: tuple[str, ...] = ()
    strengths: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


def names() -> list[str]:
    """All intensity transforms of the installed kornia."""
    base = augmentation.IntensityAugmentationBase2D
    members = inspect.getmembers(augmentation, inspect.isclass)
    return [name for name, kind in members if issubclass(kind, base) and kind is not base]


def catalogue() -> list[Trial]:
    """Each of them, tried on gray and on colour images of odd sizes."""
    return [try_transform(name, EXAMPLES.get(name, {})) for name in names()]


def try_transform(name: str, arguments: Mapping[str, Any]) -> Trial:
    """Build and run one transform of ``kornia.augmentation``."""
    if name in NOT_TRIED:
        return Trial(name, arguments, dict.fromkeys((1, 3), NOT_TRIED[name]))
    reasons: dict[int, str] = {}
    degradation, varies = None, False
    for channels in (1, 3):
        try:
            built = KorniaTransform({"_target_": f"kornia.augmentation.{name}", **arguments}, channels)
            reasons[channels], its_vary = _tried(built, channels)
        except ValueError as error:
            reasons[channels] = str(error)
        else:
            degradation, varies = built, varies or its_vary
    if degradation is None:
        return Trial(name, arguments, reasons)
    shared = shared_parameters(degradation)
    return Trial(name, arguments, reasons, varies, shared, degradation.drawn_first, degradation.conditions)


def _tried(degradation: KorniaTransform, channels: int) -> tuple[str, bool]:
    """Why its images are no degraded ones, or nothing; and whether those of a batch differ."""
    image = torch.rand(1, channels, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    image = image.repeat(COUNT, 1, 1, 1)
    before = image.clone()
    first, again = (_degraded(degradation, image, 1) for _ in range(2))
    varies = not torch.equal(first, first[:1].expand_as(first))
    if not torch.equal(image, before):
        return "it changes the image that it is given", varies
    if first.shape != image.shape or not first.isfinite().all():
        return "it does not give an image of the same size, of finite numbers", varies
    if not torch.equal(first, again):
        return "the same generator gives other pixels", varies
    if torch.equal(first, image):
        return "it leaves the image as it is", varies
    if torch.equal(first, first.mean(dim=(2, 3), keepdim=True).expand_as(first)):
        return "it leaves nothing of the image", varies
    return "", varies


def _degraded(degradation: KorniaTransform, image: Tensor, seed: int) -> Tensor:
    return degradation(image, torch.Generator().manual_seed(seed)).degraded


def shared_parameters(degradation: KorniaTransform) -> tuple[str, ...]:
    """Parameters that are alike for all samples of a batch, and not in the next: an order, the size of a kernel."""
    generator, shape = torch.Generator().manual_seed(0), torch.Size((COUNT, degradation.channels, HEIGHT, WIDTH))
    batches = []
    for _ in range(8):
        with seeded_from(generator):
            batches.append(degradation.transform.forward_parameters(shape))
    return tuple(name for name in batches[0] if _is_shared([batch[name] for batch in batches]))


def _is_shared(draws: Sequence[Tensor]) -> bool:
    first = draws[0]
    differs = any(not torch.equal(first, drawn) for drawn in draws)
    of_a_batch = len(first) != COUNT or all(bool((drawn == drawn[:1]).all()) for drawn in draws)
    return differs and of_a_batch and len(first) > 1  # one number alone chooses a sample, not how it is degraded

"""Degradations in a row, of which some may be at a lower resolution: what happens to an image on its way to a file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from math import ceil, lcm
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from restore.conditions import ORIENTATIONS, Pair, repeat_pixels
from restore.degradations.base import Degradation, Strengths, TestStream, as_degradation
from restore.degradations.bicubic import GRID, low_resolution
from restore.degradations.strength import SCALE, Scale, Strength
from restore.image import quantise
from restore.resize import imresize

RESAMPLERS = {"bicubic": 2, "area": 1}  # and how many pixels of the shrunk image a kernel reaches

Degrade = Callable[[Degradation, Tensor, Strengths], Pair]
Shrink = Callable[["SubSample", Tensor, int], Tensor]


class SubSample(Degradation):
    """``y = U_s(D_s(x))``: shrunk by 1 / scale and enlarged to the size of x; a `Chain` enlarges only at its end.

    D is MATLAB's ``imresize`` (antialiased bicubic) or the mean of s×s pixels, U MATLAB's bicubic. Where the scale
    does not divide a side, the low-resolution image has side / scale pixels rounded up, and the excess is cut off.

    Args:
        scale: a whole number from 1 to 8, or a range or set of them, one per sample.
        resampler: ``bicubic``, or ``area``, as many sensors' pixels are binned.

    Shape:
        ``(N, C, H, W)``.

    Conditions:
        scale: the factor.

    Raises:
        ValueError: scale out of range or malformed, or an unknown resampler.
    """

    conditions = ("scale",)
    colour_suffix = " rgb"

    def __init__(self, scale: Scale, resampler: Literal["bicubic", "area"] = "bicubic"):
        super().__init__()
        self.scale = Strength(scale, "scale", *SCALE)
        if resampler not in RESAMPLERS:
            raise ValueError(f"resampler is {' or '.join(RESAMPLERS)}, and it is '{resampler}'")
        self.resampler = resampler
        self.suffix = "" if resampler == "bicubic" else f" {resampler}"
        self.margin, self.grid = _reach([self])

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        return {"scale": self.scale.sample(count, generator)}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        return _run([self], self.conditions, clean, [strengths], _shrunk, _of_chain(generator))

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """The same by the protocol's resampler, rounded to 8 bits where it says so (``quantise_low``)."""
        return _run([self], self.conditions, clean, [strengths], *_exactly(stream))

    def shrink(self, images: Tensor, scale: int) -> Tensor:
        """``D_s``: ``(N, C, H, W)`` to ``(N, C, ⌈H / s⌉, ⌈W / s⌉)``; at the edges a mean is of the pixels there are."""
        if self.resampler == "area":
            return avg_pool2d(images, scale, ceil_mode=True)
        height, width = (ceil(side / scale) for side in images.shape[-2:])
        return imresize(images, height, width, (1 / scale, 1 / scale))

    def shrink_exactly(self, images: Tensor, scale: int, stream: TestStream) -> Tensor:
        """The same by the protocol's switches."""
        if self.resampler == "bicubic":
            return low_resolution(images, scale, stream).to(images.dtype)
        return quantise(self.shrink(images, scale)) if stream.quantise_low else self.shrink(images, scale)

    @property
    def scales(self) -> list[int]:
        """All factors that can be drawn."""
        return [int(scale) for scale in self.scale.members]


class Chain(Degradation):
    """``y = U(f_n(… f_2(f_1(x))))``: each step is applied to what the one before it made.

    Each draws its own strengths. What follows a `SubSample` happens at the low resolution, and at the end the image is
    enlarged to its size, as MATLAB does (bicubic): the input of a super-resolution network whose low-resolution
    image was blurred, noisy or compressed. Nothing is clipped or rounded between steps but what the steps clip or
    round themselves. Samples of different factors are processed in groups, in the order of their factors.

    Its conditions are those that one step alone gives, ``scale`` first, as the step gives them: values and kernels
    in the pixels of the image that the step saw, maps with each pixel repeated to the image's size. Of two steps
    with noise, neither sigma is told.

    Args:
        steps: degradations, or callables ``(clean, generator) -> degraded`` that keep an image's size.

    Shape:
        ``(N, C, H, W)``.

    Raises:
        ValueError: no steps.
    """

    def __init__(self, steps: Sequence[Callable]):
        super().__init__()
        if not steps:
            raise ValueError("a chain of degradations needs at least one step")
        degradations = [as_degradation(step) for step in steps]
        self.steps = nn.ModuleList(degradations)
        names = [name for step in degradations for name in step.conditions]
        self.conditions = tuple(sorted((n for n in names if names.count(n) == 1), key=lambda name: name != "scale"))
        self.margin, self.grid = _reach(degradations)
        self.colour_suffix = "".join(step.colour_suffix for step in degradations)

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        """Strengths of all steps, each with its step's number before its name: ``1.sigma``."""
        steps = cast("list[Degradation]", self.steps)
        drawn = [step.draw(count, generator) for step in steps]
        return {f"{number}.{name}": values for number, own in enumerate(drawn) for name, values in own.items()}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        return self._pair(clean, strengths, _shrunk, _of_chain(generator))

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """Each step by its own test pair: real codecs, published noise."""
        return self._pair(clean, strengths, *_exactly(stream))

    def _pair(self, clean: Tensor, strengths: Strengths, shrink: Shrink, degrade: Degrade) -> Pair:
        steps = cast("list[Degradation]", self.steps)
        own: list[Strengths] = [{} for _ in steps]
        for key, values in strengths.items():
            number, _, name = key.partition(".")
            own[int(number)][name] = values
        return _run(list(steps), self.conditions, clean, own, shrink, degrade)

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """Those that all steps have."""
        handed = [name for name in told if name in self.conditions]
        steps = cast("list[Degradation]", self.steps)
        return tuple(o for o in ORIENTATIONS if all(o in step.symmetries(handed) for step in steps))


def _shrunk(step: SubSample, images: Tensor, scale: int) -> Tensor:
    return step.shrink(images, scale)


def _of_chain(generator: torch.Generator) -> Degrade:
    return lambda step, images, strengths: step.apply(images, strengths, generator)


def _exactly(stream: TestStream) -> tuple[Shrink, Degrade]:
    return (
        lambda step, images, scale: step.shrink_exactly(images, scale, stream),
        lambda step, images, strengths: step.exact(images, strengths, stream),
    )


def _run(
    steps: Sequence[Degradation],
    conditions: Sequence[str],
    clean: Tensor,
    strengths: Sequence[Strengths],
    shrink: Shrink,
    degrade: Degrade,
) -> Pair:
    """The pair of a chain's steps and their strengths, group by group of the samples that have the same factors."""
    degraded, given = torch.empty_like(clean, dtype=torch.float32), dict[str, Tensor]()
    for members, scales in _groups(steps, strengths, clean):
        own = [{name: values[members] for name, values in each.items()} for each in strengths]
        image, factor = clean[members].float(), 1
        pending = iter(scales)
        for step, drawn in zip(steps, own, strict=True):
            if isinstance(step, SubSample):
                scale = next(pending)
                image, told, factor = shrink(step, image, scale), drawn, factor * scale
            else:
                pair = degrade(step, image, drawn)
                image, told = pair.degraded.float(), pair.conditions
            for name in told:
                if name in conditions:
                    values = repeat_pixels(told[name], factor, *clean.shape[-2:])
                    given.setdefault(name, values.new_empty(len(clean), *values.shape[1:]))[members] = values
        if factor > 1:
            height, width = (side * factor for side in image.shape[-2:])
            image = imresize(image, height, width, (factor, factor))
        degraded[members] = image[..., : clean.shape[-2], : clean.shape[-1]]
    return Pair(degraded.to(clean.dtype), clean, {name: given[name].to(clean.dtype) for name in conditions})


def _groups(
    steps: Sequence[Degradation], strengths: Sequence[Strengths], clean: Tensor
) -> Iterator[tuple[Tensor, list[int]]]:
    """Numbers of the samples that have the same factors, and those factors in the steps' order."""
    shrinking = [(step, own) for step, own in zip(steps, strengths, strict=True) if isinstance(step, SubSample)]
    if all(step.scale.fixed for step, _ in shrinking):  # nothing to be asked of the device
        yield torch.arange(len(clean), device=clean.device), [step.scales[0] for step, _ in shrinking]
        return
    drawn = torch.stack([own["scale"] for _, own in shrinking], dim=1).long().cpu()  # (N, steps that shrink)
    for scales in sorted({tuple(row) for row in drawn.tolist()}):
        members = (drawn == torch.tensor(scales)).all(dim=1).nonzero().flatten()
        yield members.to(clean.device), list(scales)


def _reach(steps: Sequence[Degradation]) -> tuple[int, int]:
    """Margin and grid of steps in a row, in pixels of the clean image: sums of what each needs at its resolution."""
    margin, period, factor, factors = 0, 1, 1, 1
    for step in steps:
        if isinstance(step, SubSample):
            largest = max(step.scales)
            margin += RESAMPLERS[step.resampler] * largest * factor
            factor, factors = factor * largest, factors * min(lcm(*step.scales), GRID)
            period = lcm(period, factors)
        else:
            margin += step.margin * factor
            period = lcm(period, step.grid * factors or 1)
    margin += 2 * factor if factor > 1 else 0  # of the enlarging
    return margin, period if period > 1 else 0

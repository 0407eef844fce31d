"""What every degradation says of itself: how strong it is, what it makes, what is known of it, and how it turns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

import torch
from torch import Tensor, nn

from restore.conditions import ORIENTATIONS, Pair

Strengths = dict[str, Tensor]  # one value a sample, (B,) each


@dataclass(frozen=True)
class TestStream:
    """Where a test pair's random numbers come from.

    Attributes:
        generator: for all that is not normal noise; on the CPU, seeded by protocol, image and setting.
        normal: ``shape -> N(0, 1)``, float32 or float64: a protocol's own stream, which need not be torch's.
        quantise_low: the protocol's switch: round the low-resolution image of super-resolution to 8 bits.
        resampler: the protocol's switch: what shrinks that image, ``matlab`` or ``matlab_uint8``.
    """

    __test__ = False  # its name is no test's

    generator: torch.Generator
    normal: Callable[[Sequence[int]], Tensor]
    quantise_low: bool = False
    resampler: str = "matlab"

    @classmethod
    def seeded(cls, seed: int, **switches: Any) -> TestStream:
        """A stream of torch's own numbers, with a protocol's switches."""
        generator = torch.Generator().manual_seed(seed)
        return cls(generator, lambda shape: torch.randn(tuple(shape), generator=generator), **switches)


class Degradation(nn.Module):
    """``degradation(clean, generator) -> Pair``, in two steps that can be called apart: `draw`, then `apply`.

    Randomness comes from the generator alone, which is on the image's device; neither the input nor
    the degradation itself is changed.

    Attributes:
        conditions: names of what a network can be told (see `restore.conditions`).
        margin: pixels around a training patch that its own border depends on.
        grid: period in pixels at which it matters where in the image a patch begins (JPEG's blocks, sub-sampling);
            0 where it does not. What is cut to be degraded then begins at a multiple of it and is a multiple long.
        suffix: what a setting's name says after its strength, where two of one strength are not the same.
        colour_suffix: what it says beside where the test images are in colour, and papers test luma under that name.
    """

    conditions: tuple[str, ...] = ()
    margin: int = 0
    grid: int = 0
    suffix: str = ""
    colour_suffix: str = ""

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        """One strength a sample, on the generator's device; nothing where there is nothing to draw."""
        return {}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        """The pair of given strengths; the generator makes what else is random, such as the noise itself."""
        raise NotImplementedError(f"{type(self).__name__} says how it degrades in `apply`")

    def forward(self, clean: Tensor, generator: torch.Generator) -> Pair:
        return self.apply(clean, self.draw(clean.shape[0], generator), generator)

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """A test pair, on the CPU; differs from `apply` where a real codec, rounding or published noise does."""
        return self.apply(clean, strengths, stream.generator)

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """Orientations (see `restore.conditions.turn`) under which what it produces stays as it is.

        Args:
            told: conditions that a network is given, and that are turned along.
        """
        return ORIENTATIONS


class PlainDegradation(Degradation):
    """Any callable ``(clean, generator) -> degraded``: it has no conditions, no margin, and no known symmetry."""

    def __init__(self, function: Callable[[Tensor, torch.Generator], Tensor]):
        super().__init__()
        self.function = function

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        return Pair(self.function(clean, generator), clean)

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        return (0,)


def as_degradation(degradation: Callable) -> Degradation:
    """A degradation as it is; anything else that can be called, wrapped."""
    return degradation if isinstance(degradation, Degradation) else PlainDegradation(degradation)


def common_grid(degradations: Iterable[Degradation]) -> int:
    """The least common multiple of the periods of several degradations of one image; 0 where none has one."""
    periods = [degradation.grid for degradation in degradations if degradation.grid]
    return lcm(*periods) if periods else 0

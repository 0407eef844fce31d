"""Blur by a known kernel, as RED-Net's non-blind deblurring has it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import torch
from kornia.filters import filter2d, filter2d_separable
from torch import Tensor

from restore.bounds import Count, NotNegative, Positive
from restore.conditions import ORIENTATIONS, Pair, turn
from restore.degradations import kernels
from restore.degradations.base import Degradation, Strengths, TestStream
from restore.degradations.strength import SIGMA, Bounds, Sigma, Strength, Value
from restore.image import quantise, to_unit

LENGTH, ANGLE = Bounds(1, 101), Bounds(-360, 360)  # of a motion, in pixels and degrees


class Blur(Degradation):
    """``y = round(k ⋆ x + n)``: filtering as MATLAB's ``imfilter`` (correlation, replicated border), 8 bits.

    The rounding is decisive: without it a linear inverse gains 12 dB, in training too.

    Args:
        kernel: ``disk``, ``gaussian``, ``motion``, or the path of a ``.npy`` or image file.
        radius: of the disk in pixels (the paper: 7).
        size, sigma: side and standard deviation of the Gaussian in pixels (the paper: 25, 1.6); sigma may be a range
            or a set, drawn per sample.
        length, angle: of the motion in pixels and degrees; the paper does not state its motion kernel,
            and 15 pixels at 45° are ours. Each may be a range or a set, drawn per sample.
        noise: standard deviation in levels of Gaussian noise added before rounding, at least 0.

    Shape:
        ``(N, C, H, W)``.

    Conditions:
        kernel: ``(N, rows, columns)``, applied as a correlation.
        sigma: of the noise, in units of the image.

    Attributes:
        margin: pixels that a training patch needs beyond each side, so that its border is a real one.

    Raises:
        ValueError: an unknown kernel, or an argument out of its range.
    """

    conditions = ("kernel", "sigma")
    kernels: Tensor

    def __init__(
        self,
        kernel: str = "disk",
        radius: Positive = 7,
        size: Count = 25,
        sigma: Sigma = 1.6,
        length: Annotated[Value, LENGTH] = 15,
        angle: Annotated[Value, ANGLE] = 45,
        noise: NotNegative = 0,
    ):
        super().__init__()
        if noise < 0:
            raise ValueError(f"noise must be at least 0 levels, and it is {noise}")
        self.noise = float(noise)
        self.spread = Strength(sigma, "sigma", *SIGMA)
        self.length = Strength(length, "length", *LENGTH)
        self.angle = Strength(angle, "angle", *ANGLE)
        if kernel == "motion" and not (self.length.fixed and self.angle.fixed):
            bank = self._motions()
        elif kernel == "motion":
            bank = [kernels.motion(self.length.set[0], self.angle.set[0])]
        elif kernel == "disk":
            bank = [kernels.disk(radius)]
        elif kernel == "gaussian":
            bank = self._gaussians(size)
        elif Path(kernel).suffix or Path(kernel).is_file():
            bank = [kernels.from_file(kernel)]
        else:
            raise ValueError(f"kernel is disk, gaussian, motion or the path of a file, and it is '{kernel}'")
        side = [max(k.shape[i] for k in bank) for i in (0, 1)]
        padded = [_centred(k, side) for k in bank]
        self.register_buffer("kernels", torch.stack(padded), persistent=False)  # (kernels, rows, columns)
        self.margin = max(side) // 2
        self.separable = kernel == "gaussian"

    def _gaussians(self, size: int, count: int = 256) -> list[Tensor]:
        """The kernel of a fixed sigma; else kernels drawn once over its range, samples then draw among them."""
        if self.spread.fixed:
            return [kernels.gaussian(size, float(self.spread.set[0]))]
        self.suffix = f" sigma={self.spread}"
        sigmas = self.spread.sample(count, torch.Generator().manual_seed(0))
        return [kernels.gaussian(size, sigma) for sigma in sigmas.tolist()]

    def _motions(self, count: int = 256) -> list[Tensor]:
        """Kernels drawn once over the ranges of length and angle; samples then draw among them."""
        generator = torch.Generator().manual_seed(0)
        lengths, angles = self.length.sample(count, generator), self.angle.sample(count, generator)
        return [kernels.motion(*pair) for pair in zip(lengths.tolist(), angles.tolist(), strict=True)]

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        """Numbers of kernels, where there are several."""
        if len(self.kernels) == 1:
            return {"kernel": torch.zeros(count, dtype=torch.long, device=generator.device)}
        return {"kernel": torch.randint(len(self.kernels), (count,), generator=generator, device=generator.device)}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        noise = torch.randn(clean.shape, generator=generator, device=clean.device) if self.noise else None
        return self._pair(clean, strengths, noise)

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """The same with the protocol's own normal numbers."""
        return self._pair(clean, strengths, stream.normal(clean.shape) if self.noise else None)

    def _pair(self, clean: Tensor, strengths: Strengths, noise: Tensor | None) -> Pair:
        bank = self.kernels.to(clean.device)
        drawn = bank[strengths["kernel"]]  # (N, rows, columns)
        used = bank if len(bank) == 1 else drawn
        if self.separable:
            line = (used.sum(dim=1), used.sum(dim=2))
            degraded = filter2d_separable(clean.float(), *line, border_type="replicate")
        else:
            degraded = filter2d(clean.float(), used, border_type="replicate")
        sigma = to_unit(torch.full((len(clean),), self.noise, device=clean.device))
        if noise is not None:
            degraded = degraded + sigma.view(-1, 1, 1, 1) * noise
        return Pair(quantise(degraded).to(clean.dtype), clean, {"kernel": drawn, "sigma": sigma})

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """All eight where the kernel is told; else those that leave every kernel, or all directions, as they are."""
        directions = self.angle.range
        every_direction = len(self.kernels) > 1 and directions and directions[1] - directions[0] >= 180
        if "kernel" in told or every_direction:
            return ORIENTATIONS
        return tuple(o for o in ORIENTATIONS if self._unchanged(o))

    def _unchanged(self, orientation: int) -> bool:
        turned = turn(self.kernels, orientation)
        return turned.shape == self.kernels.shape and torch.allclose(turned, self.kernels, atol=1e-4)


def _centred(kernel: Tensor, side: list[int]) -> Tensor:
    rows, columns = ((s - k) // 2 for s, k in zip(side, kernel.shape, strict=True))
    return torch.nn.functional.pad(kernel, (columns, columns, rows, rows))

"""Blur by a known kernel, as RED-Net's non-blind deblurring has it."""

from __future__ import annotations

from pathlib import Path

import torch
from kornia.filters import filter2d, filter2d_separable
from torch import Tensor, nn

from restore.degradations import kernels
from restore.degradations.strength import Strength
from restore.image import quantise, to_unit


class Blur(nn.Module):
    """``y = round(k ⋆ x + n)``: filtering as MATLAB's ``imfilter`` (correlation, replicated border), 8 bits.

    The rounding is decisive: without it a linear inverse gains 12 dB, in training too.

    Args:
        kernel: ``disk``, ``gaussian``, ``motion``, or the path of a ``.npy`` or image file.
        radius: of the disk in pixels (the paper: 7).
        size, sigma: side and standard deviation of the Gaussian in pixels (the paper: 25, 1.6).
        length, angle: of the motion in pixels and degrees; the paper does not state its motion kernel,
            and 15 pixels at 45° are ours. Each may be a range or a set, drawn per sample.
        noise: standard deviation in levels of Gaussian noise added before rounding, at least 0.

    Shape:
        ``(N, C, H, W)`` to the same.

    Attributes:
        margin: pixels that a training patch needs beyond each side, so that its border is a real one.

    Raises:
        ValueError: an unknown kernel, or an argument out of its range.
    """

    def __init__(
        self,
        kernel: str = "disk",
        radius: float = 7,
        size: int = 25,
        sigma: float = 1.6,
        length=15,
        angle=45,
        noise: float = 0,
    ):
        super().__init__()
        if noise < 0:
            raise ValueError(f"task.noise must be at least 0 levels, and it is {noise}")
        self.noise = float(noise)
        self.length = Strength(length, "task.length", 1, 101)
        self.angle = Strength(angle, "task.angle", -360, 360)
        if kernel == "motion" and not (self.length.fixed and self.angle.fixed):
            bank = self._motions()
        elif kernel == "motion":
            bank = [kernels.motion(self.length.set[0], self.angle.set[0])]
        elif kernel == "disk":
            bank = [kernels.disk(radius)]
        elif kernel == "gaussian":
            bank = [kernels.gaussian(size, sigma)]
        elif Path(kernel).suffix or Path(kernel).is_file():
            bank = [kernels.from_file(kernel)]
        else:
            raise ValueError(f"task.kernel is disk, gaussian, motion or the path of a file, and it is '{kernel}'")
        side = [max(k.shape[i] for k in bank) for i in (0, 1)]
        padded = [_centred(k, side) for k in bank]
        self.register_buffer("kernels", torch.stack(padded), persistent=False)  # (kernels, rows, columns)
        self.margin = max(side) // 2
        self.separable = kernel == "gaussian"

    def _motions(self, count: int = 256) -> list[Tensor]:
        """Kernels drawn once over the ranges of length and angle; samples then draw among them."""
        generator = torch.Generator().manual_seed(0)
        lengths, angles = self.length.sample(count, generator), self.angle.sample(count, generator)
        return [kernels.motion(*pair) for pair in zip(lengths.tolist(), angles.tolist(), strict=True)]

    def forward(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        bank = self.kernels.to(clean.device)
        if len(bank) > 1:
            bank = bank[torch.randint(len(bank), (clean.shape[0],), generator=generator, device=clean.device)]
        if self.separable:
            line = (bank.sum(dim=1), bank.sum(dim=2))
            degraded = filter2d_separable(clean.float(), *line, border_type="replicate")
        else:
            degraded = filter2d(clean.float(), bank, border_type="replicate")
        if self.noise:
            noise = torch.randn(clean.shape, generator=generator, device=clean.device)
            degraded = degraded + to_unit(torch.tensor(self.noise, device=clean.device)) * noise
        return quantise(degraded).to(clean.dtype)


def _centred(kernel: Tensor, side: list[int]) -> Tensor:
    rows, columns = ((s - k) // 2 for s, k in zip(side, kernel.shape, strict=True))
    return torch.nn.functional.pad(kernel, (columns, columns, rows, rows))

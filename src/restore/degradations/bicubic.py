"""Bicubic down- and up-sampling: the input of a super-resolution network of these papers."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import torch
from torch import Tensor, nn

from restore.degradations.strength import Strength
from restore.image import quantise
from restore.resize import imresize, resize_matrix


class BicubicDownUp(nn.Module):
    """``y = U_s(D_s(x))``: MATLAB's ``imresize`` by 1 / scale and back up to the size of x.

    For training both directions are folded into one small matrix per axis and scale, ``y = M x Mᵀ``,
    so that a batch of mixed scales is two batched products. Where the scale does not divide the
    side, the low-resolution image is MATLAB's (side / scale rounded up) and the excess is cut off.

    Args:
        scale: 2, 3 or 4 in the papers; a whole number from 1 to 8, or a range or set of them, one per sample.

    Shape:
        ``(N, C, H, W)`` to the same.

    Raises:
        ValueError: scale out of range or malformed.
    """

    def __init__(self, scale):
        super().__init__()
        self.scale = Strength(scale, "task.scale", 1, 8, integer=True)

    def forward(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        scales = self.scale.sample(clean.shape[0], generator).long()
        height, width = clean.shape[-2:]
        rows, columns = (
            _down_up(side, clean.device)[scales - 1, None] for side in (height, width)
        )  # (N, 1, side, side)
        return (rows @ clean.float() @ columns.transpose(2, 3)).to(clean.dtype)

    def exact(self, clean: Tensor, generator: torch.Generator, quantise_low: bool = False) -> Tensor:
        """The two steps apart; `quantise_low` rounds the low-resolution image to 8 bits, as its file would be.

        Raises:
            ValueError: samples of different scales, which have no common low-resolution size.
        """
        scale = int(self.scale.sample(1, generator).item())
        if not self.scale.fixed:
            raise ValueError("a test image has one task.scale")
        height, width = clean.shape[-2:]
        low = imresize(clean.double(), ceil(height / scale), ceil(width / scale), (1 / scale, 1 / scale))
        low = quantise(low).double() if quantise_low else low
        high = imresize(low, low.shape[-2] * scale, low.shape[-1] * scale, (scale, scale))
        return high[..., :height, :width].to(clean.dtype)


@lru_cache(maxsize=16)
def _down_up(side: int, device: torch.device) -> Tensor:
    """``M_s`` of every scale 1 to 8 for one side, ``(8, side, side)``."""
    matrices = []
    for scale in range(1, 9):
        down = resize_matrix(side, ceil(side / scale), 1 / scale)
        up = resize_matrix(down.shape[0], down.shape[0] * scale, scale)
        matrices.append((up @ down)[:side])
    return torch.stack(matrices).float().to(device)

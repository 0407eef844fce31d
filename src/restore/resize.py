"""MATLAB's bicubic ``imresize``, which the papers' low-resolution images are made with."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import torch
from torch import Tensor


def imresize(image: Tensor, height: int, width: int, scale: tuple[float, float] | None = None) -> Tensor:
    """Resize as MATLAB's ``imresize(image, ..., 'bicubic')``: antialiased, a = −0.5, symmetric border.

    Keys' cubic kernel with a = −0.5, stretched by 1 / scale where the image shrinks; each output
    pixel's weights are normalised. Written as two small matrix products, one an axis: kornia's
    bicubic is neither antialiased this way nor symmetric at the border (38 to 44 dB from MATLAB's),
    and torch's antialiased one differs at the border.

    Args:
        image: float.
        height, width: of the output, in pixels.
        scale: of rows and columns; by default output size over input size.

    Shape:
        ``(..., H, W)`` to ``(..., height, width)``, neither clipped nor rounded.

    Raises:
        ValueError: a side below one pixel.
    """
    if min(height, width, *image.shape[-2:]) < 1:
        raise ValueError(f"an image of {tuple(image.shape[-2:])} pixels cannot be resized to {(height, width)}")
    rows, columns = (
        resize_matrix(size, out, ratio).to(image.device, image.dtype)
        for size, out, ratio in zip(image.shape[-2:], (height, width), scale or (None, None), strict=True)
    )
    return rows @ image @ columns.T


def imresize_uint8(levels: Tensor, height: int, width: int, scale: tuple[float, float] | None = None) -> Tensor:
    """Resize an 8-bit image as MATLAB does: `imresize`, rounded to 8 bits after each of its two passes, rows first.

    MATLAB begins with the axis that shrinks most, and with the rows where both shrink alike; here the
    rows are always first. Halves are rounded up, as MATLAB rounds.

    Args:
        levels: uint8.
        height, width, scale: as `imresize` has them.

    Shape:
        ``(..., H, W)`` to ``(..., height, width)``, uint8.

    Raises:
        ValueError: a side below one pixel.
    """
    row_scale, column_scale = scale or (height / levels.shape[-2], width / levels.shape[-1])
    shorter = imresize(levels.double(), height, levels.shape[-1], (row_scale, 1.0))
    return _rounded(imresize(_rounded(shorter).double(), height, width, (1.0, column_scale)))


def _rounded(levels: Tensor) -> Tensor:
    return (levels + 0.5).floor().clamp(0, 255).to(torch.uint8)


def down_up(image: Tensor, scales: Tensor) -> Tensor:
    """``U_s(D_s(x))``: `imresize` by 1 / s and back up to the size of x, of a factor s for each sample.

    Both directions are folded into one small matrix an axis and factor, ``y = M x Mᵀ``, so that a batch of
    mixed factors is two batched products. Where s does not divide a side, the low-resolution image has
    side / s pixels rounded up, as MATLAB's has, and the excess is cut off.

    Args:
        image: float32.
        scales: whole numbers from 1 to 8, as integers.

    Shape:
        ``(N, C, H, W)`` and ``(N,)`` to ``(N, C, H, W)``, neither clipped nor rounded.
    """
    rows, columns = (_down_up(side, image.device)[scales - 1, None] for side in image.shape[-2:])  # (N, 1, side, side)
    return rows @ image @ columns.transpose(2, 3)


@lru_cache(maxsize=16)
def _down_up(side: int, device: torch.device) -> Tensor:
    """``M_s`` of every factor 1 to 8 for one side, ``(8, side, side)``, float32."""
    if device.type == "meta":  # a network that is only counted
        return torch.empty(8, side, side, device=device)
    matrices = []
    for scale in range(1, 9):
        down = resize_matrix(side, ceil(side / scale), 1 / scale)
        up = resize_matrix(down.shape[0], down.shape[0] * scale, scale)
        matrices.append((up @ down)[:side])
    return torch.stack(matrices).float().to(device)


@lru_cache(maxsize=64)
def resize_matrix(size: int, out: int, ratio: float | None) -> Tensor:
    """The matrix ``(out, size)`` that resizes one axis, in float64; `ratio` is out / size unless given."""
    ratio = ratio or out / size
    stretch = max(1.0, 1 / ratio)  # antialiasing: the kernel grows as the image shrinks
    centre = (torch.arange(out, dtype=torch.float64) + 0.5) / ratio - 0.5
    taps = ceil(4 * stretch) + 2
    first = torch.floor(centre - 2 * stretch)
    source = first[:, None] + torch.arange(taps)  # (out, taps), beyond the border too
    weight = _cubic((centre[:, None] - source) / stretch)
    weight = weight / weight.sum(dim=1, keepdim=True)
    # symmetric border: ... 1 0 | 0 1 2 ... size-1 | size-1 size-2 ...
    folded = source.long().remainder(2 * size)
    folded = torch.where(folded < size, folded, 2 * size - 1 - folded)
    return torch.zeros(out, size, dtype=torch.float64).scatter_add_(1, folded, weight)


def _cubic(x: Tensor) -> Tensor:
    """Keys' kernel, a = −0.5."""
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x < 2, far, torch.zeros_like(x)))

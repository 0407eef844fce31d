"""Gray and luma as the papers' MATLAB programs compute them."""

from __future__ import annotations

import torch
from torch import Tensor

from restore.image import PEAKS, as_stored, stored_to_unit, to_unit


def rgb_to_gray(rgb: Tensor) -> Tensor:
    """MATLAB's ``rgb2gray``: full-range BT.601 luma, of integers rounded.

    ``gray = 0.298936 R + 0.587043 G + 0.114021 B``, the first row of MATLAB's inverse YIQ matrix.

    Args:
        rgb: uint8, uint16 or float32.

    Shape:
        ``(..., 3, H, W)`` to ``(..., 1, H, W)``, of the same type.

    Example:
        >>> rgb_to_gray(torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1)).item()
        76
    """
    weights = torch.tensor([0.2989360212937754, 0.5870430744511212, 0.1140209042551034], dtype=torch.float64)
    gray = torch.tensordot(weights.to(rgb.device), rgb.double(), dims=([0], [rgb.dim() - 3]))
    return (gray.add(0.5).floor() if rgb.dtype in PEAKS else gray).to(rgb.dtype).unsqueeze(-3)


def rgb_to_y(rgb: Tensor) -> Tensor:
    """Y of MATLAB's ``rgb2ycbcr``: BT.601 studio range, 16 to 235 of 255, in float.

    ``Y = (65.481 R + 128.553 G + 24.966 B + 16) / 255`` for R, G, B in [0, 1]. Full-range Y, which
    most libraries mean by YCbCr, costs 1.3 dB of a super-resolution score.

    Args:
        rgb: float in [0, 1].

    Shape:
        ``(..., 3, H, W)`` to ``(..., 1, H, W)``.

    Example:
        >>> round(rgb_to_y(torch.ones(3, 1, 1)).item() * 255)
        235
    """
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64, device=rgb.device)
    levels = torch.tensordot(weights, rgb.double(), dims=([0], [rgb.dim() - 3])) + 16
    return to_unit(levels).to(rgb.dtype).unsqueeze(-3)


def with_luma(rgb: Tensor, luma: Tensor) -> Tensor:
    """The colour image whose Y is another and whose Cb and Cr stay: ``R, G, B + (Y' − Y) · 255 / 219``.

    In BT.601's studio range the first column of YCbCr's way back to RGB is 255 / 219 three times, and grays have
    no chroma: so nothing is converted back, or rounded, that stays.

    Args:
        rgb: float in [0, 1].
        luma: the new Y, as `rgb_to_y` gives it.

    Shape:
        ``(..., 3, H, W)`` and ``(..., 1, H, W)`` to ``(..., 3, H, W)``, not clipped: bright colours may leave [0, 1].

    Example:
        >>> gray = torch.full((3, 1, 1), 0.5)
        >>> [round(value, 4) for value in with_luma(gray, rgb_to_y(torch.ones(3, 1, 1))).flatten().tolist()]
        [1.0, 1.0, 1.0]
    """
    return rgb + (luma - rgb_to_y(rgb)) * (255 / 219)


def to_luma(levels: Tensor, channels: int, luma: str = "gray") -> Tensor:
    """An image's levels with as many channels as a network has.

    Args:
        levels: uint8, uint16 or float32 in [0, 1], of 1 or 3 channels; gray stays as it is.
        channels: 3 leaves colour as it is.
        luma: how colour becomes gray: ``gray`` (`rgb_to_gray`), ``y`` (`rgb_to_y`, rounded), or not at
            all (``as in file``), for a protocol to do.

    Shape:
        ``(..., C, H, W)`` to ``(..., 1 or 3, H, W)``, of the same type.
    """
    if channels == 3 or levels.shape[-3] == 1 or luma == "as in file":
        return levels
    if luma == "gray":
        return rgb_to_gray(levels)
    return as_stored(rgb_to_y(stored_to_unit(levels)) * PEAKS.get(levels.dtype, 1.0), levels.dtype)

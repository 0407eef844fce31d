"""Where 8-bit levels (0 to 255) and the unit range [0, 1] meet: the only division by 255."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 255.0


def to_unit(levels: Tensor) -> Tensor:
    """Levels (uint8 image or a strength such as sigma) to units of [0, 1], in float32; float64 stays so."""
    return (levels if levels.dtype == torch.float64 else levels.to(torch.float32)) / LEVELS


def to_levels(image: Tensor) -> Tensor:
    """Image in [0, 1] to uint8, clipped and rounded half to even."""
    return (image.float().clamp(0, 1) * LEVELS).round().to(torch.uint8)


def quantise(image: Tensor) -> Tensor:
    """What an 8-bit file would keep of an image in [0, 1]: clipped and rounded, still float32.

    Example:
        >>> quantise(torch.tensor([-0.2, 0.5, 1.3])).tolist()
        [0.0, 0.501960813999176, 1.0]
    """
    return to_unit(to_levels(image))

"""Where levels (0 to 255, of deeper images to 65535) and the unit range [0, 1] meet: the only division by them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

LEVELS = 255.0
DEEP_LEVELS = 65535.0  # of 16 bits: 257 of them are one of 8 bits
PEAKS = {torch.uint8: LEVELS, torch.uint16: DEEP_LEVELS}  # the level that is 1; of floats it is 1 itself


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


def stored_to_unit(image: Tensor) -> Tensor:
    """An image as it is kept to units of [0, 1], in float32: levels of uint8 or uint16, or floats, units already.

    Example:
        >>> stored_to_unit(torch.tensor([0, 65535]).to(torch.uint16)).tolist()
        [0.0, 1.0]
    """
    return image.to(torch.float32).div(PEAKS[image.dtype]) if image.dtype in PEAKS else image.to(torch.float32)


def as_stored(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Values computed from images of a type, as such images are kept: of integers rounded half to even and clipped."""
    return values.round().clamp(0, PEAKS[dtype]).to(dtype) if dtype in PEAKS else values.to(dtype)


def deepened(image: Tensor, dtype: torch.dtype) -> Tensor:
    """An image as one of the same or a larger depth keeps it; no level of 8 or 16 bits is lost.

    Example:
        >>> deepened(torch.tensor([1, 255], dtype=torch.uint8), torch.uint16).tolist()
        [257, 65535]
    """
    if image.dtype == dtype:
        return image
    if dtype == torch.uint16:
        return (image.to(torch.int32) * int(DEEP_LEVELS / LEVELS)).to(dtype)
    return stored_to_unit(image)


def deepest(dtypes: Iterable[torch.dtype]) -> torch.dtype:
    """The one of uint8, uint16 and float32 that holds them all."""
    return max(dtypes, key=lambda dtype: dtype.itemsize)

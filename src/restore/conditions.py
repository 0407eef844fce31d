"""What is known travels with the pair: conditions, how they turn with an image, and who is told them.

A condition is what a network may be told of a degradation beside the degraded image: a value
``(B,)``, a map ``(B, 1, H, W)`` or a kernel ``(B, k, k)``, in the units of the image. The names that
the degradations here give:

========== ======= ===================================================================
name       form    what it is
========== ======= ===================================================================
sigma      value   standard deviation of the noise, in units of [0, 1]; a map where it
           or map  varies over the image
gain       value   a of a sensor's noise, whose variance is ``a x + b²`` where the
                   clean image is x, in units of [0, 1]
read_noise value   b of it, in units of [0, 1]
scale      value   factor of the super-resolution
quality    value   libjpeg's, 1 to 100
kernel     kernel  of the blur, applied as a correlation
mask       map     1 where something is drawn over the image
========== ======= ===================================================================

A network (or a classical method: it is a network too) that is told something says so by an
attribute ``conditions = ("sigma",)`` and is called ``network(degraded, sigma=...)``. A blind one
has no such attribute, and is called ``network(degraded)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

Conditions = Mapping[str, Tensor]
Network = Callable[..., Tensor]

ORIENTATIONS = tuple(range(8))  # bits of each: transpose, flip rows, flip columns
MAPS = ("mask",)  # conditions that are always one value a pixel
KERNELS = ("kernel",)  # and those that are a kernel each
# values of those that are no more than counted with: of a mask, nothing is drawn over; 0.1 of all that are not named
STAND_INS = {"mask": 0.0, "scale": 2.0, "quality": 10.0, "gain": 0.01}


@dataclass(frozen=True)
class Pair:
    """A degraded and a clean image, ``(B, C, H, W)`` each, and what is known of the degradation."""

    degraded: Tensor
    clean: Tensor
    conditions: dict[str, Tensor] = field(default_factory=dict)

    def crop(self, top: Tensor | int, left: Tensor | int, side: int) -> Pair:
        """Squares of `side` pixels at one place, or at a place for each sample, maps cut alike."""
        places = (top, left, side)
        conditions = crop_conditions(self.conditions, *places)
        return Pair(crop_square(self.degraded, *places), crop_square(self.clean, *places), conditions)

    def to(self, device: torch.device) -> Pair:
        conditions = {name: condition.to(device) for name, condition in self.conditions.items()}
        return Pair(self.degraded.to(device), self.clean.to(device), conditions)


def told(network: object) -> tuple[str, ...]:
    """Names of the conditions that a network asks for; none for a blind one."""
    return tuple(getattr(network, "conditions", ()))


def apply_network(network: Network, degraded: Tensor, conditions: Conditions) -> Tensor:
    """The restored image of a network that is told what it asks for, and nothing else.

    Raises:
        KeyError: the network asks for a condition that is not there.
    """
    return network(degraded, **{name: conditions[name] for name in told(network)})


# -- orientations ----------------------------------------------------------------------------------


def turn(image: Tensor, orientation: int) -> Tensor:
    """One of the eight flips and rotations of the last two axes: rows and columns flipped, then transposed.

    Example:
        >>> turn(torch.arange(4).view(2, 2), 0b110).tolist()
        [[2, 0], [3, 1]]
    """
    image = image.flip(-2) if orientation & 2 else image
    image = image.flip(-1) if orientation & 1 else image
    return image.transpose(-2, -1) if orientation & 4 else image


def turn_back(image: Tensor, orientation: int) -> Tensor:
    """Undoes `turn`."""
    image = image.transpose(-2, -1) if orientation & 4 else image
    image = image.flip(-2) if orientation & 2 else image
    return image.flip(-1) if orientation & 1 else image


def turn_conditions(conditions: Conditions, orientation: int) -> dict[str, Tensor]:
    """Maps and kernels turned with their image; values stay as they are."""
    return {name: turn(c, orientation) if c.dim() > 1 else c for name, c in conditions.items()}


# -- batches ---------------------------------------------------------------------------------------


def crop_square(image: Tensor, top: Tensor | int, left: Tensor | int, side: int) -> Tensor:
    """``(B, C, side, side)`` of ``(B, C, H, W)`` at one place, or at a place for each sample ``(B,)``."""
    if not isinstance(top, Tensor) or not isinstance(left, Tensor):
        return image[..., int(top) : int(top) + side, int(left) : int(left) + side]
    step = torch.arange(side, device=image.device)
    rows, columns = top.view(-1, 1, 1) + step[:, None], left.view(-1, 1, 1) + step  # (B, side, 1), (B, 1, side)
    samples = torch.arange(len(image), device=image.device).view(-1, 1, 1)
    return image.permute(0, 2, 3, 1)[samples, rows, columns].permute(0, 3, 1, 2)


def crop_conditions(conditions: Conditions, top: Tensor | int, left: Tensor | int, side: int) -> dict[str, Tensor]:
    """Maps cut as their images are; values and kernels stay as they are."""
    return {name: crop_square(c, top, left, side) if c.dim() == 4 else c for name, c in conditions.items()}


def repeat_pixels(condition: Tensor, times: int, height: int, width: int) -> Tensor:
    """A map with each pixel `times` × `times`, cut to a size; values and kernels as they are."""
    if condition.dim() != 4:
        return condition
    return condition.repeat_interleave(times, 2).repeat_interleave(times, 3)[..., :height, :width]


def repeat_conditions(conditions: Conditions, times: int) -> dict[str, Tensor]:
    """Conditions of a batch that is itself `times` copies, one after the other."""
    return {name: c.repeat(times, *[1] * (c.dim() - 1)) for name, c in conditions.items()}


def stand_in(names: Iterable[str], image: Tensor) -> dict[str, Tensor]:
    """Conditions for a network that is only counted or timed: of the right form, of no meaning.

    Args:
        image: ``(B, C, H, W)`` that the network is to be called with.
    """
    count, _, height, width = image.shape
    shapes: dict[str, tuple[int, ...]] = {name: (count,) for name in names}
    shapes |= {name: (count, 1, height, width) for name in shapes if name in MAPS}
    shapes |= {name: (count, 7, 7) for name in shapes if name in KERNELS}
    values = {name: STAND_INS.get(name, 0.1) for name in shapes}
    return {name: torch.full(shapes[name], v, device=image.device, dtype=image.dtype) for name, v in values.items()}

"""×8 self-ensemble: the mean over the eight flips and rotations of an image, each turned back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def self_ensemble(network: Callable[[Tensor], Tensor], degraded: Tensor) -> Tensor:
    """``mean over g of g⁻¹(network(g(degraded)))``, g the eight symmetries of the square.

    RED-Net's released program always tests so. Upright and lying versions differ in shape, so they
    are two batches of four.

    Shape:
        ``(N, C, H, W)`` to the same.
    """
    total = torch.zeros_like(degraded)
    for turns in (0, 1):
        turned = torch.rot90(degraded, turns, dims=(2, 3))
        versions = torch.cat([turned.flip(dims) if dims else turned for dims in FLIPS])
        restored = network(versions).chunk(len(FLIPS))
        for dims, version in zip(FLIPS, restored, strict=True):
            upright = version.flip(dims) if dims else version
            total += torch.rot90(upright, -turns, dims=(2, 3))
    return total / (2 * len(FLIPS))


FLIPS: tuple[tuple[int, ...], ...] = ((), (2,), (3,), (2, 3))

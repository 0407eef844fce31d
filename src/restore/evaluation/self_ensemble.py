"""Self-ensemble: the mean over an image's flips and rotations, each restored and turned back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from restore.conditions import ORIENTATIONS, Conditions, Network, apply_network, turn, turn_back, turn_conditions


def self_ensemble(
    network: Network,
    degraded: Tensor,
    conditions: Conditions | None = None,
    orientations: Sequence[int] = ORIENTATIONS,
) -> Tensor:
    """``mean over g of g⁻¹(network(g(degraded), g(conditions)))``, g the given symmetries of the square.

    RED-Net's released program always tests so, with all eight. That is right only for a degradation
    that looks alike in all of them (`restore.degradations.base.Degradation.symmetries`): a network that
    has seen upright text alone is 4 dB worse for being shown turned text. Upright and lying versions
    differ in shape, so they are two batches.

    Args:
        conditions: of the degraded image; maps and kernels are turned along.
        orientations: which of `restore.conditions.ORIENTATIONS`.

    Shape:
        ``(N, C, H, W)`` to the same.
    """
    total = torch.zeros_like(degraded)
    for lying in (0, 4):
        versions = [o for o in orientations if o & 4 == lying]
        if versions:
            images = torch.cat([turn(degraded, o) for o in versions])
            turned = [turn_conditions(conditions or {}, o) for o in versions]
            together = {name: torch.cat([each[name] for each in turned]) for name in conditions or {}}
            restored = apply_network(network, images, together).chunk(len(versions))
            for orientation, version in zip(versions, restored, strict=True):
                total += turn_back(version, orientation)
    return total / len(orientations)

"""Degraded images that a camera made: there is nothing to synthesise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restore.errors import RequestError


class RealPairs(nn.Module):
    """Stands where a degradation stands, for data that bring their degraded images with them.

    Raises:
        RequestError: asked to degrade an image.
    """

    def forward(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        raise RequestError(
            "this task has no degradation of its own: give it pairs (data=gopro, data=pairs data.path=<folder>, "
            "test_sets=<folder of pairs>), or task.degradation._target_=<class>"
        )

"""The network that changes nothing: its score is the degraded input's."""

from __future__ import annotations

from torch import Tensor, nn

from restore.bounds import Count


class Identity(nn.Module):
    """``restored = degraded``; it has no parameters, so it is scored and never trained."""

    def __init__(self, channels: Count = 1):
        super().__init__()

    def forward(self, degraded: Tensor) -> Tensor:
        return degraded

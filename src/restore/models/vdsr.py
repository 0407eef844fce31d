"""VDSR, a deep residual network for super-resolution of several factors.

J. Kim, J. K. Lee, K. M. Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks",
CVPR 2016, arXiv 1511.04587.
"""

from __future__ import annotations

from torch import Tensor, nn

from restore.models.layers import chain, check, near_zero_


class VDSR(nn.Module):
    """``restored = degraded + body(degraded)``: `depth` 3×3 convolutions, ReLU after each but the last (section 3).

    The paper trains by SGD from 0.1 with gradients clipped in proportion to the rate; here the
    training recipe is the ``optim`` group's.

    Args:
        channels: image channels.
        depth: convolutions (the paper: 20).
        width: feature maps of every hidden layer (the paper: 64).

    Shape:
        ``(N, C, H, W)`` to the same, the input enlarged bicubically before.

    Deviation: the last layer starts near zero (the paper: He et al. 2015), so that training starts
    from the identity.
    """

    def __init__(self, channels: int = 1, depth: int = 20, width: int = 64):
        super().__init__()
        check(depth)
        self.body = chain([channels, *[width] * (depth - 1), channels], [3] * depth)
        near_zero_(self.body[-1])

    def forward(self, degraded: Tensor) -> Tensor:
        return degraded + self.body(degraded)

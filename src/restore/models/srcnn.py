"""SRCNN, the first convolutional super-resolution network.

C. Dong, C. C. Loy, K. He, X. Tang, "Image Super-Resolution Using Deep Convolutional Networks",
IEEE TPAMI 2016, arXiv 1501.00092.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from restore.models.layers import chain


class SRCNN(nn.Module):
    """Patch extraction, non-linear mapping, reconstruction, on the bicubically enlarged image (section 3.1).

    Args:
        channels: image channels.
        widths: feature maps of the two hidden layers (the paper: 64, 32).
        kernel_sizes: of the three layers, odd (the paper: 9, 1, 5; its best: 9, 5, 5).

    Shape:
        ``(N, C, H, W)`` to the same.

    Deviations: maps are padded with zeros, so that the image keeps its size (the paper does not pad,
    and loses the border); weights start as He et al. 2015 do (the paper: standard deviation 1e-3).
    """

    def __init__(self, channels: int = 1, widths: Sequence[int] = (64, 32), kernel_sizes: Sequence[int] = (9, 1, 5)):
        super().__init__()
        self.body = chain([channels, *widths, channels], kernel_sizes)

    def forward(self, degraded: Tensor) -> Tensor:
        return self.body(degraded)

"""SRCNN, the first convolutional super-resolution network.

C. Dong, C. C. Loy, K. He, X. Tang, "Image Super-Resolution Using Deep Convolutional Networks",
IEEE TPAMI 2016, arXiv 1501.00092.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from torch import Tensor, nn

from restore.bounds import Count
from restore.models.convolutions import read_convolutions
from restore.models.layers import Border, chain, chain_sizes, fill_


class SRCNN(nn.Module):
    """Patch extraction, non-linear mapping, reconstruction, on the bicubically enlarged image (section 3.1).

    ``restored = W3 ∗ max(0, W2 ∗ max(0, W1 ∗ degraded + b1) + b2) + b3``

    Args:
        channels: image channels.
        widths: feature maps of the two hidden layers (the paper: 64, 32).
        kernel_sizes: of the three layers, odd (the paper: 9, 1, 5; its best: 9, 5, 5).
        border: what every layer sees beyond its own input's border: ``zeros``, or ``replicate``, the nearest
            pixel, as the authors' released test program.

    Shape:
        ``(N, C, H, W)`` to the same.

    Raises:
        ValueError: `border` is neither.

    Deviations: maps are padded, so that the image keeps its size (in training the paper does not pad,
    and loses the border); weights start as He et al. 2015 do (the paper: standard deviation 1e-3).
    """

    def __init__(
        self,
        channels: Count = 1,
        widths: Sequence[Count] = (64, 32),
        kernel_sizes: Sequence[Count] = (9, 1, 5),
        border: Border = "zeros",
    ):
        super().__init__()
        self.channels = channels
        self.body = chain([channels, *widths, channels], kernel_sizes, border=border)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The network of its authors' file (``weights_conv1``, ...), of the file's sizes, each layer's border replicated.

        Raises:
            ValueError: the file is not one of three such convolutions.
        """
        convolutions = read_convolutions(path)
        maps, kernel_sizes = chain_sizes(convolutions, path)
        if len(kernel_sizes) != 3 or maps[0] != maps[-1]:
            raise ValueError(
                f"SRCNN has 3 convolutions from an image to an image, and {path} has "
                f"{len(kernel_sizes)} from {maps[0]} to {maps[-1]} channels"
            )
        network = cls(maps[0], maps[1:-1], kernel_sizes, border="replicate")
        fill_(network.body, convolutions)
        return network

    def forward(self, degraded: Tensor) -> Tensor:
        return self.body(degraded)

"""VDSR, a deep residual network for super-resolution of several factors.

J. Kim, J. K. Lee, K. M. Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks",
CVPR 2016, arXiv 1511.04587.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from torch import Tensor, nn

from restore.bounds import Count
from restore.models.convolutions import read_convolutions
from restore.models.layers import chain, chain_sizes, check, fill_, near_zero_


class VDSR(nn.Module):
    """``restored = degraded + body(degraded)``: `depth` 3×3 convolutions, ReLU after each but the last (section 3).

    The paper trains by SGD from 0.1 with gradients clipped in proportion to the rate; here the
    training recipe is the ``optim`` group's.

    Args:
        channels: image channels.
        depth: convolutions (the paper: 20).
        width: feature maps of every hidden layer (the paper: 64).
        bias: False leaves out the convolutions' biases, which the authors' released network has.
        residual: False predicts the restored image itself.

    Shape:
        ``(N, C, H, W)`` to the same, the input enlarged bicubically before.

    Raises:
        ValueError: an argument is out of its range.

    Deviation: with `residual` the last layer starts near zero (the paper: He et al. 2015), so that training
    starts from the identity.
    """

    def __init__(
        self, channels: Count = 1, depth: Count = 20, width: Count = 64, bias: bool = True, residual: bool = True
    ):
        super().__init__()
        check(depth, width=width)
        self.channels, self.residual = channels, residual
        self.body = chain([channels, *[width] * (depth - 1), channels], [3] * depth, bias=bias)
        if residual:
            near_zero_(self.body[-1])

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The network of its authors' file (``model.weight``, ``model.bias``), or of a Caffe file, of the file's sizes.

        Raises:
            ValueError: the file is not one of 3×3 convolutions of one width.
        """
        convolutions = read_convolutions(path)
        maps, kernel_sizes = chain_sizes(convolutions, path)
        if set(kernel_sizes) != {3} or len(set(maps[1:-1])) != 1 or maps[0] != maps[-1]:
            raise ValueError(f"VDSR has 3×3 convolutions with as many maps between any two of them, and {path} others")
        network = cls(maps[0], len(kernel_sizes), maps[1])
        fill_(network.body, convolutions)
        return network

    def forward(self, degraded: Tensor) -> Tensor:
        output = self.body(degraded)
        return degraded + output if self.residual else output

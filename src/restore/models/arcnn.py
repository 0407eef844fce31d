"""AR-CNN, the first convolutional network for removing compression artefacts.

C. Dong, Y. Deng, C. C. Loy, X. Tang, "Compression Artifacts Reduction by a Deep Convolutional Network",
ICCV 2015, arXiv 1504.06993.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from torch import Tensor, nn

from restore.bounds import Count
from restore.models.convolutions import read_convolutions
from restore.models.layers import Border, chain, chain_sizes, fill_

WIDTHS, KERNEL_SIZES = [64, 32, 16], [9, 7, 1, 5]


class ARCNN(nn.Module):
    """Feature extraction 9×9, enhancement 7×7, mapping 1×1, reconstruction 5×5; 64, 32, 16 maps (section 3.1).

    A ReLU follows each convolution but the last, and nothing is added to its output.

    Args:
        channels: image channels.
        border: what every layer sees beyond its own input's border: ``zeros``, or ``replicate``, the nearest
            pixel, which the authors' weights want.

    Shape:
        ``(N, C, H, W)`` to the same.

    Raises:
        ValueError: `border` is neither.

    Deviations: maps are padded, so that the image keeps its size (in training the paper does not pad);
    weights start as He et al. 2015 do (the paper: standard deviation 1e-3, and transfer from a
    network trained on milder compression, which ``init=`` can do).
    """

    def __init__(self, channels: Count = 1, border: Border = "zeros"):
        super().__init__()
        self.channels = channels
        self.body = chain([channels, *WIDTHS, channels], KERNEL_SIZES, border=border)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The network of its authors' file (``weights_conv1``, ``conv2``, ``conv22``, ``conv3``), each layer's border replicated.

        Raises:
            ValueError: the file is not one of these convolutions.
        """
        convolutions = read_convolutions(path)
        maps, kernel_sizes = chain_sizes(convolutions, path)
        if (maps[1:-1], kernel_sizes) != (WIDTHS, KERNEL_SIZES) or maps[0] != maps[-1]:
            raise ValueError(
                f"AR-CNN has convolutions of 9×9, 7×7, 1×1 and 5×5 with 64, 32 and 16 maps between them, and {path} others"
            )
        network = cls(maps[0], border="replicate")
        fill_(network.body, convolutions)
        return network

    def forward(self, degraded: Tensor) -> Tensor:
        return self.body(degraded)

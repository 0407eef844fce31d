"""FDnCNN: DnCNN told the noise level, by its authors.

Released beside DnCNN (github.com/cszn/DnCNN, "flexible DnCNN", 2018) without a paper of its own; after

K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, IEEE TIP 2017, arXiv 1608.03981, and
K. Zhang, W. Zuo, L. Zhang, IEEE TIP 2018, arXiv 1710.04026.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, cat, nn

from restore.bounds import Count
from restore.models.layers import chain, check, check_maps, condition_maps, near_zero_


class FDnCNN(nn.Module):
    """``restored = body([degraded, M])``, M the map of the noise's standard deviation.

    Body: conv + ReLU, (conv + batch norm + ReLU) × (depth − 2), conv; all 3×3, zero padding.

    Args:
        channels: image channels, 1 or 3.
        depth: convolutions, at least 2 (released: 20).
        width: feature maps of every hidden layer (released: 64).
        batch_norm: False leaves it out, as in the released files.
        residual: True adds the input to the output, as DnCNN does, and starts the last layer near zero;
            released: False.
        conditions: what it is told, a map each in this order behind the image: ``sigma`` (released), or
            other values and maps of `restore.conditions`, such as a sensor's ``gain`` and ``read_noise``.

    Shape:
        ``(N, C, H, W)`` and each condition ``(N,)`` or ``(N, 1, H, W)``, in units of the image
        (sigma / 255), to ``(N, C, H, W)``, any H and W.

    Raises:
        ValueError: an argument is out of its range, or a condition is a kernel.

    Deviation: how it was trained is not published; batch norm and He et al. 2015's start are DnCNN's.
    """

    def __init__(
        self,
        channels: Count = 1,
        depth: Count = 20,
        width: Count = 64,
        batch_norm: bool = True,
        residual: bool = False,
        conditions: Sequence[str] = ("sigma",),
    ):
        super().__init__()
        check(depth, width=width)
        self.conditions, self.residual = check_maps(conditions), residual
        self.body = chain([channels + len(self.conditions), *[width] * (depth - 1), channels], [3] * depth, batch_norm)
        if residual:
            near_zero_(self.body[-1])

    def forward(self, degraded: Tensor, *values: Tensor, **named: Tensor) -> Tensor:
        maps = condition_maps(self.conditions, values, named, degraded)
        output = self.body(cat([degraded, maps], dim=1))
        return degraded + output if self.residual else output

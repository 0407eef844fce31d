"""Colour images and networks of one channel: Y is restored, and the chroma stays that of the degraded image."""

from __future__ import annotations

from torch import Tensor, nn

from restore.colour import rgb_to_y, with_luma
from restore.conditions import Network, apply_network, told


class Adapter(nn.Module):
    """A network about another one, for images of other channels.

    Args:
        network: in `restore.conditions`' sense.

    Attributes:
        conditions: those that the network is told.
    """

    def __init__(self, network: Network):
        super().__init__()
        self.network = network
        self.conditions = told(network)


class LumaOnly(Adapter):
    """A network of luma that takes colour: ``Y' = network(Y)``, Cb and Cr as they come.

    So the chroma of a super-resolved image is bicubic, and that of a deblocked one as its file was decoded. Y is
    BT.601's in studio range, in float; nothing is clipped or rounded here.

    Args:
        network: of one channel.

    Shape:
        ``(N, 3, H, W)`` to the same.
    """

    def forward(self, degraded: Tensor, **conditions: Tensor) -> Tensor:
        restored = apply_network(self.network, rgb_to_y(degraded), conditions)
        return with_luma(degraded.float(), restored.float())

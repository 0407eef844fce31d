"""Networks of one channel on colour images, and of three on gray ones."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from restore.conditions import Network, apply_network, repeat_conditions
from restore.evaluation.luma_only import Adapter, LumaOnly

Colour = Literal["auto", "luma", "channels"]
# The standard deviation of Y in studio range is that of R, G and B by this: the root of the sum of its weights' squares.
LUMA_NOISE = (65.481**2 + 128.553**2 + 24.966**2) ** 0.5 / 255


class ChannelWise(Adapter):
    """A network of one channel that restores red, green and blue each by itself, as a batch.

    Args:
        network: of one channel.

    Shape:
        ``(N, 3, H, W)`` to the same.
    """

    def forward(self, degraded: Tensor, **conditions: Tensor) -> Tensor:
        planes = degraded.transpose(0, 1).flatten(0, 1)[:, None]  # (3 N, 1, H, W), all red ones first
        restored = apply_network(self.network, planes, repeat_conditions(conditions, 3))
        return restored.view(3, len(degraded), *degraded.shape[-2:]).transpose(0, 1)


class GrayOfColour(Adapter):
    """A network of colour that restores gray images: three equal channels in, the mean of three out.

    Shape:
        ``(N, 1, H, W)`` to the same.
    """

    def forward(self, degraded: Tensor, **conditions: Tensor) -> Tensor:
        return apply_network(self.network, degraded.expand(-1, 3, -1, -1), conditions).mean(dim=1, keepdim=True)


def adapted(network: Network, channels: int, image_channels: int, colour: Colour, luma_alone: bool) -> Network:
    """The network with as many channels as an image.

    Args:
        channels: of the network.
        colour: how one of one channel restores colour: ``luma``, Y alone, Cb and Cr as they come;
            ``channels``, each by itself; ``auto``: luma where `luma_alone`, else each channel. Noise is in all three
            channels, and what is left of it in Cb and Cr is seen; what a super-resolution network was not trained for,
            bicubic chroma, is not.
    """
    if channels == image_channels:
        return network
    if channels == 3:
        return GrayOfColour(network)
    return LumaOnly(network) if through_luma(colour, luma_alone) else ChannelWise(network)


def through_luma(colour: Colour, luma_alone: bool) -> bool:
    """Whether a network of one channel restores Y alone."""
    return luma_alone if colour == "auto" else colour == "luma"

"""A network that squeezes an image to one vector: RED-Net's Fig. 5, on what skips carry past a bottleneck.

X.-J. Mao, C. Shen, Y.-B. Yang, arXiv 1606.08921, section 4.3.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import pad, relu

from restore.bounds import Count, Start
from restore.models.layers import check, he_normal_, start_last_


class Bottleneck(nn.Module):
    """Five 3×3 convolutions of stride 3 (243 → 81 → 27 → 9 → 3 → 1) and five deconvolutions back.

    ReLU after each layer but the last. With skips, the map of ci is added to that of d(5 − i), which
    has its size, and the input to the output; without, nothing passes but the vector.

    Args:
        channels: image channels, 1 or 3.
        width: feature maps of every hidden layer (not stated; RED-Net's 64).
        skips: the symmetric ones.
        residual: True adds the input to the output; None does where there are skips.
        last_layer: how it starts: ``zero``, near zero, or ``he``, as the others do.

    Shape:
        ``(N, C, H, W)`` to ``(N, C, H, W)``; sides that 243 does not divide are padded by replicating
        the border, and cropped after.

    Raises:
        ValueError: an argument is out of its range.
    """

    side = 243

    def __init__(
        self,
        channels: Count = 1,
        width: Count = 64,
        skips: bool = True,
        residual: bool | None = None,
        last_layer: Start = "zero",
    ):
        super().__init__()
        check(width=width)
        self.skips = skips
        self.residual = skips if residual is None else residual
        sizes = [channels] + [width] * 5
        self.encoder = nn.ModuleList(nn.Conv2d(sizes[i], sizes[i + 1], 3, stride=3) for i in range(5))
        self.decoder = nn.ModuleList(
            nn.ConvTranspose2d(sizes[i + 1], sizes[i], 3, stride=3) for i in reversed(range(5))
        )
        for maps, convolution, deconvolution in zip(sizes[1:], self.encoder, reversed(self.decoder), strict=True):
            he_normal_(convolution)
            # filters of stride 3 do not overlap: each output pixel sums over the input's maps alone
            he_normal_(deconvolution, fan=maps)
        start_last_(self.decoder[-1], last_layer)

    def forward(self, degraded: Tensor) -> Tensor:
        height, width = degraded.shape[-2:]
        x = pad(degraded, (0, -width % self.side, 0, -height % self.side), mode="replicate")
        maps = [x]
        for convolution in self.encoder:
            maps.append(relu(convolution(maps[-1])))
        x = maps.pop()  # (N, width, H / 243, W / 243)
        for deconvolution in self.decoder[:-1]:
            x = relu(deconvolution(x))
            x = x + maps.pop() if self.skips else x
        x = self.decoder[-1](x)
        return (x + maps[0] if self.residual else x)[..., :height, :width]

"""The RED variants of a student study on GOPRO (Saraf, Morparia)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from restore.bounds import Count, Whole
from restore.models.layers import check, check_skips, he_normal_, skips_between


class GoproRED(nn.Module):
    """n convolutions and n deconvolutions, batch norm after every one, and a sigmoid at the end.

    Skips are RED-Net's, ReLU included: with n = depth / 2 and step s, for every k·s < n the map of conv
    k·s is added to that of deconv n − k·s, and a ReLU follows the sum; it changes something where
    `activation` is ``prelu``, whose maps have negative values too. There is no sum of input and output.

    Args:
        channels: image channels, 1 or 3.
        depth: layers in all, even (the study: 20).
        width: feature maps of every hidden layer (the study: 64).
        kernel_size: odd filter size (the study: 3).
        skip_step: a skip every so many layers (the study: 2), so few that there is one; 0 for none.
        activation: ``relu`` or ``prelu``, after every batch norm but the last.
        pool: numbers (from 1) of the convolutions that a 2×2 max-pooling follows, mirrored by nearest
            up-sampling (the study does not state where).
        downsample: numbers of the convolutions of stride 2 in place of such a pooling, mirrored by
            deconvolutions of stride 2, that of conv i by deconv n + 1 − i.

    Shape:
        ``(N, C, H, W)`` to ``(N, C, H, W)`` in (0, 1), any H and W of at least 2^len(pool).

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        channels: Count = 3,
        depth: Count = 20,
        width: Count = 64,
        kernel_size: Count = 3,
        skip_step: Whole = 2,
        activation: Literal["relu", "prelu"] = "relu",
        pool: Sequence[Count] = (),
        downsample: Sequence[Count] = (),
    ):
        super().__init__()
        half = depth // 2
        check(depth, kernel_size, width, even=True)
        check_skips(half, skip_step)
        if activation not in ("relu", "prelu"):
            raise ValueError(f"model.activation must be relu or prelu, and it is '{activation}'")
        if not set(pool) <= set(range(1, half)):
            raise ValueError(f"model.pool must name convolutions from 1 to {half - 1}, and it is {list(pool)}")
        if not set(downsample) <= set(range(1, half + 1)):
            raise ValueError(f"model.downsample must name convolutions from 1 to {half}, and it is {list(downsample)}")

        def block(
            layer: type[nn.Conv2d] | type[nn.ConvTranspose2d], maps: tuple[int, int], stride: int, end: nn.Module
        ) -> nn.Sequential:
            convolution = layer(*maps, kernel_size, stride, kernel_size // 2, bias=False)
            # of a transposed one this counts the output's maps, as torch does; batch norm takes the scale away
            he_normal_(convolution, fan=convolution.weight[0].numel())
            return nn.Sequential(convolution, nn.BatchNorm2d(maps[1]), end)

        sizes = [channels] + [width] * half
        strides = [2 if number in downsample else 1 for number in range(1, half + 1)]
        ends = [nn.PReLU(width) if activation == "prelu" else nn.ReLU() for _ in range(depth - 1)] + [nn.Sigmoid()]
        self.encoder = nn.ModuleList(
            block(nn.Conv2d, (sizes[i], sizes[i + 1]), strides[i], end) for i, end in enumerate(ends[:half])
        )
        self.decoder = nn.ModuleList(
            block(nn.ConvTranspose2d, (sizes[i + 1], sizes[i]), strides[i], end)
            for i, end in zip(reversed(range(half)), ends[half:], strict=True)
        )
        self.pool = tuple(pool)
        self.shrink = nn.MaxPool2d(2)
        self.skips = skips_between(half, skip_step)

    def forward(self, degraded: Tensor) -> Tensor:
        maps, shapes, pooled = {}, [], {}
        x = degraded
        for number, block in enumerate(self.encoder, start=1):
            shapes.append(x.shape[-2:])
            x = block(x)  # (N, width, H, W), each side halved, rounded up, at a stride
            if number in self.skips:
                maps[number] = x
            if number in self.pool:
                pooled[number] = x.shape[-2:]
                x = self.shrink(x)  # each side halved, rounded down
        half = len(self.decoder)
        for number, block in enumerate(self.decoder, start=1):
            deconvolution, *rest = block.children()
            x = deconvolution(x, shapes.pop())
            for layer in rest:
                x = layer(x)
            mirror = half - number  # the convolution whose output has this one's size
            if mirror in self.pool:
                x = interpolate(x, pooled[mirror], mode="nearest")
            if mirror in self.skips:
                x = relu(x + maps[mirror])
        return x

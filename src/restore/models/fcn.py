"""A network of convolutions only: what RED-Net's Fig. 2 compares its deconvolutions with.

X.-J. Mao, C. Shen, Y.-B. Yang, arXiv 1606.08921, section 3.2.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from restore.bounds import Count, Start
from restore.models.layers import check, he_normal_, start_last_


class FullyConvolutional(nn.Module):
    """``restored = degraded + body(degraded)``, body: `depth` convolutions, ReLU after each but the last.

    Args:
        channels: image channels, 1 or 3.
        depth: convolutions (the paper: 5 and 10).
        width: feature maps of every hidden layer.
        kernel_size: odd filter size.
        upsample_input: False pads every map with zeros. True pads none: the input is enlarged
            bilinearly by ``depth · (kernel_size − 1)`` pixels, and ends at its own size.
        residual: True adds the input to the output; False learns the clean image itself.
        last_layer: how it starts: ``zero``, near zero, or ``he``, as the others do.

    Shape:
        ``(N, C, H, W)`` to ``(N, C, H, W)``, any H and W.

    Raises:
        ValueError: an argument is out of its range.

    Deviation: by default the input is added to the output, as in `REDNet`, so that the layers are all
    that differs. The paper says of its own, deconvolutional network of Fig. 2 that it is "without skip
    connection" (section 3.2); of the convolutional ones it does not say whether they add their input.
    Nor does it say how the input is enlarged, or how the layers start; ours start as `REDNet`'s do.
    """

    def __init__(
        self,
        channels: Count = 1,
        depth: Count = 10,
        width: Count = 64,
        kernel_size: Count = 3,
        upsample_input: bool = False,
        residual: bool = True,
        last_layer: Start = "zero",
    ):
        super().__init__()
        check(depth, kernel_size, width)
        self.residual = residual
        self.enlarged_by = depth * (kernel_size - 1) if upsample_input else 0
        padding = 0 if upsample_input else kernel_size // 2
        sizes = [channels, *[width] * (depth - 1), channels]
        self.body = nn.ModuleList(nn.Conv2d(sizes[i], sizes[i + 1], kernel_size, padding=padding) for i in range(depth))
        for layer in self.body:
            he_normal_(layer)
        start_last_(self.body[-1], last_layer)

    def forward(self, degraded: Tensor) -> Tensor:
        x = degraded
        if self.enlarged_by:
            size = [side + self.enlarged_by for side in degraded.shape[-2:]]
            x = interpolate(degraded, size, mode="bilinear", align_corners=False)
        for layer in self.body[:-1]:
            x = relu(layer(x))
        x = self.body[-1](x)
        return degraded + x if self.residual else x

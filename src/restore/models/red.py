"""RED-Net: convolutional encoder and deconvolutional decoder with symmetric skip connections.

X.-J. Mao, C. Shen, Y.-B. Yang, "Image Restoration Using Convolutional Auto-encoders with Symmetric
Skip Connections", arXiv 1606.08921.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import conv2d, relu


class Deconvolution(nn.ConvTranspose2d):
    """A transposed convolution of stride 1, computed as the convolution it is.

    Its output is that of a convolution with the filters turned by 180° and their two channel axes
    swapped; oneDNN computes that form 1.4 times as fast, forward and backward.
    """

    def forward(self, x: Tensor) -> Tensor:
        turned = self.weight.transpose(0, 1).flip(2, 3)  # (out, in, k, k)
        return conv2d(x, turned, self.bias, padding=self.kernel_size[0] - 1 - self.padding[0])


class REDNet(nn.Module):
    """RED10, RED20, RED30 and their ablations: ``restored = degraded + decoder(encoder(degraded))``.

    With n = depth / 2 convolutions c1..cn and deconvolutions d1..dn (all ``kernel_size`` squared,
    stride 1, zero padding, bias, ReLU after each but dn) and skip step s, for every k·s < n the map
    of c(k·s) is added to that of d(n − k·s) (section 3 and the authors' released definition).

    Args:
        channels: image channels, 1 or 3.
        depth: layers in all, even, at least 2 (the paper: 10, 20, 30).
        width: feature maps of every hidden layer (the ablations: 64; the released network: 128).
        kernel_size: odd filter size (the paper: 3; Fig. 10: 3, 5, 7, 9).
        skip_step: a skip every so many layers (the paper: 2); 0 for none, as in RED10.

    Shape:
        ``(N, C, H, W)`` to ``(N, C, H, W)``, any H and W.

    Raises:
        ValueError: an argument is out of its range.

    Deviation: the released program applies a ReLU after each sum as well; both terms are already
    non-negative, so it changes nothing and is left out. The paper does not state its initialisation:
    hidden layers follow He et al. 2015, and the last layer starts near zero, so that training starts
    from the identity.
    """

    def __init__(self, channels: int = 1, depth: int = 30, width: int = 64, kernel_size: int = 3, skip_step: int = 2):
        super().__init__()
        if depth < 2 or depth % 2:
            raise ValueError(f"model.depth must be an even number of layers, at least 2, and it is {depth}")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"model.kernel_size must be odd, so that a map keeps its size, and it is {kernel_size}")
        if width < 1:
            raise ValueError(f"model.width must be at least 1 feature map, and it is {width}")
        if skip_step < 0:
            raise ValueError(f"model.skip_step must be 0 (no skips) or more layers, and it is {skip_step}")
        half = depth // 2
        padding = kernel_size // 2
        sizes = [channels] + [width] * half
        self.encoder = nn.ModuleList(
            nn.Conv2d(sizes[i], sizes[i + 1], kernel_size, padding=padding) for i in range(half)
        )
        self.decoder = nn.ModuleList(
            Deconvolution(sizes[i + 1], sizes[i], kernel_size, padding=padding) for i in reversed(range(half))
        )
        # numbers (from 1) of the convolutions whose maps are handed across
        self.skips = tuple(range(skip_step, half, skip_step)) if skip_step else ()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for layer in [*self.encoder, *self.decoder]:
            fan = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
            nn.init.normal_(layer.weight, std=(2 / fan) ** 0.5)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.decoder[-1].weight, std=1e-3)

    def forward(self, degraded: Tensor) -> Tensor:
        maps = []
        x = degraded
        for number, convolution in enumerate(self.encoder, start=1):
            x = relu(convolution(x))  # (N, width, H, W)
            if number in self.skips:
                maps.append(x)
        half = len(self.decoder)
        for number, deconvolution in enumerate(self.decoder[:-1], start=1):
            x = relu(deconvolution(x))
            if half - number in self.skips:
                x = x + maps.pop()
        return degraded + self.decoder[-1](x)

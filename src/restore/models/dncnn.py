"""DnCNN: residual learning of the degradation with batch normalisation.

K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep
CNN for Image Denoising", IEEE TIP 2017, arXiv 1608.03981.
"""

from __future__ import annotations

from torch import Tensor, nn

from restore.models.layers import check, he_normal_, near_zero_


class DnCNN(nn.Module):
    """DnCNN-S (depth 17), DnCNN-B and CDnCNN-B (depth 20): ``restored = degraded − body(degraded)``.

    Body (section III.A): conv + ReLU, (conv + batch norm + ReLU) × (depth − 2), conv; zero padding.
    The middle convolutions have no bias where batch norm follows, which has one.

    Args:
        channels: image channels, 1 or 3.
        depth: convolutions in all, at least 2.
        width: feature maps of every hidden layer (the paper: 64).
        kernel_size: odd filter size (the paper: 3).
        batch_norm: False leaves it out, as after merging it into the convolutions.
        residual: False predicts the restored image itself (Fig. 2).

    Shape:
        ``(N, C, H, W)`` to ``(N, C, H, W)``, any H and W.

    Raises:
        ValueError: an argument is out of its range.

    Deviation: hidden layers start as He et al. 2015 do, like the paper's, but the last layer starts
    near zero, so that training starts from the identity: with He's start there, our default recipe
    is 4.8 dB behind after two minutes on two cores.
    """

    def __init__(
        self,
        channels: int = 1,
        depth: int = 17,
        width: int = 64,
        kernel_size: int = 3,
        batch_norm: bool = True,
        residual: bool = True,
    ):
        super().__init__()
        check(depth, kernel_size, width)
        self.residual = residual
        padding = kernel_size // 2
        layers: list[nn.Module] = [nn.Conv2d(channels, width, kernel_size, padding=padding), nn.ReLU()]
        for _ in range(depth - 2):
            layers.append(nn.Conv2d(width, width, kernel_size, padding=padding, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
        layers.append(nn.Conv2d(width, channels, kernel_size, padding=padding))
        self.body = nn.Sequential(*layers)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for layer in self.body:
            if isinstance(layer, nn.Conv2d):
                he_normal_(layer)
        if self.residual:
            near_zero_(self.body[-1])

    def forward(self, degraded: Tensor) -> Tensor:
        output = self.body(degraded)
        return degraded - output if self.residual else output

"""DnCNN: residual learning of the degradation with batch normalisation.

K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep
CNN for Image Denoising", IEEE TIP 2017, arXiv 1608.03981.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from restore.bounds import Count, Start
from restore.models.layers import check, he_normal_, start_last_


@torch.no_grad()
def start_as_released_(norm: nn.BatchNorm2d, deviation: float) -> None:
    """Start a batch norm as the authors' released training program does (`DnCNN`, ``start="released"``)."""
    gains = deviation * torch.randn_like(norm.weight)
    norm.weight.copy_(torch.where(gains < 0, -1.0, 1.0) * gains.abs().clamp(min=0.025))
    assert norm.running_var is not None
    norm.running_var.fill_(0.01)


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
        last_layer: how the last convolution starts: ``zero``, near zero, or ``he``, as the others do. Either
            goes with either value of `residual`.
        start: ``he``, or ``released`` as in the authors' released training program: every convolution
            ``N(0, 2 / (k² · width))``, the first too, and, where `last_layer` is ``he``, the last; gains of
            batch norm of the same deviation, pushed away from zero to 0.025 at least, so of 0.05 on
            average in absolute value, and not 1; running variances of 0.01.

    Shape:
        ``(N, C, H, W)`` to ``(N, C, H, W)``, any H and W.

    Raises:
        ValueError: an argument is out of its range.

    Deviations: hidden layers start as He et al. 2015 do, like the paper's, but by default the last layer
    starts near zero, so that with `residual` training starts from the identity: with He's start there,
    our default recipe is 4.8 dB behind after two minutes on two cores. (Without `residual` it then
    starts from a black image.) Running statistics move a tenth of the way each step; the released
    program's are the last step's.
    """

    def __init__(
        self,
        channels: Count = 1,
        depth: Count = 17,
        width: Count = 64,
        kernel_size: Count = 3,
        batch_norm: bool = True,
        residual: bool = True,
        last_layer: Start = "zero",
        start: Literal["he", "released"] = "he",
    ):
        super().__init__()
        check(depth, kernel_size, width)
        if start not in ("he", "released"):
            raise ValueError(f"model.start must be he or released, and it is '{start}'")
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
        fan = kernel_size**2 * width  # of every convolution but the first
        for layer in self.body:
            if isinstance(layer, nn.Conv2d):
                he_normal_(layer, fan=fan if start == "released" else None)
            elif isinstance(layer, nn.BatchNorm2d) and start == "released":
                start_as_released_(layer, deviation=(2 / fan) ** 0.5)
        start_last_(self.body[-1], last_layer)

    def forward(self, degraded: Tensor) -> Tensor:
        output = self.body(degraded)
        return degraded - output if self.residual else output

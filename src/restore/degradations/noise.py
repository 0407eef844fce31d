"""Additive white Gaussian noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restore.degradations.strength import Strength
from restore.image import to_unit


class GaussianNoise(nn.Module):
    """``y = x + sigma / 255 · n`` with n ~ N(0, 1) per pixel and channel, neither clipped nor rounded.

    One sigma is drawn per sample. kornia's ``RandomGaussianNoise`` is not used: it has one standard
    deviation for a whole batch, draws on the CPU, and by default leaves half of the samples clean.

    Args:
        sigma: standard deviation in 8-bit levels, at least 0: a number, a range or a set.

    Shape:
        ``(N, C, H, W)`` to the same, on any device; the generator must be on it too.

    Raises:
        ValueError: sigma is negative or malformed.
    """

    def __init__(self, sigma):
        super().__init__()
        self.sigma = Strength(sigma, "task.sigma", 0)

    def forward(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        sigma = to_unit(self.sigma.sample(clean.shape[0], generator)).view(-1, 1, 1, 1)
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        return (clean + sigma * noise).to(clean.dtype)

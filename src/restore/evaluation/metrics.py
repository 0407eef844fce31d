"""PSNR and Wang's SSIM, per image, on unit-range images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torchmetrics import Metric


def psnr(restored: Tensor, clean: Tensor, border: int = 0) -> Tensor:
    """``10 log10(1 / MSE)`` in dB of each image, over all its pixels and channels together.

    Args:
        border: pixels left out on every side.

    Shape:
        two ``(N, C, H, W)`` to ``(N,)``; infinite where the images are equal.

    Example:
        >>> psnr(torch.full((1, 1, 4, 4), 0.1), torch.zeros(1, 1, 4, 4)).item()
        20.0
    """
    difference = _inner(restored, border) - _inner(clean, border)
    return (-10 * difference.square().mean(dim=(1, 2, 3)).log10()).float()


def ssim(restored: Tensor, clean: Tensor, border: int = 0) -> Tensor:
    """Structural similarity of each image as in Wang et al. 2004: the mean over the map and the channels.

    11×11 Gaussian window of sigma 1.5, only where it lies wholly inside the image, K = (0.01, 0.03),
    L = 255. torchmetrics and kornia pad or crop otherwise and give 0.7609 where this gives 0.7595
    (classic5, JPEG quality 10).

    Shape:
        two ``(N, C, H, W)``, sides of at least 11, to ``(N,)``.

    Raises:
        ValueError: an image smaller than the window.
    """
    x, y = _inner(restored, border), _inner(clean, border)
    if min(x.shape[-2:]) < 11:
        raise ValueError(f"SSIM needs images of at least 11×11 pixels, and this one is {tuple(x.shape[-2:])}")
    taps = torch.arange(-5, 6, dtype=x.dtype, device=x.device)
    window = torch.exp(-taps.square() / (2 * 1.5**2))
    window = window / window.sum()
    n, c, h, w = x.shape

    def blur(image: Tensor) -> Tensor:
        image = conv2d(image.reshape(n * c, 1, h, w), window.view(1, 1, -1, 1))
        return conv2d(image, window.view(1, 1, 1, -1))

    mean_x, mean_y = blur(x), blur(y)
    variance_x = blur(x * x) - mean_x**2
    variance_y = blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2  # for a peak of 1
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * structure).view(n, -1).mean(dim=1).float()


def ssim_torchmetrics(restored: Tensor, clean: Tensor, border: int = 0) -> Tensor:
    """torchmetrics' SSIM of each image, with its own padding: to show what the variant is worth."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    images = (_inner(restored, border), _inner(clean, border))
    return structural_similarity_index_measure(*images, data_range=1.0, reduction="none").reshape(-1).float()


def _inner(image: Tensor, border: int) -> Tensor:
    """Without its border, in float64 where the device has it."""
    image = image if image.device.type == "mps" else image.double()
    return image[..., border : image.shape[-2] - border, border : image.shape[-1] - border]


class _ImageMean(Metric):
    """Mean over images of a per-image score; the same on one process as on many."""

    higher_is_better = True
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, border: int = 0):
        super().__init__()
        self.border = border
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def score(self, restored: Tensor, clean: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} has no score of its own")

    def update(self, restored: Tensor, clean: Tensor) -> None:
        scores = self.score(restored, clean)
        self.total += scores.sum()
        self.count += scores.numel()

    def compute(self) -> Tensor:
        return (self.total / self.count).float()


class PSNR(_ImageMean):
    """Mean over images of `psnr` (not the PSNR of the pooled error, which is some 0.2 dB higher)."""

    def score(self, restored: Tensor, clean: Tensor) -> Tensor:
        return psnr(restored, clean, self.border)


class SSIM(_ImageMean):
    """Mean over images of `ssim`."""

    def score(self, restored: Tensor, clean: Tensor) -> Tensor:
        return ssim(restored, clean, self.border)

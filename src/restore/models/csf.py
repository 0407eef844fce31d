"""CSF: cascades of shrinkage fields, each a shrinkage of filter responses and one division in the Fourier domain.

U. Schmidt, S. Roth, "Shrinkage Fields for Effective Image Restoration", CVPR 2014.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import cos, pi
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.fft import fftshift, irfft2, rfft2
from torch.nn.functional import conv2d, pad

from restore.image import to_unit
from restore.models.radial_basis import influence

BEYOND, PLACES = 50, 40  # a shrinkage function's table: spacings of the means to either side of them, places in a spacing


class CSF(nn.Module):
    """Stages ``x ← F⁻¹[(λ F(y) + Σᵢ F(fᵢ)* F(φᵢ(fᵢ ∗ x))) / (λ + Σᵢ |F(fᵢ)|²)]``, x starting as the degraded image y.

    F is the discrete Fourier transform, * the complex conjugate, ∗ the circular convolution, and
    ``φᵢ(v) = Σ_m w_im exp(−precision / 2 · (v − mean_m)²)`` (see `influence`). Each stage has filters fᵢ, weights w
    and λ > 0 of its own, trained all together here. Before each stage x and y are continued by `margin` pixels of
    the nearest one on every side, which are cut off x after it; nothing is clipped between stages.

    Filters have zero mean and unit norm, by projection in every pass. None of them sees the mean of an image, so
    that the output's (with the margin) is that of y: it is set, where the equation's quotient is of roundings alone.

    Args:
        channels: image channels, each restored by itself (the paper: 1).
        stages: shrinkage fields, one after the other (the paper's largest: 5).
        kernel_size: k for all k² − 1 filters of k × k (the paper: 3, 5, 7), or height and width of each filter:
            ``[[1, 2], [2, 1]]`` are the paper's pairwise ones.
        means: of the radial basis, in levels of 0 to 255: the first, their spacing, and their number.
        precision: of its Gaussians, the inverse of their variance in levels.
        margin: pixels on every side, at least as many as the largest filter has in a row or column, less one.

    Shape:
        ``(N, C, H, W)`` to the same, any H and W.

    Raises:
        ValueError: an argument is out of its range.

    Deviations: φ is interpolated linearly in a table, as in the authors' program: at 40 places a spacing, to 50
    spacings beyond the outermost means. Everything is computed in float32 at least, under autocast too. Weights
    start so that φ is the identity at the means, filters as the cosines of an orthonormal DCT, λ at 1. One
    network restores one noise level (or none, where it is trained on several); the authors' are trained by L-BFGS.
    """

    def __init__(
        self,
        channels: int = 1,
        stages: int = 5,
        kernel_size: int | Sequence[Sequence[int]] = 7,
        means: Sequence[float] = (-260, 10, 53),
        precision: float = 0.01,
        margin: int = 10,
    ):
        super().__init__()

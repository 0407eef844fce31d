"""How strong the noise of an image is, estimated from the image alone.

X. Liu, M. Tanaka, M. Okutomi, "Single-Image Noise Level Estimation for Blind Denoising", IEEE TIP 22(12), 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

SIDE = 7  # of a patch, in pixels (the paper's)
CONFIDENCE = 1 - 1e-6  # δ of the paper: how seldom noise alone looks like texture
ROUNDS = 3  # of choosing patches
PATCHES = 250_000  # at most: of a larger image, patches at equal distances
WHITE = 1.3  # root of the median over the smallest eigenvalue: of white noise it is less, but for texture


@dataclass(frozen=True)
class NoiseLevel:
    """An estimate, in units of [0, 1].

    Attributes:
        sigma: standard deviation of white Gaussian noise.
        spread: root of the median over the smallest eigenvalue. White noise has nearly the same variance in
            every direction of a patch; blur, enlarging and JPEG make neighbours alike, so that the smallest
            is far too low.
    """

    sigma: float
    spread: float

    @property
    def doubtful(self) -> bool:
        """Whether the image may have more noise than `sigma`: blurred, enlarged or JPEG-coded after it got it."""
        return self.spread > WHITE


def estimate_noise(image: Tensor) -> NoiseLevel:
    """Estimate the noise of an image, of colour as the root mean square over its channels.

    The smallest eigenvalue of the covariance of 7 × 7 patches without texture is the noise's variance. A patch counts
    as such where the energy of its gradients is less than noise of the variance found so far has with probability
    1 − 1e-6 (a gamma distribution): three rounds, the first with all patches.

    Shape:
        ``(1, C, H, W)`` in [0, 1], sides of at least 16 pixels.

    Raises:
        ValueError: a smaller image.

    Deviation: of images of more than 250,000 patches only as many are looked at, at equal distances.
    """
    height, width = image.shape[-2:]
    if min(height, width) < 16:
        raise ValueError(
            f"noise is estimated from images of 16 × 16 pixels at least, and this one has {height} × {width}"
        )
    estimates = [_eigenvalues(plane) for plane in image[0].detach().cpu().numpy()]
    variances, medians = np.array(estimates).T
    spread = float(np.sqrt(medians.mean() / max(variances.mean(), 1e-12)))
    return NoiseLevel(float(np.sqrt(variances.mean())), spread)


def _eigenvalues(plane: NDArray) -> tuple[float, float]:
    """The smallest and the median variance of patches without texture, over their directions."""
    patches, energies = _patches(plane)
    smallest, median = _spectrum(patches)
    for _ in range(ROUNDS - 1):
        weak = energies < _threshold() * smallest
        if np.count_nonzero(weak) < SIDE**2:
            break
        patches, energies = patches[weak], energies[weak]
        smallest, median = _spectrum(patches)
    return smallest, median


def _spectrum(patches: NDArray) -> tuple[float, float]:
    values = np.linalg.eigvalsh(np.cov(patches, rowvar=False)).clip(min=0)
    return float(values[0]), float(np.median(values))


def _patches(plane: NDArray) -> tuple[NDArray, NDArray]:
    """Patches ``(N, 49)`` at equal distances, and the energy of the central differences within each, ``(N,)``."""
    step = max(1, int(np.ceil(np.sqrt(plane.size / PATCHES))))
    windows = np.lib.stride_tricks.sliding_window_view(plane, (SIDE, SIDE))[::step, ::step]
    windows = windows.reshape(-1, SIDE, SIDE).astype(np.float64)  # of the patches alone: images may be large
    across = windows[:, :, 2:] - windows[:, :, :-2]
    energies = np.einsum("nyx,nyx->n", across, across)
    down = windows[:, 2:] - windows[:, :-2]
    energies += np.einsum("nyx,nyx->n", down, down)
    return windows.reshape(-1, SIDE**2), energies / 4  # differences over two pixels


@lru_cache(maxsize=1)
def _threshold() -> float:
    """τ of the paper for noise of variance 1: what the energy of noise's gradients stays below."""
    from scipy.stats import gamma

    rows = []
    for vertical in (False, True):
        for y in range(SIDE - 2 if vertical else SIDE):
            for x in range(SIDE if vertical else SIDE - 2):
                row = np.zeros((SIDE, SIDE))
                row[y, x], row[(y + 2, x) if vertical else (y, x + 2)] = -0.5, 0.5
                rows.append(row.ravel())
    form = np.array(rows).T @ np.array(rows)  # the energy is pᵀ · form · p
    rank, trace = np.linalg.matrix_rank(form), np.trace(form)
    return float(gamma.ppf(CONFIDENCE, rank / 2, scale=2 * trace / rank))

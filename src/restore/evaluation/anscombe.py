"""Denoisers of white Gaussian noise on images of a sensor: its noise made alike everywhere first, and undone after.

The generalised Anscombe transform (F. Murtagh, J.-L. Starck, A. Bijaoui, "Image restoration with noise
suppression using a multiresolution support", Astronomy and Astrophysics Supplement 112, 1995) takes
Poisson–Gaussian noise of any brightness to noise of a variance near 1. Its inverse here is the closed
form of the exact unbiased one:

M. Mäkitalo, A. Foi, "Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian
noise", IEEE TIP 22(1), 2013, which is that of "A closed-form approximation of the exact unbiased inverse
of the Anscombe variance-stabilizing transformation", IEEE TIP 20(9), 2011, less the variance of the read noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Denoiser = Callable[[np.ndarray, float], np.ndarray]  # (H, W, C) and its noise's standard deviation, to (H, W, C)


def stabilise(image: np.ndarray, gain: float, read_noise: float) -> np.ndarray:
    """``2 √max(z + 3/8 + s², 0)`` of ``z = y / a`` electrons with a read noise of ``s = b / a`` electrons."""
    return 2 * np.sqrt(np.maximum(image / gain + 3 / 8 + (read_noise / gain) ** 2, 0))


def invert(stabilised: np.ndarray, gain: float, read_noise: float) -> np.ndarray:
    """The x whose noisy y has this mean when stabilised; 0 where no x has so small a one."""
    # below the stabilised mean of no electrons and no read noise the closed form is not defined
    d = np.maximum(stabilised, 2 * np.sqrt(3 / 8))
    root = np.sqrt(3 / 2)
    electrons = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8 - (read_noise / gain) ** 2
    return gain * np.maximum(electrons, 0)


def on_stabilised(denoise: Denoiser) -> Callable[[np.ndarray, float, float], np.ndarray]:
    """A denoiser that is told a standard deviation, as one that is told gain and read noise.

    What it is given is scaled to [0, 1], the range that denoisers are made for.
    """

    def method(image: np.ndarray, gain: float, read_noise: float) -> np.ndarray:
        if gain <= 0:  # no photon noise: there is nothing to stabilise
            return denoise(image, read_noise)
        levels = stabilise(image, gain, read_noise)
        low, high = levels.min(), levels.max()
        width = max(high - low, 1.0)  # of an image without contrast: the noise's
        return invert(low + width * denoise((levels - low) / width, 1 / width), gain, read_noise)

    method.__doc__ = f"{denoise.__doc__} On stabilised noise (see `restore.evaluation.anscombe`)."
    return method

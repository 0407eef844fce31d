"""Deconvolution by a known kernel, Wiener's and Richardson's and Lucy's, tuned for each kernel of RED-Net's Table 10.

Wiener's balance and the number of rounds are those of the least mean squared error over scikit-image's photographs
for training, none of which is tested: ``python -m restore.bench what=tuning`` makes the grid and the choice again.
Images are blurred and rounded to 8 bits, without noise; where a task adds noise, both are told nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from restore.degradations import kernels


class Tuning(NamedTuple):
    """Of one kernel.

    Attributes:
        kernel: the kernel itself, of RED-Net's sizes; its motion is ours, 15 pixels at 45°.
        balance: of Wiener's filter, the weight of the smoothness.
        rounds: of Richardson and Lucy.
    """

    kernel: np.ndarray
    balance: float
    rounds: int


@lru_cache(maxsize=1)
def tunings() -> dict[str, Tuning]:
    """The choice for each kernel; for the Gaussian, rounds beyond the grid's 200 would gain a little more."""
    return {
        "disk": Tuning(kernels.disk(7).double().numpy(), 0.005, 60),
        "gaussian": Tuning(kernels.gaussian(25, 1.6).double().numpy(), 5e-5, 200),
        "motion": Tuning(kernels.motion(15, 45).double().numpy(), 0.1, 30),
    }


def tuning_of(kernel: np.ndarray) -> Tuning:
    """The choice for a kernel; for one that is none of the three, that of the motion, the most cautious of them.

    A motion blur hardly damps some of the frequencies and wholly removes others beside them, where a weaker balance
    or more rounds lift the rounding of the image above it: 10 dB in the record of the grid. Kernels are told apart
    by their weights, sorted by size: they may be turned, as under the self-ensemble, or have a frame of zeros.

    Example:
        >>> from restore.degradations import kernels
        >>> tuning_of(kernels.disk(7).numpy()).rounds, tuning_of(kernels.motion(11, 30).numpy()).rounds
        (60, 30)
    """
    known = tunings()
    same = (tuning for tuning in known.values() if _distance(tuning.kernel, kernel) < 1e-6)
    return next(same, known["motion"])


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two kernels' weights, sorted by size."""
    size = max(one.size, other.size)
    first, second = (np.pad(np.sort(each, axis=None)[::-1], (0, size - each.size)) for each in (one, other))
    return float(np.abs(first - second).max())


def wiener(image: np.ndarray, kernel: np.ndarray, balance: float | None = None) -> np.ndarray:
    """Wiener 1949, with a Laplacian for the image's spectrum (Hunt 1973), as in scikit-image.

    Args:
        kernel: that the image is the convolution with, ``(k, k)``.
        balance: the weight of the smoothness, above 0; by default the kernel's (see `tuning_of`).

    Shape:
        ``(H, W, C)`` in [0, 1] to the same.
    """
    from skimage import restoration

    weight = tuning_of(kernel).balance if balance is None else balance
    return _by_channel(image, kernel, lambda plane: restoration.wiener(plane, kernel, balance=weight, clip=False))


def richardson_lucy(image: np.ndarray, kernel: np.ndarray, rounds: int | None = None) -> np.ndarray:
    """Richardson 1972, Lucy 1974, as in scikit-image.

    Args:
        kernel: that the image is the convolution with, ``(k, k)``.
        rounds: at least 1; by default the kernel's (see `tuning_of`).

    Shape:
        ``(H, W, C)`` in [0, 1] to the same.
    """
    from skimage import restoration

    count = tuning_of(kernel).rounds if rounds is None else rounds
    return _by_channel(
        image, kernel, lambda plane: restoration.richardson_lucy(plane, kernel, num_iter=count, clip=False)
    )


def _by_channel(image: np.ndarray, kernel: np.ndarray, method: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A deconvolution of each channel; the Fourier transform's seam lies in a margin that fades to the mean.

    Without the fading the disk's Wiener filter loses 10 dB to waves that start at the seam.
    """
    margin = 2 * max(kernel.shape)
    wide = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    rows, columns = (_fading(side, margin) for side in wide.shape[:2])
    weight = np.minimum.outer(rows, columns)[..., None]
    wide = weight * wide + (1 - weight) * image.mean(axis=(0, 1))
    planes = [method(np.ascontiguousarray(plane)) for plane in np.moveaxis(wide, -1, 0)]
    return np.stack(planes, axis=-1)[margin:-margin, margin:-margin].clip(0, 1)


def _fading(side: int, margin: int) -> np.ndarray:
    """1 inside, and falling to 0 as a cosine over the margin at both ends."""
    weight = np.ones(side)
    weight[:margin] = 0.5 - 0.5 * np.cos(np.pi * np.arange(margin) / margin)
    weight[-margin:] = weight[:margin][::-1]
    return weight

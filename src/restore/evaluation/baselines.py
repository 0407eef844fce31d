"""Classical methods from scikit-image, OpenCV and BM3D's authors, to stand beside a trained network in a table.

They are networks like any other, with the conditions that their papers assume known: the noise's
sigma or a sensor's gain and read noise, the blur's kernel, or which pixels are drawn over. One is told nothing, for a
corruption of which nothing is known.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from restore.degradations.base import Degradation
from restore.errors import RequestError, unknown_name
from restore.evaluation.anscombe import on_stabilised
from restore.evaluation.deconvolution import richardson_lucy, wiener

Method = Callable[..., np.ndarray]  # (H, W, C) in [0, 1] and its conditions, to (H, W, C)

# Settings of the denoisers are the best of a small grid on the three test photographs at sigma 25; those of the
# deconvolutions are in restore.evaluation.deconvolution.


def _bicubic(image: np.ndarray, scale: float) -> np.ndarray:
    """The enlarged image as it is: the input of every super-resolution network here."""
    return image


def _non_local_means(image: np.ndarray, sigma: float) -> np.ndarray:
    """Buades, Coll, Morel 2005, with Darbon's fast integral images: 5×5 patches within 13×13 pixels."""
    from skimage.restoration import denoise_nl_means

    settings = {"patch_size": 5, "patch_distance": 6, "h": 0.7 * sigma, "fast_mode": True}
    return denoise_nl_means(image, sigma=sigma, channel_axis=-1, **settings)


def _total_variation(image: np.ndarray, sigma: float) -> np.ndarray:
    """Rudin, Osher, Fatemi 1992, by Chambolle's projection."""
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(image, weight=0.8 * sigma, channel_axis=-1)


def _wavelet(image: np.ndarray, sigma: float) -> np.ndarray:
    """BayesShrink (Chang, Yu, Vetterli 2000) on db2 wavelets."""
    from skimage.restoration import denoise_wavelet

    settings = {"wavelet": "db2", "method": "BayesShrink", "rescale_sigma": False}
    return denoise_wavelet(image, sigma=sigma, channel_axis=-1, **settings)


def _bilateral(image: np.ndarray, sigma: float) -> np.ndarray:
    """Tomasi, Manduchi 1998, as in OpenCV, range sigma 3 times the noise's."""
    import cv2

    return cv2.bilateralFilter(image.astype(np.float32), d=9, sigmaColor=3 * sigma, sigmaSpace=1.5)


def _median(image: np.ndarray) -> np.ndarray:
    """The median of 3×3 pixels in each channel (Tukey's), at the border of those that are repeated; told nothing."""
    from scipy.ndimage import median_filter

    return median_filter(image, size=(3, 3, 1), mode="nearest")


def _bm3d(image: np.ndarray, sigma: float) -> np.ndarray:
    """BM3D and, on colour images, CBM3D (Dabov, Foi, Katkovnik, Egiazarian 2007), their authors' program.

    Its licence allows non-profit research only, so it is an extra: ``pip install -e '.[bm3d]'``.
    """
    import bm3d

    method = bm3d.bm3d if image.shape[2] == 1 else bm3d.bm3d_rgb
    return method(image, sigma)


def _biharmonic(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Damelin, Hoang 2018, as in scikit-image: smooth filling of the pixels that are drawn over, which it is told."""
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(image, mask[0] > 0, split_into_regions=True, channel_axis=-1)


BASELINES: dict[str, tuple[Method, tuple[str, ...]]] = {  # and the conditions that each is told
    "bicubic": (_bicubic, ("scale",)),
    "non_local_means": (_non_local_means, ("sigma",)),
    "total_variation": (_total_variation, ("sigma",)),
    "wavelet": (_wavelet, ("sigma",)),
    "bilateral": (_bilateral, ("sigma",)),
    "bm3d": (_bm3d, ("sigma",)),
    "anscombe_non_local_means": (on_stabilised(_non_local_means), ("gain", "read_noise")),
    "anscombe_bm3d": (on_stabilised(_bm3d), ("gain", "read_noise")),
    "wiener": (wiener, ("kernel",)),
    "richardson_lucy": (richardson_lucy, ("kernel",)),
    "biharmonic": (_biharmonic, ("mask",)),
    "median": (_median, ()),
}


class Baseline:
    """A classical method with the interface of a network: ``baseline(degraded, sigma=...)``.

    Args:
        name: one of `BASELINES`.

    Attributes:
        conditions: what it is told. Of noise that varies over the image, it is told the root of the
            mean variance.

    Shape:
        ``(N, C, H, W)`` to the same, float32.

    Raises:
        RequestError: an unknown name, or a package that is not installed.
    """

    def __init__(self, name: str):
        if name not in BASELINES:
            raise unknown_name("baselines", name, BASELINES)
        if name.endswith("bm3d") and importlib.util.find_spec("bm3d") is None:
            raise RequestError(f"baselines={name} needs pip install -e '.[bm3d]' (for non-profit research only)")
        self.name = name
        self.method, self.conditions = BASELINES[name]

    def __call__(self, degraded: Tensor, **conditions: Tensor) -> Tensor:
        images = degraded.permute(0, 2, 3, 1).double().cpu().numpy()
        told = {name: condition.double().cpu().numpy() for name, condition in conditions.items()}
        restored = [
            self.method(image, **{name: _plain(name, values[i]) for name, values in told.items()}).reshape(image.shape)
            for i, image in enumerate(images)
        ]
        return torch.from_numpy(np.stack(restored)).permute(0, 3, 1, 2).float().to(degraded.device)

    def fits(self, degradation: Degradation) -> bool:
        """Whether the method is for a degradation: it is told its first condition, or nothing where there is none."""
        return self.name in fitting_baselines(degradation.conditions)

    def check(self, degradation: Degradation, setting: str) -> None:
        """Refuse a degradation that is not what the method is for (see `fits`).

        Raises:
            RequestError: which setting, and what there is for it.
        """
        if not self.fits(degradation):
            fitting = ", ".join(fitting_baselines(degradation.conditions)) or "none"
            raise RequestError(f"baselines={self.name} is not for {setting}; for it there is {fitting}")


def fitting_baselines(conditions: Sequence[str]) -> list[str]:
    """Names of the methods for a degradation that gives these conditions; without any, of those that are told nothing."""
    return [name for name, (_, needed) in BASELINES.items() if (conditions[0] in needed if conditions else not needed)]


def _plain(name: str, value: np.ndarray) -> float | np.ndarray:
    """What a method is given: a number where it wants one, and a kernel to convolve with (ours are correlated)."""
    if name == "sigma":
        return float(np.sqrt(np.mean(value**2)))
    if name == "kernel":
        return value[::-1, ::-1]
    return float(value) if value.ndim == 0 else value

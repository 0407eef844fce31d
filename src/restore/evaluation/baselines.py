"""Classical methods from scikit-image, OpenCV and BM3D's authors, to stand beside a trained network in a table.

Unlike a network, each is told what its paper assumes known: the noise's sigma, the blur's kernel,
or which pixels are drawn over.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restore.errors import RequestError, unknown_name
from restore.evaluation.protocol import Setting
from restore.image import LEVELS


@dataclass
class Known:
    """What a method is told of one image, beside the degraded image itself."""

    sigma: float = 0.0  # the noise's, in [0, 1]
    kernel: np.ndarray | None = None  # the blur's, to be convolved with
    mask: np.ndarray | None = None  # (H, W), True where something is drawn over the image


# Each takes (H, W, C) in [0, 1] and what is known. Settings are the best of a small grid on the three test
# photographs (sigma 25; the disk of radius 7), so that what is compared with is not a weak version.


def _bicubic(image: np.ndarray, known: Known) -> np.ndarray:
    """The enlarged image as it is: the input of every super-resolution network here."""
    return image


def _non_local_means(image: np.ndarray, known: Known) -> np.ndarray:
    """Buades, Coll, Morel 2005, with Darbon's fast integral images: 5×5 patches within 13×13 pixels."""
    from skimage.restoration import denoise_nl_means

    settings = {"patch_size": 5, "patch_distance": 6, "h": 0.7 * known.sigma, "fast_mode": True}
    return denoise_nl_means(image, sigma=known.sigma, channel_axis=-1, **settings)


def _total_variation(image: np.ndarray, known: Known) -> np.ndarray:
    """Rudin, Osher, Fatemi 1992, by Chambolle's projection."""
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(image, weight=0.8 * known.sigma, channel_axis=-1)


def _wavelet(image: np.ndarray, known: Known) -> np.ndarray:
    """BayesShrink (Chang, Yu, Vetterli 2000) on db2 wavelets."""
    from skimage.restoration import denoise_wavelet

    settings = {"wavelet": "db2", "method": "BayesShrink", "rescale_sigma": False}
    return denoise_wavelet(image, sigma=known.sigma, channel_axis=-1, **settings)


def _bilateral(image: np.ndarray, known: Known) -> np.ndarray:
    """Tomasi, Manduchi 1998, as in OpenCV, range sigma 3 times the noise's."""
    import cv2

    return cv2.bilateralFilter(image.astype(np.float32), d=9, sigmaColor=3 * known.sigma, sigmaSpace=1.5)


def _bm3d(image: np.ndarray, known: Known) -> np.ndarray:
    """BM3D and, on colour images, CBM3D (Dabov, Foi, Katkovnik, Egiazarian 2007), their authors' program.

    Its licence allows non-profit research only, so it is an extra: ``pip install -e '.[bm3d]'``.
    """
    import bm3d

    method = bm3d.bm3d if image.shape[2] == 1 else bm3d.bm3d_rgb
    return method(image, known.sigma)


def _wiener(image: np.ndarray, known: Known) -> np.ndarray:
    """Wiener 1949, with a Laplacian for the image's spectrum (Hunt 1973), as in scikit-image."""
    from skimage.restoration import wiener

    return _by_channel(image, known, lambda plane: wiener(plane, known.kernel, balance=0.002, clip=False))


def _richardson_lucy(image: np.ndarray, known: Known) -> np.ndarray:
    """Richardson 1972, Lucy 1974: 60 rounds."""
    from skimage.restoration import richardson_lucy

    return _by_channel(image, known, lambda plane: richardson_lucy(plane, known.kernel, num_iter=60, clip=False))


def _by_channel(image: np.ndarray, known: Known, method: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A deconvolution of each channel; the Fourier transform's seam lies in a margin that fades to the mean.

    Without the fading the disk's Wiener filter loses 10 dB to waves that start at the seam.
    """
    margin = 2 * max(known.kernel.shape)
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


def _biharmonic(image: np.ndarray, known: Known) -> np.ndarray:
    """Damelin, Hoang 2018, as in scikit-image: smooth filling of the pixels that are drawn over, which it is told."""
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(image, known.mask, split_into_regions=True, channel_axis=-1)


@dataclass(frozen=True)
class Method:
    """A classical method, and the family of settings it is for."""

    restore: Callable[[np.ndarray, Known], np.ndarray]
    family: str


BASELINES = {
    "bicubic": Method(_bicubic, "sr"),
    "non_local_means": Method(_non_local_means, "noise"),
    "total_variation": Method(_total_variation, "noise"),
    "wavelet": Method(_wavelet, "noise"),
    "bilateral": Method(_bilateral, "noise"),
    "bm3d": Method(_bm3d, "noise"),
    "wiener": Method(_wiener, "blur"),
    "richardson_lucy": Method(_richardson_lucy, "blur"),
    "biharmonic": Method(_biharmonic, "overlay"),
}


class Baseline:
    """A classical method with the interface of a network, for one setting.

    Args:
        name: one of `BASELINES`.
        setting: the degradation, of which it is told what it needs.

    Attributes:
        needs_mask: it must be given `mask` before each image, ``(1, H, W)``, True where drawn over.

    Shape:
        ``(N, C, H, W)`` to the same, float32.

    Raises:
        RequestError: an unknown name, a setting it is not for, or a package that is not installed.
    """

    def __init__(self, name: str, setting: Setting):
        if name not in BASELINES:
            raise unknown_name("baselines", name, BASELINES)
        method = BASELINES[name]
        if setting.family != method.family:
            fitting = [other for other, its in BASELINES.items() if its.family == setting.family] or ["none"]
            raise RequestError(f"baselines={name} is not for {setting.name}; for it there is {', '.join(fitting)}")
        if name == "bm3d" and importlib.util.find_spec("bm3d") is None:
            raise RequestError("baselines=bm3d needs pip install -e '.[bm3d]' (for non-profit research only)")
        self.method = method
        self.known = Known()
        if method.family == "noise":
            self.known.sigma = float(setting.strength) / LEVELS
        if method.family == "blur":
            kernels = setting.degradation.kernels
            if len(kernels) > 1:
                raise RequestError(f"baselines={name} deconvolves by one known kernel, and {setting.name} has a range")
            self.known.kernel = kernels[0].flip(0, 1).double().numpy()  # the blur is a correlation
        self.needs_mask = method.family == "overlay"
        self.mask: Tensor | None = None

    def __call__(self, degraded: Tensor) -> Tensor:
        if self.needs_mask:
            self.known.mask = self.mask[0].cpu().numpy()
        images = degraded.permute(0, 2, 3, 1).double().cpu().numpy()
        restored = np.stack([self.method.restore(image, self.known).reshape(image.shape) for image in images])
        return torch.from_numpy(restored).permute(0, 3, 1, 2).float().to(degraded.device)

"""Classical denoisers from scikit-image and OpenCV, to stand beside a trained network in a table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from restore.request import unknown

# Each takes (H, W, C) in [0, 1] and the noise's true sigma in the same unit. Their settings are the best of a
# small grid on the three test photographs at sigma 25, so that what is compared with is not a weak version.


def _non_local_means(image: np.ndarray, sigma: float) -> np.ndarray:
    """Buades, Coll, Morel 2005, with Darbon's fast integral images: 5×5 patches within 13×13 pixels."""
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        image, patch_size=5, patch_distance=6, h=0.7 * sigma, sigma=sigma, fast_mode=True, channel_axis=-1
    )


def _total_variation(image: np.ndarray, sigma: float) -> np.ndarray:
    """Rudin, Osher, Fatemi 1992, by Chambolle's projection."""
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(image, weight=0.8 * sigma, channel_axis=-1)


def _wavelet(image: np.ndarray, sigma: float) -> np.ndarray:
    """BayesShrink (Chang, Yu, Vetterli 2000) on db2 wavelets."""
    from skimage.restoration import denoise_wavelet

    return denoise_wavelet(
        image, sigma=sigma, wavelet="db2", method="BayesShrink", rescale_sigma=False, channel_axis=-1
    )


def _bilateral(image: np.ndarray, sigma: float) -> np.ndarray:
    """Tomasi, Manduchi 1998, as in OpenCV, range sigma 3 times the noise's."""
    import cv2

    return cv2.bilateralFilter(image.astype(np.float32), d=9, sigmaColor=3 * sigma, sigmaSpace=1.5)


METHODS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "non_local_means": _non_local_means,
    "total_variation": _total_variation,
    "wavelet": _wavelet,
    "bilateral": _bilateral,
}


def classical(name: str, sigma: float) -> Callable[[Tensor], Tensor]:
    """A classical denoiser with the interface of a network.

    Args:
        name: one of `METHODS`.
        sigma: the noise's true standard deviation in [0, 1] units; a network is not told it.

    Shape:
        ``(N, C, H, W)`` to the same, float32, on the CPU.

    Raises:
        RequestError: an unknown name.
    """
    if name not in METHODS:
        raise unknown("method", name, METHODS)

    def restore(degraded: Tensor) -> Tensor:
        images = degraded.permute(0, 2, 3, 1).double().cpu().numpy()
        restored = np.stack([METHODS[name](image, sigma).reshape(image.shape) for image in images])
        return torch.from_numpy(restored).permute(0, 3, 1, 2).float().to(degraded.device)

    return restore

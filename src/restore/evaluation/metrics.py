"""What a restored image is measured by: functions of two images, and `Metric`, a function under a name.

Each function takes images ``(1, C, H, W)`` in [0, 1] (`vif` in levels of 0 to 255), cut and rounded as
the protocol says, and returns one number. Sums are taken in float64 where the device has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Annotated, cast

import torch
from annotated_types import Ge, Le
from torch import Tensor
from torch.nn.functional import conv2d

from restore.bounds import Count, ImageChannels, Text
from restore.colour import rgb_to_y
from restore.errors import RequestError

# -- a function under a name -----------------------------------------------------------------------


@dataclass(frozen=True)
class Metric:
    """A measure of a restored image beside the clean one, and what its numbers mean.

    Attributes:
        name: in the configuration, in `metric=[...]` and in what is logged.
        function: ``(restored, clean) -> number`` on images ``(1, C, H, W)``, float32.
        higher_is_better: whether a larger value is a better restoration.
        data_range: peak of the images that the function wants, 1 or 255.
        unit: ``dB``, or nothing.
        digits: decimals in tables; rows keep at least four.
        channels: number of channels that it is defined for; any where it is not given.
        smallest: shortest side in pixels that it is defined for.
        families: of degradations that it is meant for (``jpeg``); all where they are not given.

    Raises:
        ValueError: a value out of its range.
    """

    name: str
    function: Callable[[Tensor, Tensor], Tensor | float]
    higher_is_better: bool = True
    data_range: Annotated[float, Ge(0.001)] = 1.0
    unit: str = ""
    digits: Annotated[int, Ge(0), Le(12)] = 4
    channels: ImageChannels | None = None
    smallest: Count = 1
    families: Sequence[Text] | None = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ValueError(f"metrics.{self.name}.function cannot be called: it is {self.function!r}")
        for name, lowest in (("data_range", 0.001), ("digits", 0), ("smallest", 1), ("channels", 1)):
            value = getattr(self, name)
            if value is not None and not value >= lowest:
                raise ValueError(f"metrics.{self.name}.{name} must be at least {lowest}, and it is {value}")

    @property
    def label(self) -> str:
        """The name that stands in rows: with version and hash of the weights where it has any, ``lpips@0.1-7be5be79``."""
        identity = getattr(self.function, "identity", "")
        return f"{self.name}@{identity}" if identity else self.name

    @property
    def needs(self) -> str:
        """What an image must be for the metric to be defined; empty where any will do."""
        parts = [f"{self.channels} {'channel' if self.channels == 1 else 'channels'}"] if self.channels else []
        parts += [f"sides from {self.smallest} pixels"] if self.smallest > 1 else []
        parts += [f"a degradation of family {' or '.join(self.families)}"] if self.families else []
        return ", ".join(parts)

    def why_not(self, image: Tensor, family: str = "") -> str | None:
        """Why the metric is not defined for an image ``(1, C, H, W)``, in one line; None where it is."""
        channels, height, width = image.shape[-3:]
        if self.channels not in (None, channels):
            why = f"the image has {channels}"
        elif min(height, width) < self.smallest:
            why = f"the image is {height}×{width}"
        elif self.families and family not in self.families:
            why = f"this one is of family {family or 'unknown'}"
        else:
            return None
        return f"{self.name} needs {self.needs}; {why}"

    def __call__(self, restored: Tensor, clean: Tensor, family: str = "") -> float | None:
        """The value for one image ``(1, C, H, W)`` in the unit range; None where it is not defined.

        That is where `why_not` says so, and where a function answers two finite images by NaN.

        Args:
            family: of the degradation, as settings name it.

        Raises:
            RequestError: the function refuses the images, or does not return one number.
        """
        if self.why_not(clean, family):
            return None
        images = (restored * self.data_range, clean * self.data_range)
        with torch.no_grad(), torch.autocast(clean.device.type, enabled=False):  # a trainer's would round
            try:
                value = torch.as_tensor(self.function(*images))
            except (ValueError, TypeError) as error:
                raise RequestError(f"metrics.{self.name}: {error}") from error
        if value.numel() != 1:
            raise RequestError(f"metrics.{self.name} returns {value.numel()} numbers for one image, and it must be one")
        number = value.item()
        undefined = isnan(number) and bool(torch.isfinite(restored).all() and torch.isfinite(clean).all())
        return None if undefined else number


# -- written here: the libraries' differ -----------------------------------------------------------


def psnr(restored: Tensor, clean: Tensor) -> Tensor:
    """``10 log10(1 / MSE)`` in dB of each image, over all its pixels and channels together.

    Shape:
        two ``(N, C, H, W)`` to ``(N,)``; infinite where the images are equal.

    Example:
        >>> psnr(torch.full((1, 1, 4, 4), 0.1), torch.zeros(1, 1, 4, 4)).item()
        20.0
    """
    difference = precise(restored) - precise(clean)
    return (-10 * difference.square().mean(dim=(1, 2, 3)).log10()).float()


def mse(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean squared error of each image, over all its pixels and channels together, in squares of the unit range.

    Shape:
        two ``(N, C, H, W)`` to ``(N,)``.

    Example:
        >>> round(mse(torch.full((1, 1, 4, 4), 0.1), torch.zeros(1, 1, 4, 4)).item(), 4)
        0.01
    """
    return (precise(restored) - precise(clean)).square().mean(dim=(1, 2, 3)).float()


def psnr_y(restored: Tensor, clean: Tensor) -> Tensor:
    """`psnr` of the luma alone: Y of BT.601 in studio range, in float, as super-resolution papers score colour.

    Shape:
        two ``(N, 3, H, W)`` to ``(N,)``.

    Example:
        >>> round(psnr_y(torch.full((1, 3, 4, 4), 0.1), torch.zeros(1, 3, 4, 4)).item(), 2)  # Y spans 219 of 255
        21.32
    """
    return psnr(rgb_to_y(precise(restored)), rgb_to_y(precise(clean)))


def ssim(restored: Tensor, clean: Tensor) -> Tensor:
    """Structural similarity of each image as in Wang et al. 2004: the mean over the map and the channels.

    11×11 Gaussian window of sigma 1.5, only where it lies wholly inside the image, K = (0.01, 0.03),
    L = 255. torchmetrics and kornia pad or crop otherwise and give 0.7609 where this gives 0.7595
    (classic5, JPEG quality 10).

    Shape:
        two ``(N, C, H, W)``, sides of at least 11, to ``(N,)``.

    Raises:
        ValueError: an image smaller than the window.
    """
    x, y = precise(restored), precise(clean)
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


# -- torchmetrics' ---------------------------------------------------------------------------------


def ssim_reflect(restored: Tensor, clean: Tensor) -> Tensor:
    """torchmetrics' SSIM: `ssim` but for the border, which is reflected, so that the whole map counts.

    Shape:
        two ``(N, C, H, W)``, sides of at least 6, to ``(N,)``.
    """
    from torchmetrics.functional.image import (
        structural_similarity_index_measure,  # heavy, and only this metric needs it
    )

    images = (precise(restored), precise(clean))
    values = structural_similarity_index_measure(*images, data_range=1.0, reduction="none")
    return cast("Tensor", values).reshape(-1).float()


def ms_ssim(restored: Tensor, clean: Tensor) -> Tensor:
    """Multi-scale SSIM (Wang, Simoncelli, Bovik 2003) over five scales, as torchmetrics has it.

    Deviation: a negative mean of a contrast term counts as 0, and the last scale's SSIM is `ssim_reflect`
    where the contrast terms are taken inside the border.

    Shape:
        two ``(N, C, H, W)``, sides of at least 176, to ``(N,)``: 11 pixels at the fifth scale.
    """
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure,  # heavy, and only this metric needs it
    )

    images = (precise(restored), precise(clean))
    measure = multiscale_structural_similarity_index_measure
    return measure(*images, data_range=1.0, reduction="none", normalize="relu").reshape(-1).float()


def psnrb(restored: Tensor, clean: Tensor) -> Tensor:
    """PSNR-B in dB (Yim, Bovik 2011): `psnr` with the edges at the 8×8 blocks of JPEG added to the error.

    The blocks begin at the images' first pixel. As in torchmetrics.

    Shape:
        two ``(1, 1, H, W)``, sides of at least 9, to a scalar.
    """
    from torchmetrics.functional.image import (
        peak_signal_noise_ratio_with_blocked_effect,  # heavy, and only this metric needs it
    )

    images = (precise(restored), precise(clean))
    return peak_signal_noise_ratio_with_blocked_effect(*images, data_range=1.0).float()


def vif(restored: Tensor, clean: Tensor) -> Tensor:
    """Visual information fidelity in the pixel domain (Sheikh, Bovik 2006), as torchmetrics has it.

    Levels are 0 to 255: the noise of its model eye has a variance of 2. NaN for a flat clean image.

    Shape:
        two ``(1, C, H, W)``, sides of at least 41, to a scalar, the mean over the channels.
    """
    from torchmetrics.functional.image import visual_information_fidelity  # heavy, and only this metric needs it

    return visual_information_fidelity(precise(restored), precise(clean)).float()


def precise(image: Tensor) -> Tensor:
    """The image in float64, where the device has it."""
    return image if image.device.type == "mps" else image.double()

"""Additive white Gaussian noise, of one strength an image or of one that varies over it."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from restore.conditions import ORIENTATIONS, Pair, turn
from restore.degradations.base import Degradation, Strengths, TestStream
from restore.degradations.strength import SIGMA, Sigma, Strength
from restore.files import read_pixels
from restore.image import to_unit

MAPS = ("ramp", "peaks")


class GaussianNoise(Degradation):
    """``y = x + sigma / 255 · n`` with n ~ N(0, 1) per pixel and channel, neither clipped nor rounded.

    One sigma is drawn per sample. kornia's ``RandomGaussianNoise`` is not used: it has one standard
    deviation for a whole batch, draws on the CPU, and by default leaves half of the samples clean.

    Args:
        sigma: standard deviation in 8-bit levels, at least 0: a number, a range or a set.
        sigma_map: noise that varies over the image, as FFDNet's section IV.D has it: ``ramp`` (from 0
            at the left to sigma at the right), ``peaks`` (MATLAB's function of that name, from 0 to
            sigma), or the path of a gray image whose white is sigma; stretched over each image.

    Shape:
        ``(N, C, H, W)``, on any device; the generator must be on it too.

    Conditions:
        sigma: in units of the image; ``(N, 1, H, W)`` under a map.

    Raises:
        ValueError: sigma is negative or malformed, or the map cannot be read.
    """

    conditions = ("sigma",)

    def __init__(self, sigma: Sigma, sigma_map: str | None = None):
        super().__init__()
        self.sigma = Strength(sigma, "sigma", *SIGMA)
        self.sigma_map = sigma_map
        if sigma_map is not None:
            sigma_shape(sigma_map, 8, 8)
            self.suffix = f" map={Path(sigma_map).stem}"

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        return {"sigma": self.sigma.sample(count, generator)}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        return self._pair(clean, strengths, noise)

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """The same with the protocol's own normal numbers."""
        return self._pair(clean, strengths, stream.normal(clean.shape))

    def _pair(self, clean: Tensor, strengths: Strengths, noise: Tensor) -> Pair:
        sigma = to_unit(strengths["sigma"].to(noise.dtype))  # (N,)
        spread = sigma.view(-1, 1, 1, 1)
        if self.sigma_map is not None:
            sigma = spread = spread * sigma_shape(self.sigma_map, *clean.shape[-2:]).to(clean.device)
        return Pair((clean + spread * noise).to(clean.dtype), clean, {"sigma": sigma.to(clean.dtype)})

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """All eight; where a map is not told, those that leave the map as it is."""
        if self.sigma_map is None or "sigma" in told:
            return ORIENTATIONS
        shape = sigma_shape(self.sigma_map, 64, 64)
        return tuple(o for o in ORIENTATIONS if torch.allclose(turn(shape, o), shape, atol=1e-3))


@lru_cache(maxsize=64)
def sigma_shape(name: str, height: int, width: int) -> Tensor:
    """How noise is spread over an image: 0 to 1 at each pixel, ``(1, 1, H, W)``.

    Raises:
        ValueError: neither `MAPS` nor an image that can be read.
    """
    if name == "ramp":
        return torch.linspace(0, 1, width).expand(1, 1, height, width)
    if name == "peaks":
        y, x = (torch.linspace(-3, 3, side, dtype=torch.float64) for side in (height, width))
        surface = _peaks(x[None, :], y[:, None])
        return ((surface - surface.min()) / (surface.max() - surface.min())).float()[None, None]
    levels = torch.from_numpy(_gray_image(name))[None, None]
    return interpolate(to_unit(levels), (height, width), mode="bilinear", align_corners=False)


def _peaks(x: Tensor, y: Tensor) -> Tensor:
    """MATLAB's ``peaks``, three Gaussians' worth of hills and hollows."""
    return (
        3 * (1 - x) ** 2 * torch.exp(-(x**2) - (y + 1) ** 2)
        - 10 * (x / 5 - x**3 - y**5) * torch.exp(-(x**2) - y**2)
        - torch.exp(-((x + 1) ** 2) - y**2) / 3
    )


def _gray_image(path: str) -> np.ndarray:
    try:
        return read_pixels(path, gray=True)
    except ValueError as error:
        listed = ", ".join(MAPS)
        raise ValueError(f"sigma_map is {listed} or the path of an image, and '{path}' cannot be read") from error

"""Bicubic down- and up-sampling: the input of a super-resolution network of these papers."""

from __future__ import annotations

from math import ceil, lcm

import torch
from torch import Tensor

from restore.conditions import Pair
from restore.degradations.base import Degradation, Strengths, TestStream
from restore.degradations.strength import SCALE, Scale, Strength
from restore.image import quantise, to_levels, to_unit
from restore.resize import down_up, imresize, imresize_uint8

MARGIN = 1  # pixels
GRID = 24  # the longest period in pixels: that of scales 2, 3, 4, 6 and 8 together


class BicubicDownUp(Degradation):
    """``y = U_s(D_s(x))``: MATLAB's ``imresize`` by 1 / scale and back up to the size of x.

    For training both directions are folded into one small matrix per axis and scale, ``y = M x Mᵀ``,
    so that a batch of mixed scales is two batched products. Where the scale does not divide the
    side, the low-resolution image is MATLAB's (side / scale rounded up) and the excess is cut off.

    Args:
        scale: 2, 3 or 4 in the papers; a whole number from 1 to 8, or a range or set of them, one per sample.

    Shape:
        ``(N, C, H, W)``.

    Conditions:
        scale: the factor.

    A training patch is degraded within its surroundings, on the low-resolution grid of the whole image: of a
    margin of one pixel, and up to a period more. The cubic kernels reach further; what they have there is, of the
    difference between degraded and clean, at most 0.3 % for patches of 25 pixels and 0.2 % from 40 pixels on
    (scales 2 to 4, energies, on the bundled photographs).

    Raises:
        ValueError: scale out of range or malformed.
    """

    conditions = ("scale",)
    colour_suffix = " rgb"

    def __init__(self, scale: Scale):
        super().__init__()
        self.scale = Strength(scale, "scale", *SCALE)
        scales = [int(scale) for scale in self.scale.members]
        if max(scales) > 1:
            self.grid, self.margin = min(lcm(*scales), GRID), MARGIN

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        return {"scale": self.scale.sample(count, generator)}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        scales = strengths["scale"].long()
        degraded = down_up(clean.float(), scales)
        return Pair(degraded.to(clean.dtype), clean, {"scale": strengths["scale"]})

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """The two steps apart.

        ``quantise_low`` rounds the low-resolution image to 8 bits, as its file would be; the resampler
        ``matlab_uint8`` shrinks an image of 8 bits and rounds after each pass (see `imresize_uint8`).

        Raises:
            ValueError: samples of different scales, which have no common low-resolution size.
        """
        scales = strengths["scale"]
        if not bool((scales == scales[0]).all()):
            raise ValueError("test images that are degraded together have one scale")
        scale, (height, width) = int(scales[0]), clean.shape[-2:]
        low = low_resolution(clean, scale, stream)
        high = imresize(low, low.shape[-2] * scale, low.shape[-1] * scale, (scale, scale))
        return Pair(high[..., :height, :width].to(clean.dtype), clean, {"scale": scales})


def low_resolution(clean: Tensor, scale: int, stream: TestStream) -> Tensor:
    """``D_s(x)`` of a test image as the protocol's switches have it: ``(N, C, ⌈H / s⌉, ⌈W / s⌉)``, float64."""
    height, width = clean.shape[-2:]
    size, ratios = (ceil(height / scale), ceil(width / scale)), (1 / scale, 1 / scale)
    if stream.resampler == "matlab_uint8":
        return to_unit(imresize_uint8(to_levels(clean), *size, ratios).double())
    low = imresize(clean.double(), *size, ratios)
    return quantise(low).double() if stream.quantise_low else low

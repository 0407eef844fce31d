"""JPEG compression: on the device for training, libjpeg itself for testing."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from restore.bounds import ImageChannels
from restore.conditions import ORIENTATIONS, Pair
from restore.dct import CHROMA, LUMA, SIDE, block_dct, inverse_block_dct, quantisation_table, whole_blocks
from restore.degradations.base import Degradation, Strengths, TestStream
from restore.degradations.strength import QUALITY, Quality, Strength
from restore.image import LEVELS, to_levels, to_unit

SUBSAMPLINGS = {"4:2:0": 2, "4:4:4": 0}  # and what Pillow calls them


class JPEG(Degradation):
    """``y = decode(encode(x, quality))``: gray, or colour with 4:2:0 chroma, as encoders have it by default, or 4:4:4.

    The loss is in the rounding of 8×8 DCT coefficients, which is done here as libjpeg does it, hard,
    with its tables and its quality scale, its padding to whole blocks, its chroma averaging and its
    triangle-filtered chroma up-sampling; only its integer DCT is a float one, worth 0.01 dB.
    kornia's JPEG is made to be differentiated: its soft rounding leaves information in that a file
    does not (0.8 dB at quality 10), and it takes RGB only.

    Args:
        quality: libjpeg's 1 to 100: a number, a range (whole numbers, uniform) or a set; one per sample.
        channels: of the images that training patches are cut from, 1 or 3: blocks are of 8 pixels where they are
            gray, and of 16 where chroma is halved. It says only on which `grid` patches are degraded.
        subsampling: of a colour image's chroma: ``4:2:0`` halves its rows and columns, ``4:4:4`` keeps all of it.

    Shape:
        ``(N, C, H, W)``, C of 1 or 3, any size, to the same; the result is 8-bit, and the input is
        rounded to 8 bits first, as it would be to be encoded.

    Conditions:
        quality: libjpeg's.

    Raises:
        ValueError: quality outside 1 to 100 or malformed, or another subsampling.
    """

    conditions = ("quality",)

    def __init__(self, quality: Quality, channels: ImageChannels = 3, subsampling: Literal["4:2:0", "4:4:4"] = "4:2:0"):
        super().__init__()
        self.quality = Strength(quality, "quality", *QUALITY)
        if subsampling not in SUBSAMPLINGS:
            raise ValueError(f"subsampling is {' or '.join(SUBSAMPLINGS)}, and it is {subsampling}")
        self.subsampling = subsampling
        self.grid = SIDE if channels == 1 or subsampling == "4:4:4" else 2 * SIDE
        self.colour_suffix = f" {subsampling}"

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """All eight, although libjpeg's tables are not quite symmetric, as in RED-Net's released program.

        That costs nothing: the authors' DnCNN-3 on classic5 at quality 10 gives 29.410 dB in a single pass,
        29.457 over the four upright orientations and 29.475 over all eight (float32, output not rounded).
        """
        return ORIENTATIONS

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        return {"quality": self.quality.sample(count, generator)}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        quality, levels = strengths["quality"], to_levels(clean).float()
        if clean.shape[1] == 1:
            decoded = _code(levels, quantisation_table(LUMA, quality))
        else:
            decoded = _code_colour(levels, quality, halved=self.subsampling == "4:2:0")
        return Pair(to_unit(decoded).to(clean.dtype), clean, {"quality": quality})

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """Through libjpeg, as Pillow calls it; on the CPU."""
        samples = zip(to_levels(clean).cpu(), strengths["quality"].int().tolist(), strict=True)
        images = [_through_libjpeg(image, quality, self.subsampling) for image, quality in samples]
        degraded = to_unit(torch.stack(images)).to(clean.device, clean.dtype)
        return Pair(degraded, clean, {"quality": strengths["quality"]})


def _through_libjpeg(levels: Tensor, quality: int, subsampling: str) -> Tensor:
    """A uint8 image ``(1 or 3, H, W)`` encoded to a file and decoded again."""
    file = io.BytesIO()
    gray = levels.shape[0] == 1
    pixels = levels[0] if gray else levels.permute(1, 2, 0)
    Image.fromarray(pixels.numpy()).save(file, "JPEG", quality=quality, subsampling=SUBSAMPLINGS[subsampling])
    with Image.open(file) as opened:
        decoded = torch.from_numpy(np.array(opened))
    return decoded[None] if gray else decoded.permute(2, 0, 1)


def _code(planes: Tensor, table: Tensor) -> Tensor:
    """Quantise the blocks of planes ``(N, 1, H, W)`` of levels by tables ``(N, 64)``; levels again, rounded."""
    height, width = planes.shape[-2:]
    padded = whole_blocks(planes) - 128
    step = table[:, None]  # (N, 1, 64)
    coefficients = (block_dct(padded) / step).round() * step
    decoded = (inverse_block_dct(coefficients, *padded.shape[-2:]) + 128).round().clamp(0, LEVELS)
    return decoded[..., :height, :width]


def _code_colour(rgb: Tensor, quality: Tensor, halved: bool) -> Tensor:
    """Full-range BT.601 YCbCr, chroma halved both ways or not, each plane coded, chroma up again, RGB."""
    height, width = rgb.shape[-2:]
    red, green, blue = rgb.split(1, dim=1)
    luma = (0.299 * red + 0.587 * green + 0.114 * blue).round()
    cb = (-0.168735892 * red - 0.331264108 * green + 0.5 * blue + 128).round().clamp(0, LEVELS)
    cr = (0.5 * red - 0.418687589 * green - 0.081312411 * blue + 128).round().clamp(0, LEVELS)
    luma = _code(luma, quantisation_table(LUMA, quality))
    chroma, table = torch.cat([cb, cr]), quantisation_table(CHROMA, quality.repeat(2))
    if halved:
        even = pad(chroma, (0, width % 2, 0, height % 2), mode="replicate")
        chroma = _double(_code(_halve(even), table))[..., :height, :width]
    else:
        chroma = _code(chroma, table)
    cb, cr = (chroma - 128).chunk(2)
    decoded = torch.cat([luma + 1.402 * cr, luma - 0.344136286 * cb - 0.714136286 * cr, luma + 1.772 * cb], dim=1)
    return decoded.round().clamp(0, LEVELS)


def _halve(planes: Tensor) -> Tensor:
    """Mean of 2×2, rounded down after adding 1/4 and 1/2 in turn along a row, as libjpeg does."""
    total = planes[..., ::2, ::2] + planes[..., ::2, 1::2] + planes[..., 1::2, ::2] + planes[..., 1::2, 1::2]
    bias = 1 + torch.arange(total.shape[-1], device=planes.device) % 2
    return ((total + bias) / 4).floor()


def _double(planes: Tensor) -> Tensor:
    """libjpeg's "fancy" up-sampling: each output pixel is 9, 3, 3 and 1 sixteenths of its four neighbours."""
    tall = _interleave(planes, dim=2)
    wide = _interleave(tall, dim=3)  # sixteenths
    bias = torch.where(torch.arange(wide.shape[-1], device=planes.device) % 2 == 0, 8, 7)
    return ((wide + bias) / 16).floor()


def _interleave(planes: Tensor, dim: int) -> Tensor:
    size = planes.shape[dim]
    before = torch.cat([planes.narrow(dim, 0, 1), planes.narrow(dim, 0, size - 1)], dim)
    after = torch.cat([planes.narrow(dim, 1, size - 1), planes.narrow(dim, size - 1, 1)], dim)
    return torch.stack([3 * planes + before, 3 * planes + after], dim + 1).flatten(dim, dim + 1)

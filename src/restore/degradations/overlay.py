"""Text and scratches drawn over an image, whose place the network is not told.

Drawing is a matter of the CPU (kornia draws neither), so whole sheets of words or scratches are
rendered once; a sample then gets a random place on a sheet, wrapped around at its edges, and random
colours. That is two gathers on the training device, whatever is drawn. Test pairs come from sheets of
their own, of other words or scratches, which training never draws from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property, lru_cache, partial
from math import ceil
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import Tensor

from restore.bounds import Unit
from restore.conditions import ORIENTATIONS, Pair
from restore.degradations.base import Degradation, Strengths, TestStream
from restore.degradations.strength import Bounds, Strength, Value
from restore.image import quantise, to_unit

SHEET = 1024  # side of a sheet in pixels
PALETTE = 256  # colours of a sample; the things drawn on a sheet share them in turn

Sheet = tuple[Tensor, Tensor]  # cover (uint8) and number in the palette (uint8) of each pixel, (SHEET, SHEET) each


class Overlay(Degradation):
    """``y = round((1 − a) x + a c)``: cover a and colour c from a random place of a random sheet.

    Args:
        sheets: each makes a sheet for training.
        test_sheets: as many others, which make those for test pairs when the first pair is asked for.
        contrast: share of the colours that are near white or near black rather than any.

    Shape:
        ``(N, C, H, W)``; colours are gray on gray images. The sheets for training are where the degradation
        was last moved to (``.to(device)``), which is to be the images' device.

    Conditions:
        mask: 1 at pixels that differ from the clean image, ``(N, 1, H, W)``.
    """

    conditions = ("mask",)
    cover: Tensor
    owner: Tensor

    def __init__(
        self, sheets: Sequence[Callable[[], Sheet]], test_sheets: Sequence[Callable[[], Sheet]], contrast: float = 0.0
    ):
        super().__init__()
        self.contrast = contrast
        self.test_makers = test_sheets
        cover, owner = _stacked(sheets)
        self.register_buffer("cover", cover, persistent=False)
        self.register_buffer("owner", owner, persistent=False)

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        """Numbers of sheets."""
        return {"sheet": torch.randint(len(self.cover), (count,), generator=generator, device=generator.device)}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        return self._drawn_over(clean, (self.cover, self.owner), strengths, generator)

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """The same with the sheets of the test."""
        return self._drawn_over(clean, self.test_sheets, strengths, stream.generator)

    @cached_property
    def test_sheets(self) -> Sheet:
        """Cover and number in the palette of all test sheets, ``(sheets, SHEET, SHEET)`` each, on the CPU."""
        return _stacked(self.test_makers)

    def _drawn_over(self, clean: Tensor, sheets: Sheet, strengths: Strengths, generator: torch.Generator) -> Pair:
        covers, owners = (values.to(clean.device).view(-1) for values in sheets)
        n, channels, height, width = clean.shape
        device = clean.device
        sheet = strengths["sheet"].view(-1, 1, 1)
        place = torch.randint(SHEET, (2, n, 1), generator=generator, device=device)
        rows = (place[0] + torch.arange(height, device=device)) % SHEET  # (N, H)
        columns = (place[1] + torch.arange(width, device=device)) % SHEET
        index = (sheet * SHEET + rows[:, :, None]) * SHEET + columns[:, None]  # (N, H, W)
        cover = to_unit(covers[index])[:, None]
        palette = self._palette(n, channels, generator, device)
        owner = owners[index].long() + PALETTE * torch.arange(n, device=device).view(-1, 1, 1)
        colour = palette.view(-1, channels)[owner].permute(0, 3, 1, 2)  # (N, C, H, W)
        degraded = quantise(torch.lerp(clean.float(), colour, cover)).to(clean.dtype)
        mask = (degraded != clean).any(dim=1, keepdim=True).to(clean.dtype)
        return Pair(degraded, clean, {"mask": mask})

    def _palette(self, n: int, channels: int, generator: torch.Generator, device: torch.device) -> Tensor:
        colours = torch.rand(n, PALETTE, channels, generator=generator, device=device)
        if not self.contrast:
            return colours
        kind = torch.rand(n, PALETTE, 1, generator=generator, device=device)
        extreme = torch.where(kind < self.contrast / 2, 0.1 * colours, 1 - 0.1 * colours)
        return torch.where(kind < self.contrast, extreme, colours)


FONT_SIZE = Bounds(4, 200, integer=True)  # pixels


class Text(Overlay):
    """Lines of random words in real glyphs, each word of one random colour.

    RED-Net (section 5.6) states the font sizes 10 and 20, and neither font, density, nor colours;
    here the font is Pillow's own outline font, lines follow each other at twice the font size, a
    fifth of the words is left out, and colours are uniform.

    Args:
        font_size: in pixels: a number, or a set, with weights or without, one per sample.
        density: share of the words that are drawn, in [0, 1]; 0 only rounds the image to 8 bits.

    Raises:
        ValueError: an argument out of its range, or a Pillow without an outline font.
    """

    def __init__(self, font_size: Annotated[Value, FONT_SIZE] = 10, density: Unit = 0.8):
        strength = Strength(font_size, "font_size", *FONT_SIZE)
        if strength.range is not None:
            raise ValueError("font_size is a number or a set: each size needs a sheet of its own")
        if not 0 <= density <= 1:
            raise ValueError(f"density is a share from 0 to 1, and it is {density}")
        train, test = (
            [partial(text_sheet, int(size), float(density), seed) for size in strength.set] for seed in (0, 1)
        )
        super().__init__(train, test)
        self.font_size = strength

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        """Numbers of sheets: of font sizes, by their weights."""
        return {"sheet": self.font_size.choose(count, generator)}

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """Words stand upright, unless it is told where they are."""
        return ORIENTATIONS if "mask" in told else (0,)


class Scratch(Overlay):
    """Random straight scratches with soft edges, 10 to 60 pixels long and 1 to 3 wide, mostly light or dark.

    RED-Net shows scratches and states nothing of them: all of this is ours.

    Args:
        density: scratches for every 1000 pixels of image, from 0 to 10.

    Raises:
        ValueError: `density` out of range.
    """

    def __init__(self, density: Annotated[float, Ge(0), Le(10)] = 1.0):
        if not 0 <= density <= 10:
            raise ValueError(f"density is from 0 to 10 scratches per 1000 pixels, and it is {density}")
        train, test = ([partial(scratch_sheet, float(density), seed) for seed in seeds] for seeds in ((0, 1), (2, 3)))
        super().__init__(train, test, contrast=0.7)


def _stacked(makers: Sequence[Callable[[], Sheet]]) -> Sheet:
    covers, owners = zip(*(make() for make in makers), strict=True)
    return torch.stack(covers), torch.stack(owners)


@lru_cache(maxsize=16)
def text_sheet(font_size: int, density: float, seed: int = 0) -> Sheet:
    """A sheet of random words.

    Raises:
        ValueError: this Pillow has no outline font.
    """
    from PIL import Image, ImageDraw, ImageFont, features

    if not features.check("freetype2"):
        raise ValueError("text is drawn with Pillow's outline font, and this Pillow is built without FreeType")
    font = ImageFont.load_default(size=font_size)
    random = np.random.default_rng(seed)
    cover, owner = np.zeros((2, SHEET, SHEET), np.uint8)
    drawn = 0
    for top in np.linspace(0, SHEET, max(1, SHEET // (2 * font_size)), endpoint=False).astype(int):
        left = -int(random.integers(6 * font_size))
        while left < SHEET:
            text = "".join(random.choice(list("etaoinshrdlucmfwypvbgkETAOINS0123456789"), random.integers(2, 10)))
            tile = Image.new("L", (ceil(font.getlength(text)) + 1, 2 * font_size))
            ImageDraw.Draw(tile).text((0, 0), text, fill=255, font=font)
            if random.random() < density:
                drawn += 1
                _draw(cover, owner, np.asarray(tile), top, left, drawn)
            left += tile.width + font_size // 2 + int(random.integers(font_size))
    return torch.from_numpy(cover), torch.from_numpy(owner)


@lru_cache(maxsize=32)
def scratch_sheet(density: float, seed: int) -> Sheet:
    """A sheet of random scratches."""
    random = np.random.default_rng(seed)
    cover, owner = np.zeros((2, SHEET, SHEET), np.uint8)
    at = np.arange(-34, 35)
    for number in range(round(density * SHEET**2 / 1000)):
        angle, half, thickness = random.uniform((0, 5, 0.5), (np.pi, 30, 1.5))
        along = abs(at * np.cos(angle) + at[:, None] * np.sin(angle))
        across = at[:, None] * np.cos(angle) - at * np.sin(angle)
        distance = np.hypot(across, np.maximum(along - half, 0))
        tile = (255 * np.clip(thickness + 0.5 - distance, 0, 1)).astype(np.uint8)
        top, left = random.integers(-34, SHEET - 34, 2)
        _draw(cover, owner, tile, top, left, number)
    return torch.from_numpy(cover), torch.from_numpy(owner)


def _draw(cover: np.ndarray, owner: np.ndarray, tile: np.ndarray, top: int, left: int, number: int) -> None:
    """Lay a tile on a sheet, wrapped around its edges; where it covers more than what is there, it owns the pixel."""
    place = np.ix_((top + np.arange(tile.shape[0])) % SHEET, (left + np.arange(tile.shape[1])) % SHEET)
    more = tile > cover[place]
    cover[place] = np.where(more, tile, cover[place])
    owner[place] = np.where(more, number % PALETTE, owner[place])

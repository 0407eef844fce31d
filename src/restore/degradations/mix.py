"""Several degradations in one batch or in one image, for a network that is to undo any of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from restore.conditions import ORIENTATIONS, Pair
from restore.degradations.base import Degradation, Strengths, TestStream, as_degradation, common_grid


class Mix(Degradation):
    """Each sample gets one of several degradations, all alike likely: DnCNN-3's training pairs.

    Every degradation is computed for the whole batch and one is kept per sample: on a device that
    costs less than waiting for the draw to decide what to compute. Which one a sample got is all
    that is drawn ahead; it gives no conditions, so that a network that is told something is refused.

    Args:
        parts: degradations.

    Shape:
        ``(N, C, H, W)``.

    Raises:
        ValueError: no parts.
    """

    def __init__(self, parts: Sequence[Callable]):
        super().__init__()
        if not parts:
            raise ValueError("a mix of degradations needs at least one")
        degradations = [as_degradation(part) for part in parts]
        self.parts = nn.ModuleList(degradations)
        self.margin = max(part.margin for part in degradations)
        self.grid = common_grid(degradations)

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        return {"part": torch.randint(len(self.parts), (count,), generator=generator, device=generator.device)}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        part = strengths["part"].view(-1, 1, 1, 1)
        degraded = self.parts[0](clean, generator).degraded
        for number, degradation in enumerate(self.parts[1:], start=1):
            degraded = torch.where(part == number, degradation(clean, generator).degraded, degraded)
        return Pair(degraded, clean)

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """Those that all parts have."""
        parts = cast("list[Degradation]", self.parts)
        return tuple(o for o in ORIENTATIONS if all(o in part.symmetries() for part in parts))


class Regions(Degradation):
    """Each region of one image gets its own degradation: DnCNN's Fig. 12 has two rows of three.

    Every degradation is computed for the whole image, so that a region's border is like any other
    place. It gives no conditions, and only the upright image is arranged as it is.

    Args:
        rows: of each row of regions, its degradations from left to right; the rows are of one length.

    Shape:
        ``(N, C, H, W)``; sides that do not divide give the last regions the rest.

    Raises:
        ValueError: no rows, or rows of different lengths.
    """

    def __init__(self, rows: Sequence[Sequence[Callable]]):
        super().__init__()
        if not rows or not rows[0] or len({len(row) for row in rows}) != 1:
            raise ValueError("regions are rows of one length, with a degradation for each region")
        self.rows = nn.ModuleList(nn.ModuleList(as_degradation(part) for part in row) for row in rows)

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        return self._compose(clean, lambda part: part(clean, generator))

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """Each region by its degradation's own test pair."""
        return self._compose(clean, lambda part: part.exact(clean, part.draw(len(clean), stream.generator), stream))

    def _compose(self, clean: Tensor, degrade: Callable[[Degradation], Pair]) -> Pair:
        degraded = clean.clone()
        rows = cast("list[list[Degradation]]", self.rows)
        height, width = (side // count for side, count in zip(clean.shape[-2:], (len(rows), len(rows[0])), strict=True))
        for i, row in enumerate(rows):
            for j, part in enumerate(row):
                degraded[..., i * height :, j * width :] = degrade(part).degraded[..., i * height :, j * width :]
        return Pair(degraded, clean)

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        return (0,)

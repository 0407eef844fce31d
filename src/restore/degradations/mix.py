"""Several degradations in one batch, for a network that is to undo any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class Mix(nn.Module):
    """Each sample gets one of several degradations, all alike likely: DnCNN-3's training pairs.

    Every degradation is computed for the whole batch and one is kept per sample: on a device that
    costs less than waiting for the draw to decide what to compute.

    Args:
        parts: degradations.

    Shape:
        ``(N, C, H, W)`` to the same.

    Raises:
        ValueError: no parts.
    """

    def __init__(self, parts: Sequence[nn.Module]):
        super().__init__()
        if not parts:
            raise ValueError("a mix of degradations needs at least one")
        self.parts = nn.ModuleList(parts)

    @property
    def margin(self) -> int:
        return max(getattr(part, "margin", 0) for part in self.parts)

    def forward(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        choice = torch.randint(len(self.parts), (clean.shape[0], 1, 1, 1), generator=generator, device=clean.device)
        degraded = self.parts[0](clean, generator)
        for number, part in enumerate(self.parts[1:], start=1):
            degraded = torch.where(choice == number, part(clean, generator), degraded)
        return degraded


class Regions(nn.Module):
    """Each region of one image gets its own degradation: DnCNN's Fig. 12 has two rows of three.

    Every degradation is computed for the whole image, so that a region's border is like any other place.

    Args:
        rows: of each row of regions, its degradations from left to right; the rows are of one length.

    Shape:
        ``(N, C, H, W)`` to the same; sides that do not divide give the last regions the rest.

    Raises:
        ValueError: no rows, or rows of different lengths.
    """

    def __init__(self, rows: Sequence[Sequence[nn.Module]]):
        super().__init__()
        if not rows or not rows[0] or len({len(row) for row in rows}) != 1:
            raise ValueError("regions are rows of one length, with a degradation for each region")
        self.rows = nn.ModuleList(nn.ModuleList(row) for row in rows)

    def forward(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        return self._compose(clean, lambda part: part(clean, generator))

    def exact(self, clean: Tensor, generator: torch.Generator, quantise_low: bool = False) -> Tensor:
        """Each region by its degradation's exact form, where it has one."""

        def degrade(part: nn.Module) -> Tensor:
            if hasattr(part, "exact"):
                return part.exact(clean, generator, quantise_low=quantise_low)
            return part(clean, generator)

        return self._compose(clean, degrade)

    def _compose(self, clean: Tensor, degrade: Callable[[nn.Module], Tensor]) -> Tensor:
        degraded = clean.clone()
        height, width = (
            side // count for side, count in zip(clean.shape[-2:], (len(self.rows), len(self.rows[0])), strict=True)
        )
        for i, row in enumerate(self.rows):
            for j, part in enumerate(row):
                degraded[..., i * height :, j * width :] = degrade(part)[..., i * height :, j * width :]
        return degraded

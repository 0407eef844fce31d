"""Several degradations in one batch, for a network that is to undo any of them."""

from __future__ import annotations

from collections.abc import Sequence

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

"""The papers' losses, whose scale matters to SGD."""

from __future__ import annotations

from torch import Tensor, nn

from restore.bounds import Positive


class PatchSquaredError(nn.Module):
    """``weight · (1/N) Σ_i ‖restored_i − clean_i‖²``: squared error summed over a patch, averaged over patches.

    RED-Net's Eq. 4 has weight 1, DnCNN's Eq. 1 weight 1/2.

    Args:
        weight: factor.

    Shape:
        two ``(N, C, H, W)`` to a scalar.
    """

    def __init__(self, weight: Positive = 1.0):
        super().__init__()
        self.weight = weight

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        return self.weight * (restored - clean).square().sum() / clean.shape[0]

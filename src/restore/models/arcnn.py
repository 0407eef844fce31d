"""AR-CNN, the first convolutional network for removing compression artefacts.

C. Dong, Y. Deng, C. C. Loy, X. Tang, "Compression Artifacts Reduction by a Deep Convolutional Network",
ICCV 2015, arXiv 1504.06993.
"""

from __future__ import annotations

from torch import Tensor, nn

from restore.models.layers import chain


class ARCNN(nn.Module):
    """Feature extraction 9×9, enhancement 7×7, mapping 1×1, reconstruction 5×5; 64, 32, 16 maps (section 3.1).

    Args:
        channels: image channels.

    Shape:
        ``(N, C, H, W)`` to the same.

    Deviations: maps are padded with zeros, so that the image keeps its size (the paper does not pad);
    weights start as He et al. 2015 do (the paper: standard deviation 1e-3, and transfer from a
    network trained on milder compression, which ``init=`` can do).
    """

    def __init__(self, channels: int = 1):
        super().__init__()
        self.body = chain([channels, 64, 32, 16, channels], [9, 7, 1, 5])

    def forward(self, degraded: Tensor) -> Tensor:
        return self.body(degraded)

"""FFDNet: a denoiser that is told the noise level, on sub-images of half the size.

K. Zhang, W. Zuo, L. Zhang, "FFDNet: Toward a Fast and Flexible Solution for CNN based Image Denoising",
IEEE TIP 2018, arXiv 1710.04026.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, cat, nn
from torch.nn.functional import avg_pool2d, pad

from restore.bounds import Count
from restore.models.layers import chain, check, check_maps, condition_maps


class FFDNet(nn.Module):
    """``restored = shuffle(body([unshuffle(degraded), M]))``, M the map of the noise's standard deviation.

    Body (section III.A): conv + ReLU, (conv + batch norm + ReLU) × (depth − 2), conv; all 3×3, zero
    padding. It works on the four sub-images of every plane and one noise map behind them, and its
    output is the restored image's four sub-images, not a residual.

    Args:
        channels: image channels, 1 or 3.
        depth: convolutions, at least 2; None for the paper's: 15 for gray images, 12 for colour.
        width: feature maps of every hidden layer; None for the paper's: 64 for gray, 96 for colour.
        batch_norm: False leaves it out, as after merging it into the convolutions.
        conditions: what it is told, a map each in this order behind the sub-images: ``sigma`` (the
            paper's), or other values and maps of `restore.conditions`, such as a sensor's ``gain`` and
            ``read_noise``.

    Shape:
        ``(N, C, H, W)`` and each condition ``(N,)`` or ``(N, 1, H, W)``, in units of the image
        (sigma / 255), to ``(N, C, H, W)``. An odd side is continued by its last row or column, and cropped after.

    Raises:
        ValueError: an argument is out of its range, or a condition is a kernel.

    Deviations: weights start as He et al. 2015 do (the authors' training program: orthogonal filters,
    whose singular values it pulls towards [0.9, 1.1] now and then). A noise map is sub-sampled by the mean
    of each 2×2, one value for the four pixels that share it; of a constant map that is the constant.
    (The authors' demonstration of varying noise shrinks its map bicubically.)
    """

    def __init__(
        self,
        channels: Count = 1,
        depth: Count | None = None,
        width: Count | None = None,
        batch_norm: bool = True,
        conditions: Sequence[str] = ("sigma",),
    ):
        super().__init__()
        published = (12, 96) if channels == 3 else (15, 64)
        depth, width = (
            theirs if ours is None else ours for ours, theirs in zip((depth, width), published, strict=True)
        )
        check(depth, width=width)
        self.unshuffle, self.shuffle = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        self.conditions = check_maps(conditions)
        self.body = chain(
            [4 * channels + len(self.conditions), *[width] * (depth - 1), 4 * channels], [3] * depth, batch_norm
        )

    def forward(self, degraded: Tensor, *values: Tensor, **named: Tensor) -> Tensor:
        height, width = degraded.shape[-2:]
        even = (0, width % 2, 0, height % 2)
        x = pad(degraded, even, mode="replicate")
        # The authors' sub-images come column by column, (0, 0), (1, 0), (0, 1), (1, 1), as MATLAB counts;
        # torch's row by row: of the transposed image they are the same.
        x = self.unshuffle(x.mT).mT  # (N, 4 C, H / 2, W / 2)
        maps = condition_maps(self.conditions, values, named, degraded)
        if self.conditions:  # no map at all cannot be continued
            x = cat([x, avg_pool2d(pad(maps, even, mode="replicate"), 2)], dim=1)
        return self.shuffle(self.body(x).mT).mT[..., :height, :width]

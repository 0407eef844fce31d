"""An image file in memory: its levels at their own depth, its alpha, and what the file says about them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restore.resize import imresize

PEAKS = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0, np.dtype(np.float32): 1.0}


@dataclass(frozen=True)
class Metadata:
    """What a file says of its pixels, beside them.

    Args:
        icc: the ICC profile of the colours.
        exif: an EXIF block as Pillow writes it, without the tags that describe how the pixels are stored,
            its orientation 1 (upright) where it has one.
        dpi: resolution across and down, in pixels an inch.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True)
class Photo:
    """An upright image.

    Args:
        levels: ``(H, W)`` of a gray image, ``(H, W, 3)`` of one in colour; uint8, uint16 or float32.
        alpha: ``(H, W)`` of the same type, straight (colours are not multiplied by it), or none.
        peak: the level that is 1 in the unit range: 255, 65535, or 1 for float, unless the reader was told another.
        metadata: profile, EXIF and resolution.
        format: of the file, as Pillow names it: ``PNG``, ``JPEG``, ``TIFF``, ``WEBP``, ``BMP``, ``PPM``.
        source: the file it was read from, which `restore.photos.write` does not write over.
    """

    levels: NDArray
    alpha: NDArray | None = None
    peak: float = 255.0
    metadata: Metadata = field(default_factory=Metadata)
    format: str = "PNG"
    source: Path | None = None

    def __post_init__(self):
        kinds = ", ".join(map(str, PEAKS))
        if self.levels.dtype not in PEAKS:
            raise ValueError(f"levels must be {kinds}, and they are {self.levels.dtype}")
        if self.levels.ndim not in (2, 3) or self.levels.shape[2:] not in ((), (3,)):
            raise ValueError(f"levels must be (H, W) or (H, W, 3), and they are {self.levels.shape}")
        if self.alpha is not None and (self.alpha.dtype, self.alpha.shape) != (
            self.levels.dtype,
            self.levels.shape[:2],
        ):
            raise ValueError(
                f"alpha must be {self.levels.dtype} of {self.levels.shape[:2]}, and it is "
                f"{self.alpha.dtype} of {self.alpha.shape}"
            )

    @property
    def channels(self) -> int:
        """1 or 3, without alpha."""
        return 1 if self.levels.ndim == 2 else 3

    @property
    def bits(self) -> int:
        """A channel's: 8, 16 or 32."""
        return 8 * self.levels.dtype.itemsize

    def to_unit(self) -> Tensor:
        """The levels as networks see them: ``levels / peak``, without alpha.

        Shape:
            float32 ``(1, C, H, W)`` in [0, 1]; float images as far outside of it as they are in the file.
        """
        planes = self.levels[None] if self.levels.ndim == 2 else np.moveaxis(self.levels, 2, 0)
        return torch.from_numpy(planes.astype(np.float32, order="C"))[None].div_(self.peak)

    def with_unit(self, image: Tensor) -> Photo:
        """The same photo with other pixels, at its depth: ``image · peak``, of integers clipped and rounded.

        The alpha of an image of another size is enlarged or shrunk to it by MATLAB's bicubic. A profile belongs to
        a number of channels, and leaves with it.

        Args:
            image: as `to_unit` gives it; float images are neither clipped nor rounded.

        Shape:
            ``(1, 1 or 3, H', W')``.

        Raises:
            ValueError: another shape.
        """
        if image.dim() != 4 or image.shape[0] != 1 or image.shape[1] not in (1, 3):
            raise ValueError(f"an image must be (1, 1 or 3, H, W), and it is {tuple(image.shape)}")
        planes = self._at_depth(image[0].detach().cpu().float())
        levels = planes[0] if len(planes) == 1 else np.ascontiguousarray(np.moveaxis(planes, 0, 2))
        alpha = self.alpha
        if alpha is not None and alpha.shape != levels.shape[:2]:
            whole = 1.0 if levels.dtype == np.float32 else float(np.iinfo(levels.dtype).max)  # alpha knows no `peak`
            covers = torch.from_numpy(alpha.astype(np.float64) / whole)
            alpha = self._at_depth(imresize(covers, *levels.shape[:2]).clamp(0, 1), whole)
        same = levels.ndim == self.levels.ndim
        metadata = self.metadata if same else replace(self.metadata, icc=None)
        return replace(self, levels=levels, alpha=alpha, metadata=metadata)

    def _at_depth(self, image: Tensor, peak: float | None = None) -> NDArray:
        levels = image * (self.peak if peak is None else peak)
        if self.levels.dtype == np.float32:
            return levels.float().numpy()
        most = self.peak if peak is None else peak
        return levels.nan_to_num_(nan=0.0).clamp_(0, most).round_().numpy().astype(self.levels.dtype)

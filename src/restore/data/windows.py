"""What is cut from an image so that a patch of it is a cut of a degraded image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """The square window around each patch that is degraded, and where in it the patch lies.

    A window begins at a multiple of the grid's period from the corner of the image, turned as the patch is,
    and is a multiple long: JPEG's blocks and the samples that super-resolution keeps are those of the whole
    image, and a patch anywhere in it has any of the grid's phases. It reaches at least the margin beyond the
    patch, but no further than the image, whose own border it then has; what is missing to a whole period, and
    to the window of an image that is smaller, repeats the image's last row and column.

    Args:
        patch_size: side P of the square patch in pixels.
        margin: pixels beyond the patch that its degradation depends on.
        grid: its period in pixels; 0 where there is none: the patch is in the middle of every window.
        aligned: patches begin at multiples of the period, for a network that takes the patch's corner for
            the grid's.
    """

    patch_size: int
    margin: int = 0
    grid: int = 0
    aligned: bool = False

    @property
    def side(self) -> int:
        """Side of a window in pixels."""
        if not self.grid:
            return self.patch_size + 2 * self.margin
        before = -(-self.margin // self.grid) * self.grid if self.aligned else self.margin + self.grid - 1
        return -(-(before + self.patch_size + self.margin) // self.grid) * self.grid

    def around(self, coordinates: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Coordinates of the windows of patches, and rows and columns that the turned window has before the patch.

        Args:
            coordinates: of patches, (image, top, left, orientation): see `restore.data.bank.ImageBank.crop`.
            sizes: height and width of each one's image.

        Shape:
            int64 ``(B, 4)`` and ``(B, 2)`` to ``(B, 6)``; to ``(B, 4)`` where every patch has the margin before it.
        """
        if not self.grid:
            return coordinates - np.array([0, self.margin, self.margin, 0])
        orientation = coordinates[:, 3, None]
        flipped = orientation & np.array([2, 1]) > 0  # (B, 2), of the image's rows and columns
        first = coordinates[:, 1:3]
        first = np.where(flipped, sizes - self.patch_size - first, first)  # of the patch in the turned image
        if self.aligned:
            first = first // self.grid * self.grid
        begin = (first - self.margin) // self.grid * self.grid
        last = -(-(sizes - self.side) // self.grid) * self.grid
        begin = np.minimum(begin, last).clip(min=0)
        place = np.where(flipped, sizes - self.side - begin, begin)
        before = np.where(orientation & 4, (first - begin)[:, ::-1], first - begin)
        return np.column_stack([coordinates[:, 0], place, coordinates[:, 3], before])

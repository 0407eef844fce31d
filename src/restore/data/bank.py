"""All training images in one flat buffer on the training device, cropped by coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from restore.image import deepened, deepest, stored_to_unit


class ImageBank:
    """Images of different sizes in one buffer, so that a batch of patches is one gather.

    The buffer has the depth of the deepest of them, uint8, uint16 or float32, in which no image loses a level.

    Args:
        images: ``(C, H, W)`` tensors with the same C, each uint8, uint16, or float32 in [0, 1].
        names: a name for each.
    """

    def __init__(self, images: Sequence[Tensor], names: Sequence[str]):
        self.names = list(names)
        self.channels = images[0].shape[0]
        sizes = torch.tensor([image.shape[-2:] for image in images], dtype=torch.long)  # (images, 2)
        self.heights, self.widths = sizes.unbind(1)
        depth = deepest(image.dtype for image in images)
        places = {image.untyped_storage().data_ptr() for image in images}
        if len(places) == 1 < len(images) and all(image.is_contiguous() for image in images):
            # views of one memory-mapped file: that is the buffer already
            self.buffer = torch.empty(0, dtype=depth).set_(images[0].untyped_storage())
            self.offsets = torch.tensor([image.storage_offset() for image in images])
        else:
            self.buffer = torch.cat([deepened(image.reshape(-1), depth) for image in images])
            lengths = self.channels * sizes.prod(dim=1)
            self.offsets = torch.cumsum(lengths, 0) - lengths

    def __len__(self) -> int:
        return len(self.names)

    @property
    def device(self) -> torch.device:
        return self.buffer.device

    def to(self, device: torch.device) -> ImageBank:
        """Move the buffer and its index once; later calls cost nothing. What does not fit stays where it is."""
        if self.device != device and self._fits(device):
            for name in ("buffer", "offsets", "heights", "widths"):
                setattr(self, name, getattr(self, name).to(device))
        return self

    def _fits(self, device: torch.device) -> bool:
        return device.type != "cuda" or self.buffer.nbytes < 0.5 * torch.cuda.mem_get_info(device)[0]

    def image(self, index: int) -> Tensor:
        """One whole image ``(C, H, W)``, of the bank's depth."""
        height, width, offset = int(self.heights[index]), int(self.widths[index]), int(self.offsets[index])
        return self.buffer[offset : offset + self.channels * height * width].view(self.channels, height, width)

    def crop(self, coordinates: Tensor, patch_size: int) -> Tensor:
        """Patches at coordinates, turned by one of the eight flips and rotations (`restore.conditions.turn`).

        Each orientation is a start and two strides in the buffer, so crop, flip and rotation are a
        single gather. What a patch has beyond its image's edges repeats the edge.

        Args:
            coordinates: integers (image, top, left, orientation), on any device; the patches come there.
            patch_size: side P of the square patch in pixels.

        Shape:
            ``(B, 4)`` to float32 ``(B, C, P, P)`` in [0, 1].
        """
        image, top, left, orientation = coordinates.to(self.device).unbind(1)
        transpose, flip_rows, flip_columns = (orientation >> bit & 1 for bit in (2, 1, 0))
        rows = self._line(top, flip_rows, self.heights[image], patch_size) * self.widths[image][:, None]  # (B, P)
        columns = self._line(left, flip_columns, self.widths[image], patch_size)
        first, second = (
            torch.where(transpose[:, None] == 1, *pair) for pair in ((columns, rows), (rows, columns))
        )  # offsets along the patch's rows and columns
        plane = self.heights[image] * self.widths[image]
        start = self.offsets[image][:, None] + plane[:, None] * torch.arange(self.channels, device=self.device)
        index = start[:, :, None, None] + first[:, None, :, None] + second[:, None, None, :]  # (B, C, P, P)
        if self.buffer.dtype == torch.uint16:  # gathered as the signed type of its size, which every device indexes
            levels = self.buffer.view(torch.int16)[index].view(torch.uint16)
        else:
            levels = self.buffer[index]
        return stored_to_unit(levels.to(coordinates.device))

    def _line(self, start: Tensor, flipped: Tensor, length: Tensor, patch_size: int) -> Tensor:
        """Where each of a patch's rows (or columns) lies in the image, ``(B, P)``."""
        step = torch.arange(patch_size, device=self.device)
        along = torch.where(flipped[:, None] == 1, patch_size - 1 - step, step)
        return torch.minimum((start[:, None] + along).clamp(min=0), length[:, None] - 1)

"""Large images, tile by tile: what is restored is what the whole image would give, within rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restore.conditions import Network, apply_network, turn, turn_back, turn_conditions
from restore.errors import RequestError
from restore.evaluation.score import autocast
from restore.models.reach import Reach, count_reach

TOLERANCE = 1e-5  # of [0, 1]: by how much tiles and whole may differ in float32


class Box(NamedTuple):
    """A rectangle of an image, in pixels; bottom and right are the first ones outside."""

    top: int
    left: int
    bottom: int
    right: int

    def of(self, image: Tensor) -> Tensor:
        """What lies in it of the last two axes."""
        return image[..., self.top : self.bottom, self.left : self.right]

    def within(self, outer: Box) -> Box:
        """The same rectangle, counted from another one's corner."""
        return Box(
            self.top - outer.top, self.left - outer.left, self.bottom - outer.top, self.right - outer.left
        )  # fmt: skip

    def turned(self, orientation: int, height: int, width: int) -> Box:
        """Where it lies when an image of `height` × `width` is turned (`restore.conditions.turn`)."""
        top, left, bottom, right = self
        if orientation & 2:
            top, bottom = height - bottom, height - top
        if orientation & 1:
            left, right = width - right, width - left
        return Box(left, top, right, bottom) if orientation & 4 else Box(top, left, bottom, right)

    def turned_back(self, orientation: int, height: int, width: int) -> Box:
        """Where a rectangle of the turned image lies in the image of `height` × `width`: undoes `turned`."""
        top, left, bottom, right = (self.left, self.top, self.right, self.bottom) if orientation & 4 else tuple(self)
        return Box(top, left, bottom, right).turned(orientation & 3, height, width)

    def surrounded(self, reach: Reach, height: int, width: int) -> Box:
        """With the reach around it, within an image of `height` × `width`, its corners on the grid or on the border."""
        grid = reach.grid

        def before(start: int) -> int:
            return max(0, (start - reach.margin) // grid * grid)

        def after(end: int, size: int) -> int:
            return min(size, -(-(end + reach.margin) // grid) * grid)

        return Box(before(self.top), before(self.left), after(self.bottom, height), after(self.right, width))


Read = Callable[[Box], Tensor]


@dataclass(frozen=True)
class Tiler:
    """Restores rectangles of an image, of which no more is read than what they depend on.

    A rectangle is restored from its surroundings (`Box.surrounded`), so that it comes out as it would
    of the whole image: where these end inside the image no kept pixel sees it, and where they end at
    the image's border the network meets that border as it does in the whole image. With several orientations
    the surroundings are aligned in each turned image, as the self-ensemble of the whole image is.

    Attributes:
        network: in `restore.conditions`' sense.
        reach: of the network (`reach_of`); None restores whole images alone.
        conditions: values ``(1,)`` and kernels, and maps ``(1, 1, H, W)`` of the whole image.
        orientations: of the self-ensemble, (0,) for none.
        precision: ``32``, or ``bf16-mixed``.
    """

    network: Network
    reach: Reach | None
    conditions: Mapping[str, Tensor] = field(default_factory=dict)
    orientations: Sequence[int] = (0,)
    precision: str = "32"

    def restore(self, read: Read, box: Box, height: int, width: int) -> Tensor:
        """The restored pixels of a box of an image of `height` × `width`, ``(1, C, h, w)`` float32.

        Args:
            read: gives the degraded pixels of any box, ``(1, C, h, w)`` float32 on the network's device.
        """
        total: Tensor | None = None
        for orientation in self.orientations:
            sides = (width, height) if orientation & 4 else (height, width)
            core = box.turned(orientation, height, width)
            around = core.surrounded(self.reach, *sides) if self.reach else Box(0, 0, *sides)
            source = around.turned_back(orientation, height, width)
            degraded = turn(read(source), orientation)
            conditions = {name: source.of(c) if c.dim() == 4 else c for name, c in self.conditions.items()}
            with torch.no_grad(), autocast(degraded.device.type, self.precision):
                restored = apply_network(self.network, degraded, turn_conditions(conditions, orientation))
            restored = turn_back(core.within(around).of(restored).float(), orientation)
            total = restored if total is None else total + restored
        assert total is not None
        return total / len(self.orientations) if len(self.orientations) > 1 else total


def cores(height: int, width: int, side: int) -> Iterator[Box]:
    """Rectangles of at most `side` × `side` pixels that cover an image once, of nearly the same size, row by row.

    Example:
        >>> [tuple(box) for box in cores(4, 10, 6)]
        [(0, 0, 4, 5), (0, 5, 4, 10)]
    """
    rows, columns = -(-height // side), -(-width // side)
    for row in range(rows):
        for column in range(columns):
            top, bottom = height * row // rows, height * (row + 1) // rows
            left, right = width * column // columns, width * (column + 1) // columns
            yield Box(top, left, bottom, right)


def restore_tiled(
    network: Network,
    degraded: Tensor,
    side: int,
    conditions: Mapping[str, Tensor] | None = None,
    orientations: Sequence[int] = (0,),
    precision: str = "32",
    name: str = "this network",
) -> Tensor:
    """The restored image, in tiles of `side` × `side` pixels and what these depend on.

    Args:
        conditions, orientations, precision: as of `Tiler`.
        name: of the network, for the sentence that refuses it.

    Shape:
        ``(1, C, H, W)`` to the same.

    Raises:
        RequestError: the network's output depends on more than its receptive field.
    """
    height, width = degraded.shape[-2:]
    conditions = dict(conditions or {})
    reach = reach_of(network, degraded.shape[1], conditions, name)
    check_tiles(network, reach, degraded[..., :1, :1], height, width, conditions, name)
    tiler = Tiler(network, reach, conditions, orientations, precision)
    restored = torch.empty_like(degraded)
    for box in cores(height, width, side):
        box.of(restored).copy_(tiler.restore(lambda part: part.of(degraded), box, height, width))
    return restored


def reach_of(network: Network, channels: int, conditions: Mapping[str, Tensor], name: str) -> Reach:
    """The reach of a network: the one that it states itself (``network.reach``), or that of its layers.

    Raises:
        RequestError: it sees the whole image, or is no network of layers.
    """
    stated = getattr(network, "reach", None)
    if isinstance(stated, Reach):
        return stated
    values = {key: value.flatten()[0].item() for key, value in conditions.items() if value.numel()}
    reach = count_reach(network, channels, values) if isinstance(network, nn.Module) else None
    if reach is None:
        raise _refusal(name, "each of its pixels depends on the whole image")
    return reach


def check_tiles(
    network: Network,
    reach: Reach,
    like: Tensor,
    height: int,
    width: int,
    conditions: Mapping[str, Tensor],
    name: str,
) -> None:
    """Try a network on an image of random pixels: the middle of it, in a tile and in the whole, has to be the same.

    The trial has at most three grid periods more than twice the reach a side, and lies on the grid as an image of
    `height` × `width` does.

    Args:
        like: any image of the channels and on the device of those that are to be restored.

    Raises:
        RequestError: they differ by more than 1e-5: the network's output depends on more than its receptive field.
    """
    grid = reach.grid
    least = 2 * reach.margin + 3 * grid
    rows, columns = (least + side % grid + grid * (side % 2) for side in (height, width))
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, like.shape[1], rows, columns, generator=generator).to(like.device)
    own = {n: c if c.dim() != 4 else c.flatten()[0].expand(1, 1, rows, columns) for n, c in conditions.items()}
    tiler = Tiler(network, reach, own)
    with torch.no_grad():
        whole = apply_network(network, image, own).float()
    # the last pixels' surroundings leave out the first ones of the image, the first ones' the last
    ends = [Box(0, 0, grid, grid), Box(rows - grid, columns - grid, rows, columns)]
    for box in ends:
        difference = (tiler.restore(lambda part: part.of(image), box, rows, columns) - box.of(whole)).abs().max().item()
        if not difference <= TOLERANCE:
            reason = f"a tile of it differs by {difference:.1g} of [0, 1] from the same pixels of the whole image"
            raise _refusal(name, reason)


def _refusal(name: str, reason: str) -> RequestError:
    return RequestError(f"{name} cannot be applied in tiles: {reason}; tile=0 restores whole images")

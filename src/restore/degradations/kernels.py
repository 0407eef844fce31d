"""Blur kernels: disk, Gaussian, motion, or any from a file; each sums to one."""

from __future__ import annotations

import warnings
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restore.files import check_regular, read_pixels

LARGEST = 1023  # side in pixels: a wider blur is wider than the images


def disk(radius: float) -> Tensor:
    """Circular average, MATLAB's ``fspecial('disk', radius)``: each weight is the pixel's area inside the circle.

    The area is counted on a grid of 100×100 points a pixel, within 1e-4 of MATLAB's closed form.

    Args:
        radius: in pixels, above 0, to 511; the kernel's side is ``2 ceil(radius − 1/2) + 1``.

    Raises:
        ValueError: it is not.
    """
    if not 0 < radius <= LARGEST // 2:  # also refuses nan
        limits = f"above 0 and at most {LARGEST // 2} pixels"
        raise ValueError(f"the radius of kernel=disk must be {limits}, and it is {radius}")
    half, fine = ceil(radius - 0.5), 100
    side = 2 * half + 1
    at = ((torch.arange(side * fine, dtype=torch.float64) + 0.5) / fine - half - 0.5).square().view(side, fine)
    near, far = at.amin(dim=1), at.amax(dim=1)
    counts = (far[:, None] + far <= radius**2).double() * fine**2
    on_the_edge = (near[:, None] + near <= radius**2) & (far[:, None] + far > radius**2)
    for rows, columns in zip(*(index.split(1000) for index in on_the_edge.nonzero(as_tuple=True)), strict=True):
        inside = at[rows][:, :, None] + at[columns][:, None] <= radius**2  # (pixels, fine, fine)
        counts[rows, columns] = inside.sum(dim=(1, 2), dtype=torch.float64)
    return _normalised(counts)


def gaussian(size: int, sigma: float) -> Tensor:
    """MATLAB's ``fspecial('gaussian', size, sigma)``.

    Args:
        size: side in pixels, odd, to 1023.
        sigma: standard deviation in pixels, above 0.

    Raises:
        ValueError: they are not.
    """
    if not sigma > 0:
        raise ValueError(f"the sigma of kernel=gaussian must be above 0 pixels, and it is {sigma}")
    check_size(size)
    at = torch.arange(size, dtype=torch.float64) - size // 2
    line = torch.exp(-at.square() / (2 * sigma**2))
    return _normalised(line[:, None] * line)


def motion(length: float, angle: float) -> Tensor:
    """Straight motion of the camera: a line of `length` pixels at `angle` degrees, anti-aliased.

    Weight of a pixel: 1 − its distance from the segment where that is below one, as MATLAB's
    ``fspecial('motion')`` defines it; kornia's rotates a pixel line and comes out blurred across.
    """
    if not 1 <= length <= LARGEST - 4:
        raise ValueError(f"the length of kernel=motion must be from 1 to {LARGEST - 4} pixels, and it is {length}")
    half = (length - 1) / 2
    radians = torch.deg2rad(torch.tensor(float(angle), dtype=torch.float64))
    reach = ceil(half + 1)
    at = torch.arange(-reach, reach + 1, dtype=torch.float64)
    x, y = at, -at[:, None]  # rows go down, angles go up
    along = x * radians.cos() + y * radians.sin()
    across = y * radians.cos() - x * radians.sin()
    beyond = (along.abs() - half).clamp(min=0)
    weight = (1 - torch.hypot(across, beyond)).clamp(min=0)
    used = weight.sum(dim=0) + weight.sum(dim=1) > 0  # symmetric about the centre
    edge = int(used.nonzero()[0])
    inner = weight[edge : len(at) - edge, edge : len(at) - edge]
    return _normalised(inner)


def from_file(path: str | Path) -> Tensor:
    """A kernel from a ``.npy`` file or a gray image, its values taken as weights.

    Raises:
        ValueError: unreadable, not two-dimensional, of sides that are even or above 1023, or without positive sum.
    """
    try:
        weights = _array(Path(path)) if Path(path).suffix == ".npy" else read_pixels(path, LARGEST**2, gray=True)
    except ValueError as error:
        raise ValueError(f"cannot read the kernel {path}: {error}") from error
    if weights.ndim != 2:
        raise ValueError(f"the kernel {path} must have two dimensions, and it has {weights.ndim}")
    for side in weights.shape:
        try:
            check_size(side)
        except ValueError as error:
            raise ValueError(f"cannot use the kernel {path}: {error}") from error
    kernel = torch.from_numpy(np.array(weights, dtype=np.float64))
    total = kernel.sum().item()
    if not 0 < total < float("inf"):
        raise ValueError(f"the weights of the kernel {path} sum to {total:g}, and a blur's sum to one")
    if abs(total - 1) > 1e-3 and Path(path).suffix == ".npy":
        warnings.warn(f"the kernel {path} sums to {total:g} and is normalised to one", stacklevel=2)
    return _normalised(kernel)


def _array(path: Path) -> np.ndarray:
    """The array of a ``.npy`` file, whose header may announce anything: mapped, so that nothing of it is read yet."""
    check_regular(path)
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # an empty file, no header, objects, more than the file has: each its own
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"it holds {array.dtype}, and weights are numbers")
    return array


def check_size(size: int) -> None:
    """Refuse a side that no kernel has.

    Raises:
        ValueError: it is even, or not from 1 to 1023.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"a kernel has an odd side, so that it has a centre, and this one has {size}")
    if size > LARGEST:
        raise ValueError(f"a kernel has a side of at most {LARGEST} pixels, and this one has {size}")


def _normalised(kernel: Tensor) -> Tensor:
    return (kernel / kernel.sum()).float()

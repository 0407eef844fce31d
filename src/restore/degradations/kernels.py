"""Blur kernels: disk, Gaussian, motion, or any from a file; each sums to one."""

from __future__ import annotations

import warnings
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def disk(radius: float) -> Tensor:
    """Circular average, MATLAB's ``fspecial('disk', radius)``: each weight is the pixel's area inside the circle.

    The area is counted on a grid of 100×100 points a pixel, within 1e-4 of MATLAB's closed form.

    Args:
        radius: in pixels, above 0; the kernel's side is ``2 ceil(radius − 1/2) + 1``.
    """
    if radius <= 0:
        raise ValueError(f"the radius of kernel=disk must be above 0 pixels, and it is {radius}")
    half, fine = ceil(radius - 0.5), 100
    side = (2 * half + 1) * fine
    at = (torch.arange(side, dtype=torch.float64) + 0.5) / fine - half - 0.5
    inside = (at[:, None] ** 2 + at**2 <= radius**2).double()
    return _normalised(inside.view(2 * half + 1, fine, 2 * half + 1, fine).sum(dim=(1, 3)))


def gaussian(size: int, sigma: float) -> Tensor:
    """MATLAB's ``fspecial('gaussian', size, sigma)``.

    Args:
        size: side in pixels, odd.
        sigma: standard deviation in pixels, above 0.
    """
    if sigma <= 0:
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
    if length < 1:
        raise ValueError(f"the length of kernel=motion must be at least 1 pixel, and it is {length}")
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
        ValueError: unreadable, not two-dimensional, of even sides, or without positive sum.
    """
    try:
        if Path(path).suffix == ".npy":
            weights = np.load(path, allow_pickle=False)
        else:
            from PIL import Image

            with Image.open(path) as image:
                weights = np.asarray(image.convert("L"), dtype=np.float64)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the kernel {path}: {str(error).splitlines()[0]}") from error
    kernel = torch.from_numpy(np.array(weights, dtype=np.float64))
    if kernel.dim() != 2:
        raise ValueError(f"the kernel {path} must have two dimensions, and it has {kernel.dim()}")
    for side in kernel.shape:
        check_size(side)
    total = kernel.sum().item()
    if not total > 0:
        raise ValueError(f"the weights of the kernel {path} sum to {total:g}, and a blur's sum to one")
    if abs(total - 1) > 1e-3 and Path(path).suffix == ".npy":
        warnings.warn(f"the kernel {path} sums to {total:g} and is normalised to one", stacklevel=2)
    return _normalised(kernel)


def check_size(size: int) -> None:
    if size < 1 or size % 2 == 0:
        raise ValueError(f"a kernel has an odd side, so that it has a centre, and this one has {size}")


def _normalised(kernel: Tensor) -> Tensor:
    return (kernel / kernel.sum()).float()

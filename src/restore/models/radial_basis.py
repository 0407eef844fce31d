"""Trainable nonlinearities: sums of Gaussians at fixed places, read from a table."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

Grid = Tensor | tuple[float, float, int]


def influence(responses: Tensor, weights: Tensor, means: Tensor, precision: float, grid: Grid) -> Tensor:
    """``φ_f(v) = Σ_m w_fm exp(−precision / 2 · (v − mean_m)²)``, one function for every filter f.

    Y. Chen, T. Pock, "Trainable Nonlinear Reaction Diffusion: A Flexible Framework for Fast and Effective
    Image Restoration", TPAMI 2017, arXiv 1508.02848 (influence functions); U. Schmidt, S. Roth, "Shrinkage
    Fields for Effective Image Restoration", CVPR 2014 (shrinkage functions). As their programs do, the sum is taken
    at equidistant places alone, and interpolated linearly between them; outside of them it stays as it is at the
    first or the last.

    Args:
        weights: one per filter and Gaussian.
        means: where the Gaussians stand, in units of the responses.
        precision: of every Gaussian, the inverse of its variance.
        grid: the equidistant places, ascending, at least two: themselves ``(K,)``, or the first, the step and their
            count.

    Shape:
        responses ``(N, F, H, W)``, weights ``(F, M)`` and means ``(M,)`` to ``(N, F, H, W)``.

    Differentiable once, in responses and weights: the slope is the table's, zero outside of it. Responses of half
    precision are taken to float32, under autocast too. What is not a number stays that.

    Raises:
        ValueError: the grid has fewer than two places.

    Example:
        >>> weights, means = torch.tensor([[1.0, -2.0]]), torch.tensor([-1.0, 1.0])
        >>> influence(torch.zeros(1, 1, 1, 1), weights, means, precision=1.0, grid=(-4.0, 0.5, 17)).item()
        -0.6065306663513184
    """
    with torch.autocast(responses.device.type, enabled=False):
        if responses.dtype.itemsize < 4:
            responses = responses.float()
        means, weights = means.to(responses), weights.to(responses)
        if isinstance(grid, Tensor):
            places = grid.to(responses)
        else:
            places = grid[0] + grid[1] * torch.arange(grid[2], dtype=responses.dtype, device=responses.device)
        if len(places) < 2:
            raise ValueError(f"a table needs at least 2 places, and it has {len(places)}")
        table = weights @ torch.exp(-precision / 2 * (places - means[:, None]).square())  # (F, K)
        return _interpolate(responses, table, places)


def _interpolate(responses: Tensor, table: Tensor, places: Tensor) -> Tensor:
    """Values between the places of a table ``(F, K)``, constant outside."""
    count = len(places)
    padded = pad(table[None], (1, 1), mode="replicate")[0]  # an interval of slope zero before and behind
    slopes = padded.diff()  # (F, K + 1)
    step = (places[-1] - places[0]) / (count - 1)
    positions = (responses - (places[0] - step)) / step
    positions = positions.clamp(0, count + 0.5)  # the whole part is an interval, 0 to K
    return _Interpolation.apply(positions, padded[:, :-1], slopes)


class _Interpolation(torch.autograd.Function):
    """``values[f, i] + (position − i) slopes[f, i]`` with i the whole part of a position: ``(N, F, H, W)`` to the same.

    Keeps the positions alone for the backward pass, where autograd would keep indices, fractions and both
    look-ups; indices are of 32 bits, because memory is what it waits for.
    """

    @staticmethod
    def forward(ctx: Any, positions: Tensor, values: Tensor, slopes: Tensor) -> Tensor:
        positions = positions.contiguous()
        ctx.save_for_backward(positions, slopes)
        index, fraction = _cells(positions, slopes.shape[1])
        restored = fraction.mul_(slopes.flatten().index_select(0, index).view_as(positions))
        return restored.add_(values.flatten().index_select(0, index).view_as(positions))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        positions, slopes = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        index, fraction = _cells(positions, slopes.shape[1])
        of_positions = of_values = of_slopes = None
        if ctx.needs_input_grad[0]:
            of_positions = slopes.flatten().index_select(0, index).view_as(positions).mul_(gradient)
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            empty = torch.zeros_like(slopes).flatten()
            of_values = empty.index_add(0, index, gradient.flatten()).view_as(slopes)
            of_slopes = empty.index_add(0, index, fraction.mul_(gradient).flatten()).view_as(slopes)
        return of_positions, of_values, of_slopes


def _cells(positions: Tensor, intervals: int) -> tuple[Tensor, Tensor]:
    """Index of each position's interval in a flattened table, int32, and how far into it the position lies."""
    index = positions.to(torch.int32).clamp_(0, intervals - 1)  # NaN becomes any integer, its fraction stays NaN
    fraction = positions - index
    filters = positions.shape[1]
    first = torch.arange(0, filters * intervals, intervals, dtype=torch.int32, device=positions.device)
    return index.add_(first.view(1, -1, 1, 1)).flatten(), fraction

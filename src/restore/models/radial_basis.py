"""Trainable nonlinearities: sums of Gaussians at fixed places, read from a table."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

Grid = Tensor | tuple[float, float, int]
MOST_GAUSSIANS = 1000  # of a function: fitting them is a dense system of equations


def influence(responses: Tensor, weights: Tensor, means: Tensor, precision: float | Tensor, grid: Grid) -> Tensor:
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
    with full_precision(responses):
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


def full_precision(tensor: Tensor) -> AbstractContextManager:
    """A context without autocast on a tensor's device; nothing is changed where there is none (``meta``)."""
    kind = tensor.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


def _interpolate(responses: Tensor, table: Tensor, places: Tensor) -> Tensor:
    """Values between the places of a table ``(F, K)``, constant outside."""
    padded = pad(table[None], (1, 1), mode="replicate")[0]  # an interval of slope zero before and behind
    step = (places[-1] - places[0]) / (len(places) - 1)
    return _Interpolation.apply(responses.contiguous(), padded[:, :-1], padded.diff(), places[0] - step, step)


class _Interpolation(torch.autograd.Function):
    """``values[f, i] + (x − i) slopes[f, i]`` at ``x = (response − first) / step``, i its whole part.

    Responses ``(N, F, H, W)``, values and slopes ``(F, I)`` of the I intervals that begin at `first`, of which the
    outer two have no slope: responses before and behind them are taken to lie in them. It keeps the
    responses alone for the backward pass, where autograd would keep places, indices and both look-ups; indices
    have 32 bits, because memory is what it waits for.
    """

    @staticmethod
    def forward(ctx: Any, responses: Tensor, values: Tensor, slopes: Tensor, first: Tensor, step: Tensor) -> Tensor:
        ctx.save_for_backward(responses, slopes, first, step)
        index, fraction = _cells(responses, first, step, slopes.shape[1])
        rise = slopes.flatten().index_select(0, index).view_as(responses)
        return fraction.mul_(rise).add_(values.flatten().index_select(0, index).view_as(responses))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        responses, slopes, first, step = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        index, fraction = _cells(responses, first, step, slopes.shape[1])
        of_responses = of_values = of_slopes = None
        if ctx.needs_input_grad[0]:
            of_responses = (slopes / step).flatten().index_select(0, index).view_as(responses).mul_(gradient)
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            empty = torch.zeros_like(slopes).flatten()
            of_values = empty.index_add(0, index, gradient.flatten()).view_as(slopes)
            of_slopes = empty.index_add(0, index, fraction.mul_(gradient).flatten()).view_as(slopes)
        return of_responses, of_values, of_slopes, None, None


def _cells(responses: Tensor, first: Tensor, step: Tensor, intervals: int) -> tuple[Tensor, Tensor]:
    """Index of each response's interval in a flattened table, int32, and how far into it the response lies."""
    fraction = (responses - first).div_(step).clamp_(0, intervals - 0.5)
    index = fraction.to(torch.int32).clamp_(0, intervals - 1)  # NaN becomes any integer, its fraction stays NaN
    fraction.sub_(index)
    filters = responses.shape[1]
    begin = torch.arange(0, filters * intervals, intervals, dtype=torch.int32, device=responses.device)
    return index.add_(begin.view(1, -1, 1, 1)).flatten(), fraction

"""Sums of Gaussians from a table, against the sums themselves."""

import math

import pytest
import torch

from restore.models.radial_basis import influence

MEANS = torch.arange(-310.0, 311, 10)
GRID = (-320.0, 0.2, 3201)


def exact(responses: torch.Tensor, weights: torch.Tensor, means: torch.Tensor, precision: float) -> torch.Tensor:
    """From the definition, value by value."""
    result = torch.zeros(responses.shape, dtype=torch.float64)
    for place in torch.cartesian_prod(*(torch.arange(size) for size in responses.shape)).tolist():
        value, row = responses[tuple(place)].item(), weights[place[1]].tolist()
        pairs = zip(row, means.tolist(), strict=True)
        result[tuple(place)] = sum(w * math.exp(-precision / 2 * (value - mean) ** 2) for w, mean in pairs)
    return result


def test_is_the_sum_of_gaussians_of_each_filter(generator):
    responses = 640 * torch.rand(2, 3, 4, 5, generator=generator) - 320
    weights = torch.randn(3, 63, generator=generator)
    expected = exact(responses, weights, MEANS, 0.01)
    table = influence(responses, weights, MEANS, 0.01, GRID)
    assert expected.abs().max() > 1
    torch.testing.assert_close(table.double(), expected, atol=1e-3, rtol=0)
    places = torch.linspace(-320, 320, 3201)
    torch.testing.assert_close(influence(responses, weights, MEANS, 0.01, places), table)


def test_places_of_the_table_are_met_and_between_two_it_is_linear():
    weights, means = torch.tensor([[1.0, -0.5]]), torch.tensor([-1.0, 2.0])
    line = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]).view(1, 1, 1, 5)
    values = influence(line, weights, means, 1.0, (-3.0, 1.0, 7)).flatten().double()
    ends = exact(line[..., [0, 4]], weights, means, 1.0).flatten()
    torch.testing.assert_close(values, torch.lerp(ends[0], ends[1], line.flatten().double()))


def test_constant_outside_with_no_slope():
    weights, means = torch.tensor([[1.0, -0.5]]), torch.tensor([-1.0, 2.0])
    far = torch.tensor([-1e9, -3.5, -3.0, 3.0, 3.01, 700.0, math.inf]).view(1, 1, 1, 7).requires_grad_()
    values = influence(far, weights, means, 1.0, (-3.0, 0.5, 13))
    first, last = exact(torch.tensor([-3.0, 3.0]).view(1, 1, 1, 2), weights, means, 1.0).float().flatten()
    torch.testing.assert_close(values.flatten(), torch.stack([first] * 3 + [last] * 4))
    values.sum().backward()
    assert far.grad.flatten()[[0, 1, 4, 5, 6]].tolist() == [0] * 5


def test_gradients_are_those_of_the_table(generator):
    responses = torch.randn(2, 3, 2, 3, dtype=torch.float64, generator=generator).requires_grad_()
    weights = torch.randn(3, 4, dtype=torch.float64, generator=generator).requires_grad_()
    means = torch.linspace(-2, 2, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda v, w: influence(v, w, means, 1.3, (-3.0, 0.37, 18)), (responses, weights))


def test_float32_under_autocast_and_of_half_precision(generator):
    responses = 50 * torch.randn(1, 2, 3, 3, generator=generator)
    weights = torch.randn(2, 63, generator=generator)
    expected = influence(responses, weights, MEANS, 0.01, GRID)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(influence(responses, weights, MEANS, 0.01, GRID), expected)
    half = influence(responses.bfloat16(), weights, MEANS, 0.01, GRID)
    assert half.dtype == torch.float32
    assert torch.equal(half, influence(responses.bfloat16().float(), weights, MEANS, 0.01, GRID))


def test_memory_order_makes_no_difference_and_what_is_no_number_stays_that(generator):
    responses = 50 * torch.randn(2, 3, 4, 5, generator=generator)
    weights = torch.randn(3, 63, generator=generator)
    expected = influence(responses, weights, MEANS, 0.01, GRID)
    last = responses.contiguous(memory_format=torch.channels_last)
    assert torch.equal(influence(last, weights, MEANS, 0.01, GRID), expected)
    responses[1, 2, 3, 4] = math.nan
    values = influence(responses, weights, MEANS, 0.01, GRID)
    assert values.isnan().sum() == 1
    assert values[1, 2, 3, 4].isnan()


def test_refuses_a_table_of_one_place():
    with pytest.raises(ValueError, match="at least 2 places, and it has 1"):
        influence(torch.zeros(1, 1, 1, 1), torch.ones(1, 1), torch.zeros(1), 1.0, (0.0, 1.0, 1))

import pytest
import torch
from torch import nn

from restore.errors import RequestError
from restore.optim.clipping import Clipping


def sgd(*gradients: list[float], rates: tuple[float, ...] = (0.1, 0.01)) -> torch.optim.SGD:
    """An optimiser of a parameter a group, each with its gradient and its rate."""
    parameters = [nn.Parameter(torch.zeros(len(values))) for values in gradients]
    for parameter, values in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(values)
    groups = [{"params": [parameter], "lr": rate} for parameter, rate in zip(parameters, rates, strict=False)]
    return torch.optim.SGD(groups, lr=1.0)


def clipped(optimizer: torch.optim.Optimizer) -> list[list[float]]:
    return [group["params"][0].grad.tolist() for group in optimizer.param_groups]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (None, [[3.0, -4.0], [12.0]]),
        ({}, [[3.0, -4.0], [12.0]]),
        ({"norm": 26.0}, [[3.0, -4.0], [12.0]]),
        ({"norm": 6.5}, [[1.5, -2.0], [6.0]]),
        ({"value": 3.5}, [[3.0, -3.5], [3.5]]),
        # of four patches: 1.4 / (4 · 0.1) in the first group, 1.4 / (4 · 0.01) in the second
        ({"value_per_rate": 1.4}, [[3.0, -3.5], [12.0]]),
        ({"value_per_rate": 0.4}, [[1.0, -1.0], [10.0]]),
    ],
)
def test_what_each_rule_leaves(rule, expected):
    optimizer = sgd([3.0, -4.0], [12.0])
    Clipping(rule)(optimizer, patches=4)
    for ours, wanted in zip(clipped(optimizer), expected, strict=True):
        assert ours == pytest.approx(wanted)


def test_per_rate_it_is_the_summed_gradient_that_is_clipped():
    """Clip the sum and divide by the number, as the released program does; or divide and clip by what is passed."""
    torch.manual_seed(0)
    errors, rate, patches = torch.randn(8, 5), 0.1, 8  # d loss / d weight of each patch
    optimizer = sgd(errors.mean(dim=0).tolist(), rates=(rate,))
    Clipping({"value_per_rate": 0.2})(optimizer, patches)
    theirs = errors.sum(dim=0).clamp(-0.2 / rate, 0.2 / rate) / patches
    torch.testing.assert_close(torch.tensor(clipped(optimizer)[0]), theirs)
    assert not torch.allclose(theirs, errors.mean(dim=0)), "something was clipped"


def test_a_rate_of_zero_takes_no_step_and_no_clipping():
    optimizer = sgd([3.0], rates=(0.0,))
    Clipping({"value_per_rate": 0.1})(optimizer, patches=2)
    assert clipped(optimizer) == [[3.0]]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"nrom": 1.0}, "unknown optim.clip 'nrom': did you mean 'norm'"),
        ({"norm": 1.0, "value": 1.0}, "optim.clip is one of norm, value, value_per_rate, and it is norm, value"),
        ({"value": 0.0}, "optim.clip.value must be above 0, and it is 0"),
    ],
)
def test_refuses_by_name(rule, sentence):
    with pytest.raises(RequestError, match=sentence):
        Clipping(rule)

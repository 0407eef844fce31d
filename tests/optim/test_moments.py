"""What an optimiser keeps, counted without its numbers."""

from functools import partial

import pytest
import torch

from restore.models.red import REDNet
from restore.optim.moments import count_moments
from restore.optim.muon import Muon


@pytest.mark.parametrize("kind", [torch.optim.Adam, partial(torch.optim.SGD, momentum=0.9), torch.optim.SGD, Muon])
def test_the_count_is_that_of_a_real_step(kind):
    network = REDNet(depth=4, width=6, skip_step=1)

    def build(network: torch.nn.Module) -> torch.optim.Optimizer:
        return kind(network.parameters(), lr=1e-3)

    counted = count_moments(build, network)
    optimizer = build(network)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    values = [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]
    assert counted == sum(value.numel() for value in values)


def test_an_optimiser_that_takes_no_step_without_numbers_is_counted_as_adam():
    def refuse(network: torch.nn.Module) -> torch.optim.Optimizer:
        raise NotImplementedError

    assert count_moments(refuse, torch.nn.Linear(2, 3)) == 2 * 9

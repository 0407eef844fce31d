"""How many numbers an optimiser keeps of a network: moments, averages, counts of steps."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn


def count_moments(build: Callable[[nn.Module], torch.optim.Optimizer], network: nn.Module) -> int:
    """Count what an optimiser keeps between steps, by a step on torch's meta device, which holds no numbers.

    An optimiser that takes no step there is counted with two moments for each parameter, as Adam has.

    Args:
        build: the optimiser for a network.

    Example:
        >>> count_moments(lambda network: torch.optim.SGD(network.parameters(), lr=1, momentum=0.9), nn.Linear(2, 3))
        9
    """
    try:
        sketch = copy.deepcopy(network).to("meta")
        for parameter in sketch.parameters():
            parameter.grad = torch.empty_like(parameter)
        optimizer = build(sketch)
        optimizer.step()
    except Exception:  # whatever an optimiser makes of tensors without numbers
        return 2 * sum(parameter.numel() for parameter in network.parameters())
    values = (value for state in optimizer.state.values() for value in state.values())
    return sum(value.numel() for value in values if isinstance(value, torch.Tensor))

"""Which of a network's parameters weight decay shrinks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from restore.models.layers import Convolution


def parameter_groups(network: nn.Module, decay: str = "all") -> Iterable[Any]:
    """A network's parameters as an optimiser takes them.

    Args:
        decay: ``all`` of them decay, by as much as the optimiser says; or only the weights of
            ``convolutions``, transposed ones too, and neither biases nor batch norm.

    Raises:
        ValueError: it is neither.
    """
    if decay == "all":
        return network.parameters()
    if decay != "convolutions":
        raise ValueError(f"optim.decay must be all or convolutions, and it is '{decay}'")
    weights = [layer.weight for layer in network.modules() if isinstance(layer, Convolution)]
    known = {id(weight) for weight in weights}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in known]
    return [{"params": weights}, {"params": rest, "weight_decay": 0.0}]

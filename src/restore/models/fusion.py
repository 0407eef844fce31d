"""Batch norm folded into the convolutions before it."""

from __future__ import annotations

import copy
from typing import TypeVar, cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def merge_batch_norm(network: Network) -> Network:
    """The same function with each batch norm folded into the convolution before it, for inference.

    With running mean m and variance v, scale g and shift b, ``g · (w ∗ x + c − m) / √(v + ε) + b`` is the
    convolution of weights ``w · g / √(v + ε)`` and bias ``(c − m) · g / √(v + ε) + b``: equal to rounding,
    and without a pass over every map per batch norm.

    Args:
        network: its batch norms follow a convolution, transposed or not, inside an `nn.Sequential`;
            any other one stays.

    Returns:
        A copy in evaluation mode; a network without batch norm is returned as it is.
    """
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()):
        return network
    network = copy.deepcopy(network).eval()
    for sequence in [layer for layer in network.modules() if isinstance(layer, nn.Sequential)]:
        for number in reversed(range(1, len(sequence))):
            convolution, norm = sequence[number - 1], sequence[number]
            if _folds(convolution, norm):
                transposed = isinstance(convolution, nn.ConvTranspose2d)
                sequence[number - 1] = fuse_conv_bn_eval(
                    cast("nn.Conv2d", convolution), cast("nn.BatchNorm2d", norm), transposed
                )
                del sequence[number]  # the layers after it move up, as in a network built without
    return network


def _folds(convolution: nn.Module, norm: nn.Module) -> bool:
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None:
        return False
    grouped = isinstance(convolution, nn.ConvTranspose2d) and convolution.groups > 1  # torch folds none of these
    return isinstance(convolution, (nn.Conv2d, nn.ConvTranspose2d)) and not grouped

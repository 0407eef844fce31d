"""What a network costs, counted and not measured."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Cost:
    """Parameters, multiply-accumulates for one image, and the receptive field's side in pixels."""

    parameters: int
    macs: int
    receptive_field: int


def count_cost(network: nn.Module, channels: int, height: int, width: int) -> Cost:
    """Count the convolutions of one forward pass over a ``(1, channels, height, width)`` image.

    A convolution costs ``C_in · C_out · k² · H_out · W_out`` MACs (a transposed one: of its input's
    size); bias, activation and normalisation are left out, as in the papers' own counts. A backward
    pass costs twice as much again. The receptive field is of a chain: ``1 + Σ (k − 1) · stride so far``.

    Example:
        >>> from restore.models.red import REDNet
        >>> count_cost(REDNet(depth=30), 1, 1, 1).macs
        1033344
    """
    network = copy.deepcopy(network).to("meta").eval()
    macs, field, jump = 0, 1.0, 1.0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal macs, field, jump
        transposed = isinstance(layer, nn.ConvTranspose2d)
        pixels = (inputs[0] if transposed else output)[0, 0].numel()
        macs += layer.weight.numel() * pixels
        if transposed:
            jump /= layer.stride[0]
        field += (layer.kernel_size[0] - 1) * jump
        if not transposed:
            jump *= layer.stride[0]

    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network(torch.empty(1, channels, height, width, device="meta"))
    return Cost(sum(p.numel() for p in network.parameters()), macs, round(field))

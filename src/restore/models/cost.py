"""What a network costs, counted and not measured."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from restore.conditions import apply_network, stand_in, told
from restore.models.csf import CSF
from restore.models.tnrd import Diffusion

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
Visit = Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]


@dataclass(frozen=True)
class Cost:
    """Parameters, multiply-accumulates for one image, and the receptive field's side in pixels, 0 for the whole image."""

    parameters: int
    macs: int
    receptive_field: int


def count_cost(network: nn.Module, channels: int, height: int, width: int) -> Cost:
    """Count the convolutions of one forward pass over a ``(1, channels, height, width)`` image.

    A convolution costs ``C_in · C_out · k² · H_out · W_out`` MACs (a transposed one: of its input's
    size); bias, activation and normalisation are left out, as in the papers' own counts. A backward
    pass costs twice as much again. The receptive field is that of the longest way through:
    ``1 + Σ (k − 1) · d`` over convolutions and poolings, ``1 + Σ (⌈k / s⌉ − 1) · d`` over transposed
    convolutions of stride s, where d is how many pixels of the image lie between two of the layer's
    input. An `nn.PixelUnshuffle` by r gathers r × r pixels, as a pooling does: ``(r − 1) · d``. TNRD's
    diffusion filters twice, ``2 · F · k² · H · W`` and ``2 (k − 1)``; what its data term costs and sees is left out.
    CSF filters twice, too, and sees the whole image; its margin and its Fourier transforms are left out.

    A network that is told something is counted with conditions of no meaning.

    Example:
        >>> from restore.models.red import REDNet
        >>> count_cost(REDNet(depth=30), 1, 1, 1).macs
        1033344
    """
    parameters = sum(p.numel() for p in network.parameters())
    if isinstance(network, CSF):
        return Cost(parameters, network.macs_per_pixel * height * width, 0)
    sketch = copy.deepcopy(network).to("meta").eval()
    macs, field, side = 0, 1, 2**5 * 3**5  # a side that strides of 2 and 3 divide

    def count_macs(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal macs
        if isinstance(layer, CONVOLUTIONS):
            pixels = (inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output)[0, 0].numel()
            macs += layer.weight.numel() * pixels
        if isinstance(layer, Diffusion):
            macs += 2 * inputs[1].numel() * output[0, 0].numel()

    def count_field(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal field
        field += _reach(layer) * round(side / inputs[0].shape[-1])

    visit_layers(sketch, channels, height, width, count_macs)
    visit_layers(sketch, channels, side, side, count_field)
    return Cost(parameters, macs, field)


def visit_layers(sketch: nn.Module, channels: int, height: int, width: int, visit: Visit) -> None:
    """Call a function with each layer that sees more than its own pixel, its inputs and its output.

    Args:
        sketch: a network on torch's meta device, so that nothing is computed.
        height, width: of the image that it is applied to.
    """
    counted = (*CONVOLUTIONS, nn.MaxPool2d, nn.PixelUnshuffle, Diffusion)
    handles = [layer.register_forward_hook(visit) for layer in sketch.modules() if isinstance(layer, counted)]
    image = torch.empty(1, channels, height, width, device="meta")
    with torch.no_grad():
        apply_network(sketch, image, stand_in(told(sketch), image))
    for handle in handles:
        handle.remove()


def _reach(layer: nn.Module) -> int:
    """How many more pixels of its input than one an output pixel of a layer sees, along a side."""
    if isinstance(layer, nn.PixelUnshuffle):
        return layer.downscale_factor - 1
    if isinstance(layer, Diffusion):
        return 2 * (layer.kernel_size - 1)
    assert isinstance(layer, (*CONVOLUTIONS, nn.MaxPool2d))
    kernel, stride = (value[0] if isinstance(value, tuple) else value for value in (layer.kernel_size, layer.stride))
    return -(-kernel // stride) - 1 if isinstance(layer, nn.ConvTranspose2d) else kernel - 1

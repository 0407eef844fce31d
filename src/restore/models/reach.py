"""How far an output pixel of a network sees, and on which grid: what the tiles of a large image overlap by and align to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, lcm

import torch
from torch import nn

from restore.models.cost import CONVOLUTIONS, visit_layers
from restore.models.csf import CSF
from restore.models.tnrd import TNRD, Diffusion

SIDE = 2**5 * 3**5  # of the image that is counted on: strides of 2 and 3 divide it
BLOCK = 8  # of JPEG
CUBIC = 2  # low-resolution pixels that the bicubic kernel reaches to either side


@dataclass(frozen=True)
class Reach:
    """What a pixel of the restored image depends on.

    Attributes:
        margin: pixels to each side, at most; a multiple of the grid.
        grid: period in pixels at which it matters where an image begins: the product of a network's strides.
    """

    margin: int
    grid: int = 1


def count_reach(network: nn.Module, channels: int, values: Mapping[str, float] | None = None) -> Reach | None:
    """Count the reach of a network from its layers; None for one that is known to see the whole image.

    A layer's output pixel sees, to the farther side, ``max(p, k − 1 − p)`` pixels of its input (convolution of kernel
    k and padding p; transposed ones that over their stride, rounded up), ``r − 1`` (pooling, `nn.PixelUnshuffle`), or
    ``k − 1`` (TNRD's diffusion, which filters twice), each as many pixels of the image as lie between two of its
    input's. TNRD's data terms see blocks of 8 or the kernels of a bicubic resizing as well, in every stage.
    That is an upper bound: of layers that lean to opposite sides, both are counted in full. What
    a network does outside of such layers is not seen; `restore.evaluation.tiling.check_tiles` tries it.

    Args:
        values: of conditions on which the reach depends: the ``scale`` of TNRD's super-resolution.

    Example:
        >>> from restore.models.red import REDNet
        >>> count_reach(REDNet(depth=30), 1), count_reach(REDNet(depth=10, skip_step=2, downsample=[1]), 1).grid
        (Reach(margin=30, grid=1), 2)
    """
    if any(isinstance(module, CSF) for module in network.modules()):
        return None
    spans, periods = _data_terms(network, dict(values or {}))
    sketch = copy.deepcopy(network).to("meta").eval()

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        distance = max(1, round(SIDE / inputs[0].shape[-1]))  # pixels of the image between two of the layer's input
        spans.append(_span(layer) * distance)
        periods.extend((distance, max(1, round(SIDE / output.shape[-1]))))

    visit_layers(sketch, channels, SIDE, SIDE, count)
    grid = lcm(*periods) if periods else 1
    return Reach(ceil(sum(spans) / grid) * grid, grid)


def _span(layer: nn.Module) -> int:
    """How many pixels of its input beyond its own an output pixel of a layer sees, to the farther side."""
    if isinstance(layer, nn.PixelUnshuffle):
        return layer.downscale_factor - 1
    if isinstance(layer, Diffusion):
        return layer.kernel_size - 1
    assert isinstance(layer, (*CONVOLUTIONS, nn.MaxPool2d))
    sizes = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    kernel, stride, padding, dilation = (int(size[0] if isinstance(size, tuple) else size) for size in sizes)
    farther = max(padding, dilation * (kernel - 1) - padding)
    return ceil(farther / stride) if isinstance(layer, nn.ConvTranspose2d) else farther


def _data_terms(network: nn.Module, values: dict[str, float]) -> tuple[list[int], list[int]]:
    """Spans and periods of TNRD's data terms, in pixels."""
    spans: list[int] = []
    periods: list[int] = []
    for module in network.modules():
        stages = len(module.weights) if isinstance(module, TNRD) else 0
        if stages and module.data_term == "jpeg":
            spans, periods = [*spans, (stages + 1) * (BLOCK - 1)], [*periods, BLOCK]
        elif stages and module.data_term == "sr":
            scale = round(values.get("scale", 2))  # down: 2 s pixels; up: 2 pixels of s
            spans, periods = [*spans, stages * (2 * CUBIC * scale + scale)], [*periods, scale]
    return spans, periods

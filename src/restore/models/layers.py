"""What several networks share: the bounds of their arguments, chains of convolutions, and where skips go."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def check(
    depth: int | None = None, kernel_size: int | None = None, width: int | None = None, even: bool = False
) -> None:
    """Refuse sizes that no network can have.

    Args:
        even: the depth counts pairs of layers.

    Raises:
        ValueError: an argument is out of its range; its name says which.
    """
    if depth is not None and even and (depth < 2 or depth % 2):
        raise ValueError(f"model.depth must be an even number of layers, at least 2, and it is {depth}")
    if depth is not None and depth < 2:
        raise ValueError(f"model.depth must be at least 2 layers, and it is {depth}")
    if kernel_size is not None and (kernel_size < 1 or kernel_size % 2 == 0):
        raise ValueError(f"model.kernel_size must be odd, so that a map keeps its size, and it is {kernel_size}")
    if width is not None and width < 1:
        raise ValueError(f"model.width must be at least 1 feature map, and it is {width}")


def skips_between(layers: int, step: int) -> tuple[int, ...]:
    """Numbers (from 1) of every `step`-th layer below `layers`; none where the step is 0.

    Example:
        >>> skips_between(10, 2), skips_between(10, 0)
        ((2, 4, 6, 8), ())
    """
    return tuple(range(step, layers, step)) if step else ()


def chain(maps: Sequence[int], kernel_sizes: Sequence[int]) -> nn.Sequential:
    """Convolutions from each number of maps to the next, padded with zeros, with a ReLU between two of them.

    Weights start as He et al. 2015 do, biases at zero.
    """
    layers: list[nn.Module] = []
    for inside, outside, kernel_size in zip(maps[:-1], maps[1:], kernel_sizes, strict=True):
        convolution = nn.Conv2d(inside, outside, kernel_size, padding=kernel_size // 2)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(convolution.bias)
        layers += [convolution, nn.ReLU()]
    return nn.Sequential(*layers[:-1])

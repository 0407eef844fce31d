"""What several networks share: bounds of arguments, how weights start, where skips go, chains, condition maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, cat, nn

from restore.conditions import KERNELS, Conditions

Convolution = nn.Conv2d | nn.ConvTranspose2d
Border = Literal["zeros", "replicate"]
DEEPEST = 1000  # layers: lists of as many are made before the first layer is, and could not be stopped at their memory


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
        raise ValueError(f"model.depth must be an even number of layers, from 2 to {DEEPEST}, and it is {depth}")
    if depth is not None and not 2 <= depth <= DEEPEST:
        raise ValueError(f"model.depth must be from 2 to {DEEPEST} layers, and it is {depth}")
    if kernel_size is not None and (kernel_size < 1 or kernel_size % 2 == 0):
        raise ValueError(f"model.kernel_size must be odd, so that a map keeps its size, and it is {kernel_size}")
    if width is not None and width < 1:
        raise ValueError(f"model.width must be at least 1 feature map, and it is {width}")


def he_normal_(layer: nn.Module, fan: int | None = None) -> None:
    """Start a convolution as He et al. 2015 do: weights ``N(0, 2 / fan)``, bias zero.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", ICCV 2015, arXiv 1502.01852, section 2.2.

    Args:
        fan: how many weights an output pixel sums over; by default ``in_channels · k²``, which for a
            transposed convolution is right at stride 1.
    """
    assert isinstance(layer, Convolution)
    fan = fan or layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
    nn.init.normal_(layer.weight, std=(2 / fan) ** 0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def near_zero_(layer: nn.Module) -> None:
    """Start a last layer's weights at ``N(0, 1e-3²)``: a network that adds its input starts from the identity."""
    assert isinstance(layer, Convolution)
    nn.init.normal_(layer.weight, std=1e-3)


def start_last_(layer: nn.Module, start: str) -> None:
    """Start a last layer that has He et al.'s weights already: ``zero`` sets them near zero, ``he`` leaves them.

    Raises:
        ValueError: it is neither.
    """
    if start not in ("zero", "he"):
        raise ValueError(f"model.last_layer must be zero or he, and it is '{start}'")
    if start == "zero":
        near_zero_(layer)


def check_skips(layers: int, step: int) -> None:
    """Refuse a skip step by which no skip comes about: the network would go by a name that it is not.

    Args:
        layers: as of `skips_between`.

    Raises:
        ValueError: which steps there are.
    """
    if step < 0 or step >= layers:
        others = f" or from 1 to {layers - 1}" if layers > 1 else ""
        raise ValueError(f"model.skip_step must be 0 (no skips){others} at this depth, and it is {step}")


def skips_between(layers: int, step: int) -> tuple[int, ...]:
    """Numbers (from 1) of every `step`-th layer below `layers`; none where the step is 0.

    Example:
        >>> skips_between(10, 2), skips_between(10, 0)
        ((2, 4, 6, 8), ())
    """
    return tuple(range(step, layers, step)) if step else ()


def chain(
    maps: Sequence[int],
    kernel_sizes: Sequence[int],
    batch_norm: bool = False,
    bias: bool = True,
    border: Border = "zeros",
) -> nn.Sequential:
    """Convolutions from each number of maps to the next, every map of the image's size, with a ReLU between two of them.

    Weights start as He et al. 2015 do.

    Args:
        maps: channels of the input, of every map between, and of the output.
        kernel_sizes: of each convolution, odd.
        batch_norm: normalise between each convolution and its ReLU, but for the first and the last
            convolution, as DnCNN does; those convolutions have no bias.
        bias: False leaves out all of them.
        border: what each convolution sees beyond its own input's border: ``zeros``, or ``replicate``, the
            nearest pixel.

    Raises:
        ValueError: `border` is neither.
    """
    if border not in get_args(Border):
        raise ValueError(f"model.border must be zeros or replicate, and it is '{border}'")
    layers: list[nn.Module] = []
    for number, kernel_size in enumerate(kernel_sizes):
        normalised = batch_norm and 0 < number < len(kernel_sizes) - 1
        inside, outside = maps[number : number + 2]
        layers.append(
            nn.Conv2d(
                *(inside, outside, kernel_size),
                padding=kernel_size // 2,
                bias=bias and not normalised,
                padding_mode=border,
            )
        )
        he_normal_(layers[-1])
        if normalised:
            layers.append(nn.BatchNorm2d(outside))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers[:-1])


def chain_sizes(convolutions: Sequence[tuple[Tensor, Tensor]], path: Path) -> tuple[list[int], list[int]]:
    """The `maps` and `kernel_sizes` of the `chain` that convolutions ``(out, in, k, k)`` read from a file make up.

    Raises:
        ValueError: one does not take what the one before it gives, or its filters have no centre; the
            sentence names the file.
    """
    shapes = [tuple(weight.shape) for weight, _ in convolutions]
    for number, (_, inside, rows, columns) in enumerate(shapes, start=1):
        if rows != columns or rows % 2 == 0:
            raise ValueError(
                f"convolution {number} of {path} has filters of {rows}×{columns}, which are not odd squares"
            )
        if number > 1 and inside != shapes[number - 2][0]:
            given = shapes[number - 2][0]
            raise ValueError(f"convolution {number} of {path} takes {inside} maps, and the one before it gives {given}")
    return [shapes[0][1], *(outside for outside, *_ in shapes)], [rows for _, _, rows, _ in shapes]


@torch.no_grad()
def fill_(body: nn.Sequential, convolutions: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Put weights and biases into the convolutions of a `chain` of these sizes, in their order."""
    layers = [layer for layer in body if isinstance(layer, nn.Conv2d)]
    for layer, (weight, bias) in zip(layers, convolutions, strict=True):
        layer.weight.copy_(weight)
        assert layer.bias is not None
        layer.bias.copy_(bias)


def check_maps(conditions: Sequence[str]) -> tuple[str, ...]:
    """The names of the conditions that a network is told as maps.

    Raises:
        ValueError: one of them is a kernel.
    """
    for name in conditions:
        if name in KERNELS:
            raise ValueError(f"model.conditions are values or maps, and {name} is neither")
    return tuple(conditions)


def condition_maps(names: Sequence[str], values: Sequence[Tensor], named: Conditions, image: Tensor) -> Tensor:
    """A map of the image's size for each condition, one behind the other in the order of their names.

    The gain of a sensor is told as its root: the photon noise's standard deviation where the image is
    1, of the size of sigma and read noise, where the gain itself is too small to be heard.

    Args:
        names: of the conditions.
        values, named: what a network is called with: the first conditions in their order, and the others by name.

    Shape:
        conditions of `condition_map`'s, and an image ``(B, C, H, W)``, to ``(B, conditions, H, W)``.

    Raises:
        TypeError: others are given than those of the names.
    """
    conditions = dict(zip(names, values, strict=False)) | dict(named)
    if set(names) != set(conditions) or len(values) + len(named) != len(names):
        given = ", ".join([*["a value"] * len(values), *named]) or "nothing"
        raise TypeError(f"this network is told {', '.join(names) or 'nothing'}, and it is given {given}")
    maps = [condition_map(conditions[name].sqrt() if name == "gain" else conditions[name], image) for name in names]
    return cat(maps, dim=1) if maps else image[:, :0]


def condition_map(condition: Tensor, image: Tensor) -> Tensor:
    """A condition as one map of the image's size: a value ``(B,)`` spread over it, a map as it is.

    Shape:
        ``(B,)`` or ``(B, 1, H, W)``, and an image ``(B, C, H, W)``, to ``(B, 1, H, W)``.

    Raises:
        ValueError: it is neither.
    """
    count, _, height, width = image.shape
    if condition.shape == (count,):
        condition = condition.view(-1, 1, 1, 1).expand(-1, 1, height, width)
    if condition.shape != (count, 1, height, width):
        raise ValueError(f"a condition of {tuple(condition.shape)} does not fit images of {tuple(image.shape)}")
    return condition.to(image.dtype)

"""The layers of RED-Net's released networks, as its authors' Caffe files hold them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from restore.models.caffe import CaffeLayer, read_layers


def layer_names(half: int) -> list[str]:
    """Names of the released definition's layers with weights, in their order: `half` convolutions, and as many back.

    Example:
        >>> layer_names(2)
        ['conv1', 'conv2', 'deconv1', 'deconv2']
    """
    return [f"{kind}{number}" for kind in ("conv", "deconv") for number in range(1, half + 1)]


def read_weights(path: str | Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Read weight and bias of each layer by its name, float32, with Caffe's order of axes.

    That is ``(out, in, k, k)`` of a convolution and ``(in, out, k, k)`` of a deconvolution, as torch has
    them, and ``(out,)``. Sizes follow from those of ``conv1``, ``(width, channels, k, k)``.

    Raises:
        ValueError: the file is no Caffe file, or a layer is missing, misnamed, twice there, of another
            type, or of other sizes than those of ``conv1`` ask for.
    """
    layers = [layer for layer in read_layers(path) if layer.blobs]
    by_name = {layer.name: layer for layer in layers}
    half = max((int(n) for name in by_name for n in re.findall(r"^(?:de)?conv([1-9]\d{0,3})$", name)), default=1)
    names = layer_names(half)
    missing = [name for name in names if name not in by_name]
    others = [layer.name for layer in layers if layer.name not in names]
    if missing:
        instead = f", and has {others[0]}, which is none of RED-Net's" if others else ""
        raise ValueError(f"{path} has no layer {missing[0]} with weights{instead}")
    if others:
        raise ValueError(f"{path} has all layers of a RED-Net, and beside them {others[0]}, which is none of its own")
    if len(layers) > len(names):
        raise ValueError(f"{path} has {len(layers)} layers with weights of {len(names)} names")
    _check_sizes(path, [by_name[name] for name in names])
    tensors = {name: [torch.from_numpy(blob) for blob in by_name[name].blobs] for name in names}
    return {name: (weight, bias.flatten()) for name, (weight, bias) in tensors.items()}


def _check_sizes(path: str | Path, layers: Sequence[CaffeLayer]) -> None:
    first = layers[0].blobs[0].shape
    if len(first) != 4 or first[1] not in (1, 3):
        raise ValueError(f"layer conv1 of {path} is {_size(first)}, and an image has 1 or 3 channels")
    width, channels, kernel_size, _ = first
    half = len(layers) // 2
    maps = [channels, *[width] * half, *[width] * (half - 1), channels]  # before the first layer, and after each
    for number, layer in enumerate(layers):
        before, after = maps[number : number + 2]
        kind = "Convolution" if number < half else "Deconvolution"
        inside = (after, before) if number < half else (before, after)
        expected = [(*inside, kernel_size, kernel_size), (after,)]
        # an old file's bias is 1×1×1 in front of its length
        shapes = [layer.blobs[0].shape, *((blob.size,) for blob in layer.blobs[1:])]
        if layer.kind != kind or shapes != expected:
            raise ValueError(
                f"layer {layer.name} of {path} is a {layer.kind} of {' and '.join(map(_size, shapes))}, "
                f"and must be a {kind} of {' and '.join(map(_size, expected))}"
            )


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))

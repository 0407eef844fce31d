"""Weights as the authors of DnCNN published them: MatConvNet networks in MATLAB v7.3 files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from restore.models.dncnn import DnCNN


def read_convolutions(path: str | Path) -> list[tuple[Tensor, Tensor]]:
    """Weight ``(out, in, k, k)`` and bias ``(out,)`` of every convolution of a ``net.layers`` file, in order.

    MATLAB stores arrays column first, so the file's axes read (out, in, x, y): the last two are swapped.

    Raises:
        ValueError: the file is not such a network.
    """
    import h5py  # only here: nothing else reads MATLAB files

    def text(node) -> str:
        return "".join(map(chr, node[()].ravel()))

    convolutions = []
    try:
        with h5py.File(path) as file:
            for reference in file["net/layers"][()].ravel():
                layer = file[reference]
                if text(layer["type"]) != "conv":
                    continue
                weight, bias = (torch.from_numpy(file[r][()]).float() for r in layer["weights"][()].ravel())
                if weight.dim() < 4:  # MATLAB drops trailing axes of length 1: a layer with one output map
                    weight = weight.reshape((1,) * (4 - weight.dim()) + tuple(weight.shape))
                convolutions.append((weight.transpose(-1, -2).contiguous(), bias.reshape(-1)))
    except (OSError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is not a MatConvNet network in a MATLAB v7.3 file ({error})") from error
    if len(convolutions) < 2:
        raise ValueError(f"{path} holds {len(convolutions)} convolutions, and a network needs at least 2")
    return convolutions


def load_dncnn(path: str | Path) -> DnCNN:
    """The DnCNN of a published file; its batch norm has been merged into the convolutions."""
    convolutions = read_convolutions(path)
    first = convolutions[0][0]
    network = DnCNN(
        channels=first.shape[1],
        depth=len(convolutions),
        width=first.shape[0],
        kernel_size=first.shape[-1],
        batch_norm=False,
    )
    layers = [layer for layer in network.body if isinstance(layer, nn.Conv2d)]
    for layer, (weight, bias) in zip(layers, convolutions, strict=True):
        if layer.weight.shape != weight.shape:
            raise ValueError(
                f"{path} is not a DnCNN: a layer is {tuple(weight.shape)}, not {tuple(layer.weight.shape)}"
            )
        layer.weight.data.copy_(weight)
        layer.bias.data.copy_(bias)
    return network

"""The convolutions of any published file that holds nothing else: MatConvNet's, SRCNN's, VDSR's, Caffe's."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restore.models import matconvnet, matlab
from restore.models.caffe import CaffeLayer, read_layers

Arrays = list[tuple[np.ndarray, np.ndarray]]  # weight (out, in, k, k) and bias (out,) of each convolution


def read_convolutions(path: str | Path) -> list[tuple[Tensor, Tensor]]:
    """Read weight ``(out, in, k, k)`` and bias ``(out,)`` of every convolution of a file, float32, in order.

    A ``.mat`` file is told by what it holds:

    - ``net``: MatConvNet's `simplenn` (`restore.models.matconvnet`), v7.3 or v5;
    - ``weights_conv1``, ``biases_conv1``, …: SRCNN's and AR-CNN's layers, ``(in, k·k, out)``, a patch column by
      column, an axis of length 1 at either end left out; ``conv22`` stands between 2 and 3;
    - ``model`` with the cells ``weight``, ``(row, column, in, out)``, and ``bias``: VDSR's.

    In a ``.caffemodel`` they are its layers of type Convolution. MATLAB's interface hands Caffe an image with rows
    and columns exchanged; here an image keeps them, so the last two axes of each kernel are swapped.

    Raises:
        ValueError: the file is none of these, has weights in layers of another type, or convolutions that do
            not follow each other.
    """
    path = Path(path)
    if path.suffix == ".caffemodel":
        convolutions = _caffe(path, [layer for layer in read_layers(path) if layer.blobs])
    elif _variables(path) & {"weights_conv1", "model"}:
        try:
            convolutions = _matlab(path)
        except Exception as error:  # scipy's, and of arrays that are not where they should be
            raise ValueError(f"{path} holds no convolutions that can be read ({error})") from error
    else:
        return matconvnet.read_convolutions(path)
    _check_chain(path, convolutions)
    return [(_tensor(weight), _tensor(bias)) for weight, bias in convolutions]


def _variables(path: Path) -> set[str]:
    """Names of the variables of a MATLAB v5 file; of any other none."""
    from scipy.io import whosmat  # only here and below

    try:
        matlab.check(path)
        return {name for name, _, _ in whosmat(path)}
    except Exception:  # v7.3, or no MATLAB file: MatConvNet's reader says what is wrong
        return set()


def _matlab(path: Path) -> Arrays:
    content = matlab.read(path)
    return _patches(content) if "weights_conv1" in content else _cells(content["model"])


def _patches(content: dict[str, Any]) -> Arrays:
    """SRCNN's layers: ``weights_conv<n>``, in the order of n's digits, so that 22 comes after 2 and before 3."""
    convolutions: Arrays = []
    for name in sorted(name for name in content if name.startswith("weights_conv")):
        weight = content[name]
        bias = content[name.replace("weights", "biases", 1)].ravel()
        first = len(weight) if weight.ndim == 3 else 1  # image channels
        inside = len(convolutions[-1][1]) if convolutions else first
        side = isqrt(weight.size // max(1, inside * len(bias)))
        full = (inside, side * side, len(bias))
        shapes = {full, full[1:] if inside == 1 else full, full[:-1] if len(bias) == 1 else full}
        if weight.shape not in shapes:
            raise ValueError(f"{name} is {_size(weight)} after {inside} maps and with {len(bias)} biases")
        # (in, column, row, out) to (out, in, row, column)
        convolutions.append((weight.reshape(inside, side, side, len(bias)).transpose(3, 0, 2, 1), bias))
    return convolutions


def _cells(model: np.ndarray) -> Arrays:
    """VDSR's layers: two cells of as many arrays."""
    missing = [name for name in ("weight", "bias") if name not in (model.dtype.names or ())]
    if missing:
        raise ValueError(f"its model has no {missing[0]}")
    weights, biases = (model[name][0, 0].ravel() for name in ("weight", "bias"))
    if len(weights) != len(biases):
        raise ValueError(f"its model has {len(weights)} weights and {len(biases)} biases")
    # MATLAB drops trailing axes of length 1
    full = [weight.reshape(weight.shape + (1,) * (4 - weight.ndim)) for weight in weights]
    return [(weight.transpose(3, 2, 0, 1), bias.ravel()) for weight, bias in zip(full, biases, strict=True)]


def _caffe(path: Path, layers: Sequence[CaffeLayer]) -> Arrays:
    convolutions: Arrays = []
    for layer in layers:
        sizes = " and ".join(map(_size, layer.blobs))
        if layer.kind != "Convolution":
            raise ValueError(f"{path} holds weights in {layer.name}, a layer of type {layer.kind}")
        if len(layer.blobs) > 2 or layer.blobs[0].ndim != 4:
            raise ValueError(f"{path} holds a convolution {layer.name} with weights of {sizes}")
        weight, *bias = layer.blobs
        convolutions.append((weight.swapaxes(2, 3), bias[0].ravel() if bias else np.zeros(len(weight), np.float32)))
    return convolutions


def _check_chain(path: Path, convolutions: Arrays) -> None:
    if len(convolutions) < 2:
        raise ValueError(f"{path} holds {len(convolutions)} convolutions, and a network needs at least 2")
    maps = convolutions[0][0].shape[1]
    for number, (weight, bias) in enumerate(convolutions, start=1):
        outside, inside, rows, columns = weight.shape
        if inside != maps or rows != columns or len(bias) != outside:
            raise ValueError(
                f"convolution {number} of {path} is {_size(weight)} with {len(bias)} biases, "
                f"and the one before it gives {maps} maps"
            )
        maps = outside


def _size(array: np.ndarray) -> str:
    return "×".join(map(str, array.shape))


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))

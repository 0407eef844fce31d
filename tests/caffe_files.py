"""Caffe's files written byte by byte, in each of its formats, for the tests that read them.

It knows nothing of the protobuf package: keys, lengths and numbers are put together here, so that
what is read was not written by what reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

Layer = tuple[str, str, list[np.ndarray]]  # name, type, and blobs with Caffe's order of axes
NUMBERS = {"Convolution": 4, "ReLU": 18, "Eltwise": 25, "Deconvolution": 39, "InnerProduct": 14}  # types of V1


def varint(value: int) -> bytes:
    value &= 2**64 - 1  # negative numbers are 64 bits long
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def floats(field: int, values: np.ndarray, packed: bool = True, code: str = "f") -> bytes:
    """Repeated floats (``f``) or doubles (``d``): one after the other, or each behind its key."""
    encoded = values.ravel().astype("<f4" if code == "f" else "<f8").tobytes()
    if packed:
        return message(field, encoded)
    width, wire = struct.calcsize(code), 5 if code == "f" else 1
    key = varint(field << 3 | wire)
    return b"".join(key + encoded[at : at + width] for at in range(0, len(encoded), width))


def blob(array: np.ndarray, shape: bool = True, packed: bool = True, double: bool = False, diff: bool = False) -> bytes:
    """A blob whose size is a shape, or num, channels, height and width: 1 in front of a bias, as Caffe had it."""
    if shape:
        size = message(7, message(1, b"".join(map(varint, array.shape))))
    else:
        full = (1,) * (4 - array.ndim) + array.shape
        size = b"".join(number(field, side) for field, side in enumerate(full, start=1))
    data = floats(8, array, packed, "d") if double else floats(5, array, packed)
    return data + (floats(6, array + 1, packed) if diff else b"") + size


def net(layers: Sequence[Layer], old: bool = False, **of_blobs: bool) -> bytes:
    """A network's bytes: layers of today, or `old` ones (V1); keywords as `blob` takes them."""
    parts = [message(1, "written by a test")]
    for name, kind, blobs in layers:
        encoded = [blob(array, **of_blobs) for array in blobs]
        if old:
            content = message(2, "below") + message(4, name) + number(5, NUMBERS[kind])
            parts.append(message(2, content + b"".join(message(6, each) for each in encoded)))
        else:
            content = message(1, name) + message(2, kind) + message(3, "below") + number(10, 1)
            parts.append(message(100, content + b"".join(message(7, each) for each in encoded)))
    return b"".join(parts)


def write(path: Path, layers: Sequence[Layer], old: bool = False, **of_blobs: bool) -> Path:
    path.write_bytes(net(layers, old, **of_blobs))
    return path


def red_layers(channels: int = 1, half: int = 15, width: int = 4, kernel_size: int = 3, seed: int = 0) -> list[Layer]:
    """The layers of RED-Net's released definition with random weights, as large as He et al.'s."""
    generator = torch.Generator().manual_seed(seed)
    layers: list[Layer] = []
    sizes = [channels, *[width] * half]

    def put(name: str, kind: str, inside: int, outside: int) -> None:
        first = (outside, inside) if kind == "Convolution" else (inside, outside)
        deviation = (2 / (inside * kernel_size**2)) ** 0.5
        weight = deviation * torch.randn(*first, kernel_size, kernel_size, generator=generator)
        bias = 0.1 * torch.randn(outside, generator=generator)
        layers.append((name, kind, [weight.numpy(), bias.numpy()]))
        if name != f"deconv{half}":
            layers.append((f"relu_{name}", "ReLU", []))

    for i in range(half):
        put(f"conv{i + 1}", "Convolution", sizes[i], sizes[i + 1])
    for i in range(half):
        put(f"deconv{i + 1}", "Deconvolution", sizes[half - i], sizes[half - i - 1])
        if i % 2 == 0 and i < half - 1:
            layers.append((f"sum{i + 1}", "Eltwise", []))
    return layers


def chain_layers(network: nn.Module) -> list[Layer]:
    """A network's convolutions as Caffe has them that was trained through MATLAB: rows and columns exchanged."""
    layers: list[Layer] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            blobs = [module.weight.detach().transpose(2, 3).numpy()]
            blobs += [] if module.bias is None else [module.bias.detach().numpy()]
            layers.append((f"conv{len(layers) + 1}", "Convolution", blobs))
    return layers

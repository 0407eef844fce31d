"""Caffe's files of trained weights (``.caffemodel``), read without Caffe.

Y. Jia et al., "Caffe: Convolutional Architecture for Fast Feature Embedding", ACM Multimedia 2014, arXiv 1408.5093.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

MOST_BYTES = 2**31 - 1  # the longest message of Protocol Buffers
KINDS = {4: "Convolution", 39: "Deconvolution"}  # of the old layers, whose type is a number
# name, number and type of the fields of each message that weights need; + marks a repeated one
MESSAGES = {
    "NetParameter": "layers 2 V1LayerParameter+, layer 100 LayerParameter+",
    "LayerParameter": "name 1 string, type 2 string, blobs 7 BlobProto+",
    "V1LayerParameter": "name 4 string, type 5 int32, blobs 6 BlobProto+",
    "BlobProto": "num 1 int32, channels 2 int32, height 3 int32, width 4 int32, "
    "data 5 float+, shape 7 BlobShape, double_data 8 double+",
    "BlobShape": "dim 1 int64+",
}


@dataclass(frozen=True, eq=False)
class CaffeLayer:
    """A layer of a Caffe network.

    Attributes:
        name: as its authors named it.
        kind: Caffe's type: ``Convolution``, ``Deconvolution``, ``ReLU``; of an old layer of any other
            type than the first two, ``type`` and its number.
        blobs: its weights, float32, with Caffe's order of axes: of a convolution ``(out, in, k, k)``
            and the bias, of a deconvolution ``(in, out, k, k)`` and the bias; none of a layer without any.
    """

    name: str
    kind: str
    blobs: tuple[np.ndarray, ...]


def read_layers(path: str | Path) -> list[CaffeLayer]:
    """Read all layers of a ``.caffemodel`` in their order: an old format's (V1) and today's.

    The size of a blob may be its num, channels, height and width, or a shape; its numbers may be floats,
    packed or not, or doubles. What a blob keeps for training (its diff) is passed over.

    Raises:
        ValueError: the file is no such message, is longer than 2 GiB, holds no layers, or has a blob whose
            size is not the number of its values.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is longer than 2 GiB")
        network = _messages()["NetParameter"].FromString(path.read_bytes())
        layers = [_layer(layer, str(layer.type)) for layer in network.layer]
        layers += [_layer(layer, KINDS.get(layer.type, f"type {layer.type}")) for layer in network.layers]
        if not layers:
            raise ValueError("it holds no layers")
    except Exception as error:  # protobuf's own, those of text that is none, and ours
        raise ValueError(f"{path} is not a Caffe network that can be read ({error})") from error
    return layers


def _layer(layer: Any, kind: str) -> CaffeLayer:
    blobs = (_blob(blob, f"blob {number} of layer {layer.name}") for number, blob in enumerate(layer.blobs, start=1))
    return CaffeLayer(layer.name, kind, tuple(blobs))


def _blob(blob: Any, name: str) -> np.ndarray:
    sizes = ("num", "channels", "height", "width")
    old = any(blob.HasField(size) for size in sizes)
    shape = tuple(getattr(blob, size) for size in sizes) if old else tuple(blob.shape.dim)
    values = blob.double_data or blob.data
    # compared before anything is allocated: a size in a file may be anything
    if any(size < 0 for size in shape) or prod(shape) != len(values):
        raise ValueError(f"{name} is {'×'.join(map(str, shape)) or 'one value'} and has {len(values)} values")
    return np.fromiter(values, np.float32, len(values)).reshape(shape)


@cache
def _messages() -> dict[str, Any]:
    """A class for each message, in a pool of its own, so that Caffe's own may be loaded beside them."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # only here

    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    field_type = descriptor_pb2.FieldDescriptorProto
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for words in fields.split(", "):
            name, number, kind = words.split()
            label = field_type.LABEL_REPEATED if kind.endswith("+") else field_type.LABEL_OPTIONAL
            field = described.field.add(name=name, number=int(number), label=label)
            kind = kind.removesuffix("+")
            if kind in MESSAGES:
                field.type, field.type_name = field_type.TYPE_MESSAGE, f".caffe.{kind}"
            else:
                field.type = field_type.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"caffe.{name}")) for name in MESSAGES}

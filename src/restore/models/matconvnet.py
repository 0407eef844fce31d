"""Convolutions of MatConvNet's networks (`simplenn`), as the authors of DnCNN and FFDNet published theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restore.models import matlab

Layer = tuple[str, list[np.ndarray]]  # its type, and its weights with MATLAB's order of axes
MOST_WEIGHTS = 16  # arrays of a layer
FIELDS = (("weights",), ("filters", "biases"))  # what MatConvNet calls them today, and what it did at first


def read_convolutions(path: str | Path) -> list[tuple[Tensor, Tensor]]:
    """Read weight ``(out, in, k, k)`` and bias ``(out,)`` of every convolution of ``net.layers``, in order.

    MATLAB v7.3 (HDF5) and v5 files. A batch norm is merged into the convolution before it; layers
    without weights (ReLU, concatenation, sub-pixels, loss) are passed over.

    Raises:
        ValueError: the file is not such a network, or has weights in layers of another type.
    """
    path = Path(path)
    try:
        convolutions = _convolutions(_layers(path))
    except Exception as error:  # h5py, scipy, and arrays that are not where they should be have each their own
        raise ValueError(f"{path} is not a MatConvNet network that can be read ({error})") from error
    if len(convolutions) < 2:
        raise ValueError(f"{path} holds {len(convolutions)} convolutions, and a network needs at least 2")
    return [(_float32(weight), _float32(bias)) for weight, bias in convolutions]


def _convolutions(layers: Iterator[Layer]) -> list[tuple[np.ndarray, np.ndarray]]:
    convolutions: list[tuple[np.ndarray, np.ndarray]] = []
    before = ""
    for kind, arrays in layers:
        if kind == "conv":
            convolutions.append(_convolution(*arrays))
        elif kind == "bnorm" and before == "conv" and len(arrays) == 3:
            convolutions[-1] = _merged(*convolutions[-1], *arrays)
        elif arrays:
            raise ValueError(f"a layer of type {kind} with {len(arrays)} weights after one of type {before or 'none'}")
        before = kind
    return convolutions


def _convolution(weight: np.ndarray, bias: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    weight = weight.reshape(weight.shape + (1,) * (4 - weight.ndim))  # MATLAB drops trailing axes of length 1
    weight = weight.transpose(3, 2, 0, 1)  # (k, k, in, out) to (out, in, k, k)
    bias = np.zeros(len(weight)) if bias is None else bias.ravel()
    if weight.ndim != 4 or len(bias) != len(weight):
        raise ValueError(f"a convolution of {'×'.join(map(str, weight.shape))} with {len(bias)} biases")
    return weight, bias


def _merged(
    weight: np.ndarray, bias: np.ndarray, scale: np.ndarray, shift: np.ndarray, moments: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A convolution and the batch norm after it in one; `moments` are a column of means, one of deviations."""
    mean, deviation = moments.T.astype(np.float64)
    gain = scale.ravel() / deviation
    return weight * gain[:, None, None, None], (bias - mean) * gain + shift.ravel()


def _float32(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _layers(path: Path) -> Iterator[Layer]:
    """Type and non-empty weights of each layer."""
    import h5py  # only here: nothing else reads MATLAB v7.3 files

    for kind, arrays in (_hdf5_layers if h5py.is_hdf5(path) else _matlab5_layers)(path):
        yield kind, [array for array in arrays if array.size]


def _hdf5_layers(path: Path) -> Iterator[Layer]:
    import h5py

    with h5py.File(path) as file:

        def arrays(field: Any, depth: int = 0) -> list[np.ndarray]:
            if depth > matlab.MOST_DEPTH or (depth and field.dtype == h5py.ref_dtype and field.size > MOST_WEIGHTS):
                raise ValueError("its cells lie too deep in one another, or refer to themselves")
            if field.dtype == h5py.ref_dtype:  # a cell
                return [array for reference in _values(field).ravel() for array in arrays(file[reference], depth + 1)]
            if field.attrs.get("MATLAB_empty"):  # its content is then its size
                return []
            return [_values(field).T]  # HDF5 has the axes the other way round

        for reference in _values(_member(_member(file, "net"), "layers")).ravel():
            layer = file[reference]
            kind = "".join(map(chr, _values(_member(layer, "type")).ravel()))
            yield kind, [array for name in _fields(layer) for array in arrays(_member(layer, name))]


def _member(group: Any, name: str) -> Any:
    """What a group has under a name; a link would lead elsewhere, into another file for one.

    Raises:
        ValueError: it is a link.
    """
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"there is no {name} in it, or only a link")
    return group[name]


def _values(dataset: Any) -> np.ndarray:
    """The values of a dataset that lie in its own file.

    Raises:
        ValueError: they are said to lie in another one, or to be more than such a file has.
    """
    if dataset.is_virtual or dataset.external:
        raise ValueError("its values are said to lie in other files")
    if dataset.size * dataset.dtype.itemsize > matlab.MOST_BYTES:
        raise ValueError(f"an array of it is said to have more than {matlab.MOST_BYTES:,} bytes")
    return dataset[()]


def _matlab5_layers(path: Path) -> Iterator[Layer]:
    def arrays(field: np.ndarray) -> list[np.ndarray]:
        return [array for cell in field.ravel() for array in arrays(cell)] if field.dtype == object else [field]

    content = matlab.read(path, ["net"])  # structures are arrays of records; functions stay bytes
    if "net" not in content:
        raise ValueError("there is no net in it")
    for cell in content["net"]["layers"][0, 0].ravel():
        layer = {name: cell[name][0, 0] for name in cell.dtype.names}
        yield str(layer["type"][0]), [a for f in _fields(layer) for a in arrays(layer[f])]


def _fields(layer: Any) -> Sequence[str]:
    return next((names for names in FIELDS if names[0] in layer), ())

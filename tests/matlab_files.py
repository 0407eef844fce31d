"""MatConvNet's networks written as MATLAB writes them, v7.3 and v5, for the tests that read them."""

from pathlib import Path

import h5py
import numpy as np
from scipy.io import savemat
from torch import nn

Layer = tuple[str, list[np.ndarray]]  # its type, and its arrays with MATLAB's order of axes


def layers_of(network: nn.Module) -> list[Layer]:
    """A network's convolutions, batch norms and ReLUs as layers of `simplenn`."""
    layers: list[Layer] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight.detach().numpy().transpose(2, 3, 1, 0)  # (k, k, in, out)
            bias = [] if module.bias is None else [module.bias.detach().numpy()[:, None]]
            layers.append(("conv", [weight[..., 0] if weight.shape[-1] == 1 else weight, *bias]))
        elif isinstance(module, nn.BatchNorm2d):
            deviation = (module.running_var + module.eps).sqrt().numpy()
            moments = np.stack([module.running_mean.numpy(), deviation], axis=1)
            layers.append(("bnorm", [module.weight.detach().numpy(), module.bias.detach().numpy(), moments]))
        elif isinstance(module, nn.ReLU):
            layers.append(("relu", []))
    return layers


def write_hdf5(path: Path, layers: list[Layer], fields: tuple[str, ...] = ("weights",)) -> None:
    """A v7.3 file: axes the other way round, cells behind references; each of several fields has one array."""
    with h5py.File(path, "w", userblock_size=512) as file:

        def put(array: np.ndarray) -> h5py.Reference:
            return file.create_dataset(f"#refs#/array{len(file['#refs#'])}", data=array.T).ref

        file.create_group("#refs#")
        references = []
        for number, (kind, arrays) in enumerate(layers):
            group = file.create_group(f"#refs#/layer{number}")
            group["type"] = np.array([[ord(c)] for c in kind], dtype=np.uint16)
            if not arrays:
                group.create_dataset("weights", data=np.zeros(2, np.uint64)).attrs["MATLAB_empty"] = np.uint8(1)
            elif fields == ("weights",):
                group.create_dataset("weights", data=[[put(array)] for array in arrays], dtype=h5py.ref_dtype)
            else:
                for name, array in zip(fields, arrays, strict=True):
                    group[name] = array.T
            references.append([group.ref])
        file.create_dataset("net/layers", data=references, dtype=h5py.ref_dtype)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")


def write_matlab5(path: Path, layers: list[Layer], fields: tuple[str, ...] = ("weights",)) -> None:
    """A v5 file."""
    cells = np.empty((1, len(layers)), dtype=object)
    for number, (kind, arrays) in enumerate(layers):
        cell = np.empty((1, len(arrays)), dtype=object)
        cell[0] = [*arrays, None][:-1]
        whole = {"weights": cell} if fields == ("weights",) else dict(zip(fields, arrays, strict=False))
        cells[0, number] = {"type": kind, **whole}
    savemat(path, {"net": {"layers": cells}, "unrelated": np.arange(3)})


WRITERS = {"v7.3": write_hdf5, "v5": write_matlab5}

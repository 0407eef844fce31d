import h5py
import numpy as np
import pytest
import torch

from restore.models.dncnn import DnCNN
from restore.models.matconvnet import load_dncnn


def write_network(path, network: DnCNN) -> None:
    """A MATLAB v7.3 file as MatConvNet writes one: column-first arrays behind references."""
    with h5py.File(path, "w") as file:
        cells = []

        def layer(kind: str) -> h5py.Group:
            group = file.create_group(f"#refs#/layer{len(cells)}")
            group["type"] = np.array([[ord(c)] for c in kind], dtype=np.uint16)
            cells.append(group.ref)
            return group

        for module in network.body:
            if isinstance(module, torch.nn.Conv2d):
                group = layer("conv")
                weight = module.weight.detach().numpy().swapaxes(2, 3)
                if weight.shape[0] == 1:
                    weight = weight[0]  # MATLAB drops it
                file[f"#refs#/w{len(cells)}"] = weight
                file[f"#refs#/b{len(cells)}"] = module.bias.detach().numpy()[None]
                refs = [file[f"#refs#/{name}{len(cells)}"].ref for name in "wb"]
                group.create_dataset("weights", data=np.array([refs]).T, dtype=h5py.ref_dtype)
            elif isinstance(module, torch.nn.ReLU):
                layer("relu")
        file.create_dataset("net/layers", data=np.array([cells]).T, dtype=h5py.ref_dtype)


def test_round_trip_and_orientation(tmp_path, generator):
    network = DnCNN(depth=4, width=5, batch_norm=False)
    write_network(tmp_path / "net.mat", network)
    y = torch.rand(1, 1, 12, 10, generator=generator)
    torch.testing.assert_close(load_dncnn(tmp_path / "net.mat")(y), network(y))


def test_refuses_other_files(tmp_path):
    (tmp_path / "x.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(ValueError, match=r"x\.mat is not a MatConvNet network"):
        load_dncnn(tmp_path / "x.mat")

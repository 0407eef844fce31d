import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch import nn

from matlab_files import WRITERS, layers_of
from restore.models.dncnn import DnCNN
from restore.models.matconvnet import read_convolutions

both = pytest.mark.parametrize("write", WRITERS.values(), ids=list(WRITERS))


def same(convolutions, network: nn.Module) -> None:
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    for (weight, bias), layer in zip(convolutions, layers, strict=True):
        torch.testing.assert_close(weight, layer.weight.detach())
        torch.testing.assert_close(bias, layer.bias.detach())


@both
@pytest.mark.parametrize("channels", [1, 3])
def test_round_trip_and_orientation(write, channels, tmp_path):
    network = DnCNN(channels, depth=4, width=5, batch_norm=False)
    write(tmp_path / "net.mat", layers_of(network))
    same(read_convolutions(tmp_path / "net.mat"), network)


@both
def test_rows_are_rows(write, tmp_path):
    """A filter that looks at the pixel above, told by its place in MATLAB's array."""
    weight = np.zeros((3, 3, 1, 2), np.float32)
    weight[0, 1, 0, 1] = 7  # row 1, column 2, from map 1 to map 2
    write(tmp_path / "net.mat", [("conv", [weight, np.zeros(2)]), ("conv", [np.ones((3, 3, 2), np.float32)])])
    (first, _), (last, bias) = read_convolutions(tmp_path / "net.mat")
    assert first.nonzero().tolist() == [[1, 0, 0, 1]]
    assert last.shape == (1, 2, 3, 3)
    assert bias.tolist() == [0], "no bias is a bias of zero"


@both
def test_the_first_names_of_the_fields(write, tmp_path):
    network = DnCNN(depth=3, width=5, batch_norm=False)
    write(tmp_path / "net.mat", layers_of(network), fields=("filters", "biases"))
    same(read_convolutions(tmp_path / "net.mat"), network)


@both
def test_batch_norm_is_merged(write, tmp_path, generator):
    network = DnCNN(depth=4, width=5).eval()
    for layer in network.body:
        if isinstance(layer, nn.BatchNorm2d):
            for values in (layer.running_mean, layer.running_var, layer.weight.data, layer.bias.data):
                values.uniform_(0.2, 2, generator=generator)
    write(tmp_path / "net.mat", layers_of(network))
    merged = DnCNN(depth=4, width=5, batch_norm=False)
    layers = [layer for layer in merged.body if isinstance(layer, nn.Conv2d)]
    for layer, (weight, bias) in zip(layers, read_convolutions(tmp_path / "net.mat"), strict=True):
        layer.weight.data, layer.bias.data = weight, bias
    y = torch.rand(2, 1, 9, 8, generator=generator)
    torch.testing.assert_close(merged(y), network(y))


CONVOLUTION = ("conv", [np.ones((3, 3, 2, 2), np.float32), np.zeros(2)])
NORM = [np.ones(2), np.ones(2), np.ones((2, 2))]


@both
@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([CONVOLUTION], "holds 1 convolutions, and a network needs at least 2"),
        ([CONVOLUTION, ("convt", CONVOLUTION[1])], "a layer of type convt with 2 weights after one of type conv"),
        ([CONVOLUTION, ("relu", []), ("bnorm", NORM)], "a layer of type bnorm with 3 weights after one of type relu"),
        ([CONVOLUTION, ("bnorm", NORM[:2])], "a layer of type bnorm with 2 weights after one of type conv"),
        ([("bnorm", NORM)], "a layer of type bnorm with 3 weights after one of type none"),
    ],
    ids=["one", "transposed", "after a relu", "no moments", "first"],
)
def test_refuses_other_networks(write, layers, sentence, tmp_path):
    write(tmp_path / "net.mat", layers)
    with pytest.raises(ValueError, match=sentence):
        read_convolutions(tmp_path / "net.mat")


@pytest.mark.parametrize("content", [b"MATLAB 5.0 MAT-file", b"", b"hello", b"\x89HDF\r\n\x1a\n and no more"])
def test_refuses_other_files(content, tmp_path):
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.mat is not a MatConvNet network"):
        read_convolutions(tmp_path / "x.mat")


def test_refuses_other_contents(tmp_path):
    savemat(tmp_path / "x.mat", {"weights_conv1": np.zeros((81, 64))})
    with pytest.raises(
        ValueError, match=r"x\.mat is not a MatConvNet network that can be read \(there is no net in it"
    ):
        read_convolutions(tmp_path / "x.mat")

"""Convolutions of every published layout: files that the tests write, and the authors' own."""

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat
from torch import nn
from torch.nn.functional import conv2d, unfold

from caffe_files import chain_layers, red_layers, write
from matlab_files import WRITERS, layers_of
from restore.models import matconvnet
from restore.models.arcnn import ARCNN
from restore.models.convolutions import read_convolutions
from restore.models.dncnn import DnCNN
from restore.models.srcnn import SRCNN
from restore.models.vdsr import VDSR


def write_patches(path, network: nn.Module, names: tuple[str, ...]) -> None:
    """SRCNN's layout: each filter as rows of patches that are read column by column, outer axes of length 1 left out."""
    content = {"unrelated": np.arange(3)}
    for name, layer in zip(names, (m for m in network.modules() if isinstance(m, nn.Conv2d)), strict=True):
        weight = layer.weight.detach().numpy()
        outside, inside, side, _ = weight.shape
        array = np.zeros((inside, side * side, outside))
        for place in range(side * side):
            array[:, place] = weight[:, :, place % side, place // side].T
        if inside == 1:
            array = array[0]
        elif outside == 1:
            array = array[..., 0]
        content[f"weights_conv{name}"] = array
        content[f"biases_conv{name}"] = layer.bias.detach().numpy()[:, None]
    savemat(path, content)


def write_cells(path, network: nn.Module) -> None:
    """VDSR's layout: a structure of two cells."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    cells = np.empty((2, 1, len(layers)), object)
    for number, layer in enumerate(layers):
        weight = layer.weight.detach().numpy().transpose(2, 3, 1, 0)
        cells[0, 0, number] = weight[..., 0] if weight.shape[-1] == 1 else weight
        cells[1, 0, number] = layer.bias.detach().numpy()[:, None]
    savemat(path, {"model": {"weight": cells[0], "bias": cells[1]}})


FILES = {
    "srcnn": (SRCNN(widths=(5, 4), kernel_sizes=(5, 3, 3)), "mat", lambda p, n: write_patches(p, n, ("1", "2", "3"))),
    "srcnn colour": (SRCNN(3, (5, 4), (5, 1, 3)), "mat", lambda p, n: write_patches(p, n, ("1", "2", "3"))),
    "arcnn": (ARCNN(), "mat", lambda p, n: write_patches(p, n, ("1", "2", "22", "3"))),
    "vdsr": (VDSR(depth=4, width=5), "mat", write_cells),
    "caffe": (VDSR(depth=4, width=5), "caffemodel", lambda p, n: write(p, chain_layers(n))),
    "caffe, old": (VDSR(3, depth=3, width=2), "caffemodel", lambda p, n: write(p, chain_layers(n), True, shape=False)),
    "simplenn v5": (DnCNN(depth=3, width=5, batch_norm=False), "mat", lambda p, n: WRITERS["v5"](p, layers_of(n))),
    "simplenn v7.3": (DnCNN(depth=3, width=5, batch_norm=False), "mat", lambda p, n: WRITERS["v7.3"](p, layers_of(n))),
}


@pytest.mark.parametrize(("network", "suffix", "write_file"), FILES.values(), ids=list(FILES))
def test_every_layout_comes_back_bit_for_bit(network, suffix, write_file, tmp_path):
    path = tmp_path / f"net.{suffix}"
    write_file(path, network)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    for (weight, bias), layer in zip(read_convolutions(path), layers, strict=True):
        assert weight.dtype == bias.dtype == torch.float32
        assert weight.is_contiguous()
        assert torch.equal(weight, layer.weight)
        assert torch.equal(bias, layer.bias if layer.bias is not None else torch.zeros(len(weight)))


def test_a_convolution_of_caffe_without_a_bias_has_a_bias_of_zero(tmp_path):
    layers = [("a", "Convolution", [np.ones((2, 1, 3, 3))]), ("b", "Convolution", [np.ones((1, 2, 3, 3))])]
    convolutions = read_convolutions(write(tmp_path / "x.caffemodel", layers))
    assert [bias.tolist() for _, bias in convolutions] == [[0, 0], [0]]


def test_rows_are_rows(weights_root):
    """Pixels, not means: the authors' first layer on an image, computed from its numbers as they stand in the file."""
    file = weights_root / "SRCNN_955_x3.mat"
    content = loadmat(file)
    image = torch.rand(1, 1, 12, 15, generator=torch.Generator().manual_seed(1))
    patches = unfold(image, 9)[0].view(9, 9, -1)  # (row, column, places)
    by_columns = patches.transpose(0, 1).reshape(81, -1)  # as MATLAB stacks a patch
    maps = torch.from_numpy(content["weights_conv1"]).float().T @ by_columns
    weight, _ = read_convolutions(file)[0]
    torch.testing.assert_close(conv2d(image, weight).flatten(2)[0], maps)
    assert (conv2d(image, weight.transpose(2, 3)).flatten(2)[0] - maps).abs().max() > 0.01


def test_vdsrs_caffe_file_is_its_matlab_file_bit_for_bit(weights_root):
    caffe, matlab = (read_convolutions(weights_root / f"VDSR_Adam.{suffix}") for suffix in ("caffemodel", "mat"))
    assert len(caffe) == 20
    for (weight, bias), (theirs, their_bias) in zip(caffe, matlab, strict=True):
        assert torch.equal(weight, theirs)
        assert torch.equal(bias, their_bias)
    assert not torch.equal(caffe[0][0], matlab[0][0].transpose(2, 3)), "the axes are told apart"


COUNTS = {  # convolutions and parameters
    "VDSR_official.mat": (20, 665_921),
    "SRCNN_955_x3.mat": (3, 81 * 64 + 64 + 25 * 64 * 32 + 32 + 25 * 32 + 1),
    "SRCNN_915_x3.mat": (3, 81 * 64 + 64 + 64 * 32 + 32 + 25 * 32 + 1),
    "ARCNN_q10.mat": (4, 81 * 64 + 64 + 49 * 64 * 32 + 32 + 32 * 16 + 16 + 25 * 16 + 1),
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_authors_files_have_their_sizes(name, weights_root):
    convolutions = read_convolutions(weights_root / name)
    assert (len(convolutions), sum(w.numel() + b.numel() for w, b in convolutions)) == COUNTS[name]


def test_simplenn_is_read_as_before(weights_root):
    pairs = zip(
        read_convolutions(weights_root / "DnCNN_3.mat"),
        matconvnet.read_convolutions(weights_root / "DnCNN_3.mat"),
        strict=True,
    )
    assert all(torch.equal(a, b) for ours, theirs in pairs for a, b in zip(ours, theirs, strict=True))


def refusal(path) -> str:
    with pytest.raises(ValueError, match=path.name) as error:
        read_convolutions(path)
    assert "\n" not in str(error.value)
    return str(error.value)


OTHERS = {
    "one alone": (
        [("a", "Convolution", [np.ones((1, 1, 3, 3))])],
        "holds 1 convolutions, and a network needs at least 2",
    ),
    "RED-Net": (red_layers(half=3), "holds weights in deconv1, a layer of type Deconvolution"),
    "dense": ([("fc6", "InnerProduct", [np.ones((2, 9))])], "holds weights in fc6, a layer of type InnerProduct"),
    "not square": (
        [("a", "Convolution", [np.ones((2, 1, 3, 1))]), ("b", "Convolution", [np.ones((1, 2, 3, 3))])],
        "convolution 1 of .* is 2×1×1×3 with 2 biases",
    ),
    "not a chain": (
        [("a", "Convolution", [np.ones((2, 1, 3, 3))]), ("b", "Convolution", [np.ones((1, 4, 3, 3))])],
        "convolution 2 of .* is 1×4×3×3 with 1 biases, and the one before it gives 2 maps",
    ),
    "a bias too long": (
        [("a", "Convolution", [np.ones((2, 1, 3, 3)), np.ones(3)]), ("b", "Convolution", [np.ones((1, 2, 3, 3))])],
        "convolution 1 of .* is 2×1×3×3 with 3 biases",
    ),
    "three blobs": ([("a", "Convolution", [np.ones((1, 1, 3, 3))] * 3)], "a convolution a with weights of 1×1×3×3 and"),
    "flat": ([("a", "Convolution", [np.ones((2, 9))])], "a convolution a with weights of 2×9"),
}


@pytest.mark.parametrize(("layers", "sentence"), OTHERS.values(), ids=list(OTHERS))
def test_refuses_other_caffe_networks(layers, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence) as error:
        read_convolutions(write(tmp_path / "x.caffemodel", layers))
    assert "x.caffemodel" in str(error.value)


def test_refuses_other_matlab_files(tmp_path):
    def told(**content) -> str:
        savemat(tmp_path / "x.mat", content)
        return refusal(tmp_path / "x.mat")

    assert "(there is no net in it)" in told(cof=np.ones(3))
    assert "its model has no weight" in told(model={"f": 1, "shrink": 2})
    assert "its model has no bias" in told(model={"weight": np.ones(3)})
    assert "(its model has no weight)" in told(model=np.ones(3)), "a variable of that name, and no structure"
    assert "'biases_conv1'" in told(weights_conv1=np.ones((9, 4)))
    ones = {"biases_conv1": np.ones(4), "biases_conv2": np.ones(1), "weights_conv2": np.ones((4, 9))}
    assert "weights_conv1 is 8×4 after 1 maps and with 4 biases" in told(weights_conv1=np.ones((8, 4)), **ones)
    assert "weights_conv2 is 3×9 after 4 maps" in told(
        **{**ones, "weights_conv1": np.ones((9, 4)), "weights_conv2": np.ones((3, 9))}
    )


@pytest.mark.parametrize("content", [b"", b"hello", b"MATLAB 5.0 MAT-file", b"\x89HDF\r\n\x1a\n and no more"])
@pytest.mark.parametrize("suffix", ["mat", "caffemodel"])
def test_refuses_other_files(content, suffix, tmp_path):
    (tmp_path / f"x.{suffix}").write_bytes(content)
    refusal(tmp_path / f"x.{suffix}")

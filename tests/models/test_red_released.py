"""RED-Net's own files: what is read from them, and what is refused; against Caffe's arithmetic written out plainly."""

from pathlib import Path

import numpy as np
import pytest
import torch

from caffe_files import red_layers, red_output, write
from restore.evaluation.self_ensemble import self_ensemble
from restore.models.cost import count_cost
from restore.models.red import REDNet

FORMATS = {
    "today's": {},
    "old": {"old": True, "shape": False, "packed": False},
    "doubles": {"double": True, "diff": True},
}


@pytest.mark.parametrize("form", FORMATS.values(), ids=list(FORMATS))
@pytest.mark.parametrize(("channels", "kernel_size"), [(1, 3), (3, 3), (1, 5)])
def test_an_image_comes_out_as_from_caffe_that_sees_it_transposed(form, channels, kernel_size, tmp_path, generator):
    layers = red_layers(channels, kernel_size=kernel_size)
    network = REDNet.from_file(write(tmp_path / "red.caffemodel", layers, **form)).double()
    image = torch.rand(2, channels, 17, 23, generator=generator, dtype=torch.float64)
    seen = image.transpose(2, 3).contiguous()  # what MATLAB hands over
    expected = red_output(layers, seen).transpose(2, 3)
    assert (expected - image).abs().mean() > 0.1, "the layers do something"
    torch.testing.assert_close(network(image), expected)
    assert (red_output(layers, image) - expected).abs().max() > 0.01, "without the exchange it is another image"


def test_matlab_hands_rows_and_columns_over_exchanged(tmp_path, generator):
    """The same through memory: MATLAB's columns run first, Caffe's rows do, and nothing is moved between them."""
    layers = red_layers(3)
    network = REDNet.from_file(write(tmp_path / "red.caffemodel", layers)).double()
    image = torch.rand(9, 14, 3, generator=generator, dtype=torch.float64).numpy()  # (rows, columns, RGB)
    memory = image.ravel(order="F")
    blob = torch.from_numpy(memory.reshape(1, 3, 14, 9))  # its sizes are MATLAB's from last to first
    output = red_output(layers, blob).numpy().ravel().reshape(9, 14, 3, order="F")
    restored = network(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    np.testing.assert_allclose(restored.detach().numpy(), output, atol=1e-9)


def test_the_mean_over_eight_orientations_is_the_same_either_way(tmp_path, generator):
    """Protocol `red` would not notice kernels that are not swapped; a single pass does."""
    path = write(tmp_path / "red.caffemodel", red_layers())
    swapped, plain = REDNet.from_file(path), REDNet.from_file(path)
    for layer in [*plain.encoder, *plain.decoder]:
        layer.weight.data = layer.weight.data.transpose(2, 3).contiguous()
    image = torch.rand(1, 1, 16, 16, generator=generator)
    assert (swapped(image) - plain(image)).abs().max() > 0.01
    pairs = [self_ensemble(network, image, {}, range(8)) for network in (swapped, plain)]
    torch.testing.assert_close(*pairs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("channels", "parameters"), [(1, 4_134_785), (3, 4_139_395)])
def test_the_released_sizes(channels, parameters, tmp_path):
    path = write(tmp_path / "red.caffemodel", red_layers(channels, width=128))
    network = REDNet.from_file(path)
    assert count_cost(network, channels, 8, 8).parameters == parameters
    assert abs(path.stat().st_size - 4 * parameters) < 10_000, "16.54 and 16.56 MB, as the released files have"
    assert (network.channels, network.residual, network.skips) == (channels, True, (2, 4, 6, 8, 10, 12, 14))


@pytest.mark.parametrize(("half", "skips"), [(1, ()), (2, ()), (3, (2,)), (10, (2, 4, 6, 8))])
def test_depth_width_and_filters_are_the_files(half, skips, tmp_path):
    network = REDNet.from_file(write(tmp_path / "red.caffemodel", red_layers(1, half, width=6, kernel_size=5)))
    assert len(network.encoder) == len(network.decoder) == half
    assert network.encoder[0].weight.shape == (6, 1, 5, 5)
    assert network.skips == skips
    assert network(torch.zeros(1, 1, 11, 12)).shape == (1, 1, 11, 12)


def test_layers_are_told_by_name_wherever_they_stand(tmp_path):
    layers = red_layers()
    forward = REDNet.from_file(write(tmp_path / "a.caffemodel", layers)).state_dict()
    backward = REDNet.from_file(write(tmp_path / "b.caffemodel", layers[::-1])).state_dict()
    assert all(torch.equal(forward[key], backward[key]) for key in forward)


def changed(layer: str, **changes) -> list:
    """RED30's layers, one of them with another `name`, `kind` or `blobs`."""
    layers = []
    for name, kind, blobs in red_layers():
        parts = {"name": name, "kind": kind, "blobs": blobs, **(changes if name == layer else {})}
        layers.append((parts["name"], parts["kind"], parts["blobs"]))
    return layers


def without(layer: str) -> list:
    """RED30's layers but one."""
    return [(name, kind, blobs) for name, kind, blobs in red_layers() if name != layer]


WEIGHT, BIAS = np.ones((4, 4, 3, 3)), np.ones(4)
OTHERS = {
    "missing": (without("conv7"), "has no layer conv7 with weights$"),
    "the last missing": (without("deconv15"), "has no layer deconv15 with weights$"),
    "the first missing": (without("conv1"), "has no layer conv1 with weights$"),
    "without weights": (changed("deconv3", blobs=[]), "has no layer deconv3 with weights$"),
    "misnamed": (
        changed("deconv9", name="upconv9"),
        "has no layer deconv9 with weights, and has upconv9, which is none",
    ),
    "misnumbered": (changed("conv15", name="conv015"), "has no layer conv15 with weights, and has conv015"),
    "far too deep": (changed("conv15", name="conv9999"), "has no layer conv15 with weights$"),
    "beyond all numbers": (
        changed("conv15", name="conv" + "9" * 5000),
        "has no layer conv15 with weights, and has conv9",
    ),
    "one more": (
        [*red_layers(), ("fc", "InnerProduct", [np.ones((2, 2))])],
        "all layers of a RED-Net, and beside them fc",
    ),
    "twice": ([*red_layers(), ("conv3", "Convolution", [WEIGHT, BIAS])], "has 31 layers with weights of 30 names"),
    "another type": (
        changed("deconv2", kind="Convolution"),
        r"layer deconv2 of .* is a Convolution of 4×4×3×3 and 4, and must be a Deconvolution of 4×4×3×3 and 4",
    ),
    "no bias": (changed("conv4", blobs=[WEIGHT]), "layer conv4 of .* is a Convolution of 4×4×3×3, and must be"),
    "wider": (
        changed("deconv5", blobs=[np.ones((4, 5, 3, 3)), np.ones(5)]),
        "layer deconv5 of .* is a Deconvolution of 4×5×3×3 and 5, and must be a Deconvolution of 4×4×3×3 and 4",
    ),
    "another filter": (changed("conv8", blobs=[np.ones((4, 4, 5, 5)), BIAS]), "layer conv8 of .* is .* 4×4×5×5 and 4"),
    "not square": (changed("conv1", blobs=[np.ones((4, 1, 3, 5)), BIAS]), "layer conv1 of .* 4×1×3×5 and 4, and must"),
    "a bias too long": (changed("conv8", blobs=[WEIGHT, np.ones(5)]), "layer conv8 of .* is .* 4×4×3×3 and 5"),
    "another image": (
        changed("deconv15", blobs=[np.ones((4, 3, 3, 3)), np.ones(3)]),
        "layer deconv15 of .* is a Deconvolution of 4×3×3×3 and 3, and must be a Deconvolution of 4×1×3×3 and 1",
    ),
    "two channels": (red_layers(2), "layer conv1 of .* is 4×2×3×3, and an image has 1 or 3 channels"),
    "flat": (changed("conv1", blobs=[np.ones((4, 9)), BIAS]), "layer conv1 of .* is 4×9, and an image"),
    "even filters": (red_layers(kernel_size=4), "is no network that can be built: model.kernel_size must be odd"),
    "none of it": ([("fc", "InnerProduct", [np.ones((2, 2))])], "has no layer conv1 with weights, and has fc"),
}


@pytest.mark.parametrize(("layers", "sentence"), OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize("old", [False, True])
def test_refuses_by_name(layers, sentence, old, tmp_path):
    path = write(tmp_path / "x.caffemodel", layers, old)
    with pytest.raises(ValueError, match=sentence) as error:
        REDNet.from_file(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wide_first_layer_does_not_make_a_large_network(tmp_path):
    """A first layer of a million maps, and the rest as it was: refused before anything is built."""
    with pytest.raises(ValueError, match=r"layer conv2 .* must be a Convolution of 1000000×1000000×1×1 and 1000000"):
        REDNet.from_file(
            write(tmp_path / "x.caffemodel", changed("conv1", blobs=[np.ones((10**6, 1, 1, 1)), np.ones(10**6)]))
        )


def test_vdsrs_file_is_no_red_net(weights_root: Path):
    with pytest.raises(ValueError, match=r"VDSR_Adam\.caffemodel has no layer deconv1 with weights$"):
        REDNet.from_file(weights_root / "VDSR_Adam.caffemodel")

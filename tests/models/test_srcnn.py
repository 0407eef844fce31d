import numpy as np
import pytest
import torch

from conftest import protocol
from plain_convolutions import draw, mean_psnr, plainly, write_patches
from restore.degradations.bicubic import BicubicDownUp
from restore.evaluation.protocol import Setting
from restore.models.cost import Cost, count_cost
from restore.models.srcnn import SRCNN

NAMES = ("conv1", "conv2", "conv3")
SCALE3 = Setting("scale=3", 3, BicubicDownUp(3), "sr", 1, "y")


@pytest.mark.parametrize(
    ("kernel_sizes", "weights", "field"),
    [((9, 1, 5), 8032, 13), ((9, 5, 5), 57_184, 17)],  # both counts are the paper's
)
def test_counts_by_hand(kernel_sizes, weights, field):
    cost = count_cost(SRCNN(kernel_sizes=kernel_sizes), 1, 20, 30)
    assert cost == Cost(weights + 64 + 32 + 1, weights * 600, field)


def test_its_authors_file_pixel_by_pixel(tmp_path):
    """Rows are rows, patches run down the columns, and every layer replicates its own input's border."""
    layers = draw([1, 3, 2, 1], [5, 1, 3])
    write_patches(tmp_path / "x.mat", layers, NAMES)
    network = SRCNN.from_file(tmp_path / "x.mat")
    assert (network.channels, sum(p.numel() for p in network.parameters())) == (1, 75 + 3 + 6 + 2 + 18 + 1)
    image = np.random.default_rng(1).uniform(size=(7, 6))
    restored = network(torch.from_numpy(image).float()[None, None])[0, 0].detach().numpy()
    np.testing.assert_allclose(restored, plainly(layers, image, "edge"), atol=1e-5)
    turned = [(taps.transpose(1, 0, 2, 3), bias) for taps, bias in layers]
    assert abs(plainly(turned, image, "edge") - restored).max() > 0.1
    plain = SRCNN(1, (3, 2), (5, 1, 3))
    plain.load_state_dict(network.state_dict())
    restored = plain(torch.from_numpy(image).float()[None, None])[0, 0].detach().numpy()
    np.testing.assert_allclose(restored, plainly(layers, image, "constant"), atol=1e-5)


def test_refuses_by_name(tmp_path):
    with pytest.raises(ValueError, match="must be zeros or replicate, and it is 'mirror'"):
        SRCNN(border="mirror")
    write_patches(tmp_path / "x.mat", draw([1, 3, 1], [3, 3]), NAMES[:2])
    with pytest.raises(ValueError, match=r"SRCNN has 3 convolutions .*x\.mat has 2 from 1 to 1 channels"):
        SRCNN.from_file(tmp_path / "x.mat")
    write_patches(tmp_path / "x.mat", draw([1, 3, 2, 1], [3, 2, 3]), NAMES)
    with pytest.raises(ValueError, match=r"convolution 2 of .*x\.mat has filters of 2×2, which are not odd squares"):
        SRCNN.from_file(tmp_path / "x.mat")


@pytest.mark.parametrize(("file", "published"), [("SRCNN_955_x3.mat", 32.75), ("SRCNN_915_x3.mat", 32.39)])
def test_the_authors_weights_give_their_numbers(file, published, data_root, weights_root):
    network = SRCNN.from_file(weights_root / file)
    assert mean_psnr(network, data_root, "set5", protocol("srcnn"), SCALE3) == pytest.approx(published, abs=0.005)

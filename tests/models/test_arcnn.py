import numpy as np
import pytest
import torch

from conftest import protocol
from plain_convolutions import draw, mean_psnr, plainly, write_patches
from restore.degradations.jpeg import JPEG
from restore.evaluation.protocol import Setting
from restore.models.arcnn import ARCNN
from restore.models.cost import Cost, count_cost


def test_counts_by_hand():
    weights = 64 * 9**2 + 64 * 32 * 7**2 + 32 * 16 + 16 * 5**2
    assert weights == 106_448
    assert count_cost(ARCNN(), 1, 20, 30) == Cost(weights + 64 + 32 + 16 + 1, weights * 600, 1 + 8 + 6 + 0 + 4)


NAMES = ("conv1", "conv2", "conv22", "conv3")
QUALITY10 = Setting("quality=10", 10, JPEG(10), "jpeg", 1, "y")


def test_its_authors_file_pixel_by_pixel(tmp_path):
    layers = draw([1, 64, 32, 16, 1], [9, 7, 1, 5])
    write_patches(tmp_path / "x.mat", layers, NAMES)
    image = np.random.default_rng(1).uniform(size=(5, 4))
    restored = ARCNN.from_file(tmp_path / "x.mat")(torch.from_numpy(image).float()[None, None])
    expected = plainly(layers, image, "edge")
    np.testing.assert_allclose(restored[0, 0].detach().numpy(), expected, atol=1e-4 * abs(expected).max())
    turned = [(taps.transpose(1, 0, 2, 3), bias) for taps, bias in layers]
    assert abs(plainly(turned, image, "edge") - expected).max() > 0.1 * abs(expected).max()


def test_refuses_by_name(tmp_path):
    with pytest.raises(ValueError, match="must be zeros or replicate, and it is 'mirror'"):
        ARCNN(border="mirror")
    write_patches(tmp_path / "x.mat", draw([1, 64, 32, 16, 1], [9, 7, 3, 5]), NAMES)
    with pytest.raises(ValueError, match=r"AR-CNN has convolutions of 9×9, 7×7, 1×1 and 5×5 .*x\.mat others"):
        ARCNN.from_file(tmp_path / "x.mat")


def test_the_authors_weights_on_an_image(data_root, weights_root):
    """24.92 came out of the whole set's score; zeros beyond the borders would cost 0.4 dB of the mean."""
    network = ARCNN.from_file(weights_root / "ARCNN_q10.mat")
    assert mean_psnr(network, data_root, "classic5", protocol("dncnn"), QUALITY10, 1) == pytest.approx(24.92, abs=0.005)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("dataset", "published"), [("classic5", 29.03), ("live1", 28.96)])
def test_the_authors_weights_give_their_numbers(dataset, published, data_root, weights_root):
    network = ARCNN.from_file(weights_root / "ARCNN_q10.mat")
    assert mean_psnr(network, data_root, dataset, protocol("dncnn"), QUALITY10) == pytest.approx(published, abs=0.005)

import numpy as np
import pytest
import torch

from conftest import protocol
from plain_convolutions import draw, mean_psnr, plainly, write_cells
from restore.degradations.bicubic import BicubicDownUp
from restore.evaluation.protocol import Setting
from restore.models.cost import Cost, count_cost
from restore.models.vdsr import VDSR

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


def test_counts_by_hand():
    cost = count_cost(VDSR(), 1, 20, 30)
    assert cost == Cost(640 + 18 * (HIDDEN + 64) + 577, (1152 + 18 * HIDDEN) * 600, 41)


def test_starts_near_the_identity(generator):
    y = torch.rand(2, 1, 12, 9, generator=generator)
    assert 0 < (VDSR(depth=4, width=8)(y) - y).abs().max() < 0.1


def test_refuses_by_name():
    with pytest.raises(ValueError, match="depth must be from 2 to"):
        VDSR(depth=1)
    with pytest.raises(ValueError, match="width must be at least 1"):
        VDSR(width=0)


def test_without_biases_and_without_its_input(generator):
    torch.manual_seed(0)
    assert count_cost(VDSR(bias=False), 1, 2, 3).parameters == 1152 + 18 * HIDDEN
    y = torch.rand(2, 1, 12, 9, generator=generator)
    direct = VDSR(depth=4, width=8, residual=False)
    assert torch.equal(direct(y), direct.body(y))
    assert (direct(y) - y).abs().max() > 0.3


def test_its_authors_file_pixel_by_pixel(tmp_path):
    layers = draw([1, 3, 3, 3, 1], [3] * 4)
    write_cells(tmp_path / "x.mat", layers)
    network = VDSR.from_file(tmp_path / "x.mat")
    assert (network.channels, len(network.body)) == (1, 7)
    image = np.random.default_rng(1).uniform(size=(6, 5))
    restored = network(torch.from_numpy(image).float()[None, None])[0, 0].detach().numpy()
    np.testing.assert_allclose(restored, image + plainly(layers, image, "constant"), atol=1e-4)
    turned = [(taps[::-1, ::-1], bias) for taps, bias in layers]
    assert abs(image + plainly(turned, image, "constant") - restored).max() > 0.1


@pytest.mark.parametrize(
    ("maps", "sides"), [([1, 3, 4, 1], [3, 3, 3]), ([1, 3, 3, 1], [3, 1, 3]), ([1, 3, 3, 2], [3, 3, 3])], ids=str
)
def test_refuses_files_of_other_networks(maps, sides, tmp_path):
    write_cells(tmp_path / "x.mat", draw(maps, sides))
    with pytest.raises(ValueError, match=r"VDSR has 3×3 convolutions with as many maps .*x\.mat others"):
        VDSR.from_file(tmp_path / "x.mat")


# dB that its authors print; DnCNN's Table V prints 37.56, 33.67, 31.35; ours came out at 37.527, 33.661, 31.346 and
# 37.555, 33.667, 31.352, and VDSR_Adam, of which nothing is printed, at 37.547, 33.665, 31.310 and 37.574, 33.677, 31.321
PUBLISHED = {"vdsr": {2: 37.53, 3: 33.66, 4: 31.35}, "dncnn": {2: 37.56, 3: 33.67, 4: 31.35}}


def setting(scale: int) -> Setting:
    return Setting(f"scale={scale}", scale, BicubicDownUp(scale), "sr", 1, "y")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_authors_weights_give_the_printed_numbers(name, data_root, weights_root):
    network = VDSR.from_file(weights_root / "VDSR_official.mat")
    rules = protocol(name)
    psnr = {scale: mean_psnr(network, data_root, "set5", rules, setting(scale)) for scale in PUBLISHED[name]}
    assert psnr == pytest.approx(PUBLISHED[name], abs=0.005)


def test_the_authors_weights_on_an_image(data_root, weights_root):
    """35.38 came out of the whole set's score at scale 3; the file of Caffe's layers is the same network as the other."""
    network = VDSR.from_file(weights_root / "VDSR_official.mat")
    assert count_cost(network, 1, 1, 1).parameters == 665_921
    assert mean_psnr(network, data_root, "set5", protocol("vdsr"), setting(3), 1) == pytest.approx(35.38, abs=0.005)
    one, other = (VDSR.from_file(weights_root / f"VDSR_Adam.{kind}").state_dict() for kind in ("mat", "caffemodel"))
    assert all(torch.equal(one[key], other[key]) for key in one)

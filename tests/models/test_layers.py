import pytest
import torch
from torch import nn

from restore.models.layers import chain, check, condition_map, he_normal_, near_zero_, skips_between


@pytest.mark.parametrize(
    ("layer", "fan", "variance"),
    [
        (nn.Conv2d(32, 64, 3), None, 2 / (32 * 9)),
        (nn.ConvTranspose2d(32, 64, 3), None, 2 / (32 * 9)),
        (nn.ConvTranspose2d(32, 64, 3, stride=3), 32, 2 / 32),
        (nn.Conv2d(32, 64, 3, bias=False), None, 2 / (32 * 9)),
    ],
    ids=["convolution", "transposed", "strided", "no bias"],
)
def test_he_normal_keeps_the_fan_of_the_input(layer, fan, variance):
    torch.manual_seed(0)
    he_normal_(layer, fan)
    assert layer.weight.var().item() == pytest.approx(variance, rel=0.05)  # of 18,432 draws
    assert abs(layer.weight.mean().item()) < 0.03 * variance**0.5
    assert layer.bias is None or not layer.bias.any()


def test_near_zero_leaves_the_bias():
    layer = nn.Conv2d(32, 64, 3)
    before = layer.bias.clone()
    near_zero_(layer)
    assert layer.weight.std().item() == pytest.approx(1e-3, rel=0.05)
    assert torch.equal(layer.bias, before)


def test_skips_between():
    assert skips_between(5, 2) == (2, 4)
    assert skips_between(4, 2) == (2,)
    assert skips_between(4, 0) == skips_between(4, 4) == ()


def test_chain_is_of_convolutions_and_relus():
    layers = chain([1, 4, 5, 2], [9, 1, 5])
    assert [type(layer).__name__ for layer in layers] == ["Conv2d", "ReLU", "Conv2d", "ReLU", "Conv2d"]
    assert [tuple(layer.weight.shape) for layer in layers[::2]] == [(4, 1, 9, 9), (5, 4, 1, 1), (2, 5, 5, 5)]
    assert layers(torch.zeros(1, 1, 7, 8)).shape == (1, 2, 7, 8)


def test_chain_normalises_between_the_first_and_the_last():
    layers = chain([1, 4, 5, 2], [3, 3, 3], batch_norm=True)
    kinds = ["Conv2d", "ReLU", "Conv2d", "BatchNorm2d", "ReLU", "Conv2d"]
    assert [type(layer).__name__ for layer in layers] == kinds
    assert [layers[number].bias is None for number in (0, 2, 5)] == [False, True, False]


def test_condition_map_spreads_a_value():
    image = torch.zeros(2, 3, 4, 5)
    levels = condition_map(torch.tensor([0.1, 0.2], dtype=torch.float64), image)
    assert levels.shape == (2, 1, 4, 5)
    assert levels.dtype == torch.float32
    assert (levels[0] == torch.tensor(0.1)).all()
    assert (levels[1] == torch.tensor(0.2)).all()


def test_condition_map_takes_a_map_as_it_is(generator):
    levels = torch.rand(2, 1, 4, 5, generator=generator)
    assert torch.equal(condition_map(levels, torch.zeros(2, 3, 4, 5)), levels)


@pytest.mark.parametrize("shape", [(), (3,), (2, 1), (2, 1, 5, 4), (2, 3, 4, 5)])
def test_condition_map_refuses_what_does_not_fit(shape):
    with pytest.raises(ValueError, match="does not fit images of"):
        condition_map(torch.zeros(shape), torch.zeros(2, 3, 4, 5))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"depth": 1}, "depth must be from 2 to 1000 layers, and it is 1"),
        ({"depth": 7, "even": True}, "depth must be an even number of layers"),
        ({"kernel_size": 4}, "kernel_size must be odd"),
        ({"width": 0}, "width must be at least 1 feature map"),
    ],
)
def test_check_names_the_argument(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        check(**arguments)

import pytest
import torch
from torch.nn.functional import interpolate, max_pool2d, relu

from restore.models import gopro_red
from restore.models.cost import Cost, count_cost
from restore.models.gopro_red import GoproRED

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


def test_counts_by_hand():
    cost = count_cost(GoproRED(depth=4, skip_step=0), 3, 20, 30)
    assert cost == Cost(1728 + 128 + 2 * (HIDDEN + 128) + 1728 + 6, (3456 + 2 * HIDDEN) * 600, 9)


def test_pooling_widens_the_receptive_field():
    # 3×3, 2×2 pooling, then 3×3 thrice on maps of half the size, up, 3×3: 1 + 2 + 1 + 2·(2 + 2) + 2 and d1 at half size
    assert count_cost(GoproRED(depth=4, skip_step=1, pool=[1]), 3, 8, 8).receptive_field == 1 + 2 + 1 + 4 + 4 + 2


def test_output_is_a_picture(generator):
    out = GoproRED(3, depth=4, width=4, skip_step=1)(100 * torch.randn(2, 3, 9, 9, generator=generator))
    assert out.min() >= 0
    assert out.max() <= 1


def straight_line(network: GoproRED, y: torch.Tensor) -> torch.Tensor:
    """Six layers with a skip over every layer, and a pooling after the second convolution or none, written out."""
    c1, c2, c3 = network.encoder
    d1, d2, d3 = network.decoder
    first = c1(y)
    second = c2(first)
    inner = relu(resized(d1(c3(max_pool2d(second, 2) if network.pool else second)), second) + second)
    return d3(relu(d2(inner) + first))


def resized(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return interpolate(x, like.shape[-2:], mode="nearest")


@pytest.mark.parametrize("activation", ["relu", "prelu"])
@pytest.mark.parametrize("pool", [[], [2]])
def test_equals_a_straight_line_transcription(activation, pool, generator):
    network = GoproRED(1, depth=6, width=4, skip_step=1, activation=activation, pool=pool).eval().double()
    y = torch.rand(1, 1, 11, 14, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(network(y), straight_line(network, y))


@pytest.mark.parametrize(("activation", "changes"), [("relu", False), ("prelu", True)])
def test_a_relu_follows_every_sum_and_shows_with_prelu_alone(activation, changes, generator, monkeypatch):
    network = GoproRED(1, depth=6, width=4, skip_step=1, activation=activation).eval()
    y = torch.rand(1, 1, 9, 9, generator=generator)
    with_relu = network(y)
    monkeypatch.setattr(gopro_red, "relu", lambda x: x)
    assert torch.equal(network(y), with_relu) is not changes


@pytest.mark.parametrize("downsample", [[1], [2], [3], [1, 3]])
@pytest.mark.parametrize("size", [(17, 13), (8, 31), (1, 1)])
def test_strides_give_any_image_back_at_its_size(downsample, size, generator):
    network = GoproRED(1, depth=6, width=3, skip_step=1, downsample=downsample).eval()
    y = torch.rand(1, 1, *size, generator=generator)
    assert network(y).shape == y.shape
    strides = [number for number, block in enumerate(network.encoder, start=1) if block[0].stride == (2, 2)]
    mirrored = [4 - number for number, block in enumerate(network.decoder, start=1) if block[0].stride == (2, 2)]
    assert strides == sorted(mirrored) == downsample


@pytest.mark.parametrize(
    ("argument", "value"), [("activation", "swish"), ("pool", [3]), ("depth", 5), ("skip_step", 3), ("downsample", [4])]
)
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        GoproRED(**({"depth": 6} | {argument: value}))

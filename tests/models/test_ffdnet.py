import pytest
import torch
from torch import Tensor, nn

from restore.conditions import told
from restore.models.cost import Cost, count_cost
from restore.models.ffdnet import FFDNet


@pytest.mark.parametrize(
    ("network", "parameters", "weights"),
    [
        # 5 → 64, 13 × 64 → 64, 64 → 4; each hidden layer has two numbers a map, of its batch norm
        (FFDNet(), 45 * 64 + 64 + 13 * (64 * 576 + 128) + 576 * 4 + 4, 45 * 64 + 13 * 64 * 576 + 576 * 4),
        (FFDNet(batch_norm=False), 485_316, 45 * 64 + 13 * 64 * 576 + 576 * 4),
        # 13 → 96, 10 × 96 → 96, 96 → 12
        (FFDNet(3, batch_norm=False), 852_108, 117 * 96 + 10 * 96 * 864 + 864 * 12),
    ],
    ids=["gray", "gray, merged", "colour, merged"],
)
def test_counts_by_hand(network, parameters, weights):
    """Each weight once for four pixels; the unshuffle's reach, and two pixels of the image for each of a sub-image's."""
    gray = network.body[0].in_channels == 5
    field = 1 + 1 + 2 * 2 * (15 if gray else 12)
    assert field == (62 if gray else 50)
    assert count_cost(network, 1 if gray else 3, 20, 30) == Cost(parameters, weights * 150, field)
    # an odd side is continued to an even one
    assert count_cost(network, 1 if gray else 3, 19, 29).macs == weights * 150


def test_depth_and_width_can_be_told():
    network = FFDNet(3, depth=4, width=8)
    shapes = [tuple(layer.weight.shape) for layer in network.body if isinstance(layer, nn.Conv2d)]
    assert shapes == [(8, 13, 3, 3), (8, 8, 3, 3), (8, 8, 3, 3), (12, 8, 3, 3)]


class Recorder(nn.Module):
    """In the body's place: keeps what it is given, and answers with the sub-images as they came."""

    def forward(self, x: Tensor) -> Tensor:
        self.given = x
        return x[:, :-1]


def recorded(channels: int, degraded: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    network = FFDNet(channels, depth=2, width=1)
    network.body = Recorder()
    return network(degraded, sigma=sigma), network.body.given


@pytest.mark.parametrize("channels", [1, 3])
def test_sub_images_come_column_by_column_and_the_map_behind_them(channels):
    """Sub-image i of a plane has rows i mod 2 and columns i div 2, the order of the authors' files; planes outermost."""
    y = torch.arange(2.0 * channels * 4 * 6).view(2, channels, 4, 6)
    restored, given = recorded(channels, y, torch.tensor([0.1, 0.2]))
    assert given.shape == (2, 4 * channels + 1, 2, 3)
    for plane in range(channels):
        for i in range(4):
            assert torch.equal(given[:, 4 * plane + i], y[:, plane, i % 2 :: 2, i // 2 :: 2])
    assert not torch.equal(given[:, :-1], nn.functional.pixel_unshuffle(y, 2)), "torch's order is another"
    torch.testing.assert_close(given[:, -1], torch.tensor([0.1, 0.2]).view(2, 1, 1).expand(2, 2, 3))
    assert torch.equal(restored, y), "they go back to where they came from"


def test_an_odd_side_is_continued_by_its_last_pixels():
    y = torch.arange(15.0).view(1, 1, 3, 5)
    restored, given = recorded(1, y, torch.tensor([0.1]))
    assert torch.equal(restored, y)
    assert given[0, :4, -1, -1].tolist() == [14, 14, 14, 14]  # the corner's own and its three copies
    assert given[0, :4, 0, -1].tolist() == [4, 9, 4, 9]  # rows 0 and 1 of the last column, and again


def test_a_varying_map_is_sub_sampled_by_the_mean():
    levels = torch.tensor([[0.0, 0.1, 0.2], [0.4, 0.3, 0.6]]).view(1, 1, 2, 3)
    _, given = recorded(1, torch.zeros(1, 1, 2, 3), levels)
    torch.testing.assert_close(given[0, -1], torch.tensor([[0.2, 0.4]]))


@pytest.mark.parametrize("size", [(12, 10), (11, 13)])
def test_a_constant_map_equals_its_value(size, generator):
    network = FFDNet(depth=3, width=8).eval()
    y = torch.rand(2, 1, *size, generator=generator)
    sigma = torch.tensor([0.05, 0.2])
    levels = sigma.view(-1, 1, 1, 1).expand(-1, 1, *size)
    torch.testing.assert_close(network(y, sigma=sigma), network(y, sigma=levels))
    assert not torch.allclose(network(y, sigma=sigma), network(y, sigma=sigma.flip(0)), atol=1e-4), (
        "it listens to what it is told"
    )


@pytest.mark.parametrize(("argument", "value"), [("depth", 1), ("width", 0)])
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        FFDNet(**{argument: value})


@pytest.mark.parametrize("conditions", [(), ("gain", "read_noise")])
def test_told_more_or_less_than_sigma(conditions, generator):
    network = FFDNet(depth=3, width=4, conditions=conditions).eval()
    assert told(network) == conditions
    y = torch.rand(2, 1, 9, 7, generator=generator)
    told_both = {name: torch.tensor([0.01, 0.02]) for name in conditions}
    restored = network(y, **told_both)
    assert restored.shape == y.shape
    for name in conditions:
        louder = network(y, **told_both | {name: torch.tensor([0.2, 0.2])})
        assert not torch.allclose(restored, louder, atol=1e-5), "it listens to each"

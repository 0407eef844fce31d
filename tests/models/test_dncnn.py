import pytest
import torch
from torch import nn

from restore.models.cost import Cost, count_cost
from restore.models.dncnn import DnCNN

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


def test_layers_are_the_papers():
    kinds = [type(layer).__name__ for layer in DnCNN(depth=17).body]
    assert kinds == ["Conv2d", "ReLU", *["Conv2d", "BatchNorm2d", "ReLU"] * 15, "Conv2d"]


@pytest.mark.parametrize(
    ("network", "cost"),
    [
        (DnCNN(), Cost(640 + 15 * (HIDDEN + 128) + 577, (1152 + 15 * HIDDEN) * 600, 35)),
        (DnCNN(3, depth=20), Cost(1792 + 18 * (HIDDEN + 128) + 1731, (3456 + 18 * HIDDEN) * 600, 41)),
    ],
    ids=["dncnn_s", "cdncnn_b"],
)
def test_counts_by_hand(network, cost):
    assert count_cost(network, network.body[0].in_channels, 20, 30) == cost


def test_residual_is_what_is_taken_away(generator):
    network = DnCNN(depth=4, width=6).eval()
    y = torch.rand(1, 1, 11, 9, generator=generator)
    torch.testing.assert_close(network(y), y - network.body(y))
    network.residual = False
    torch.testing.assert_close(network(y), network.body(y))


def test_zero_last_layer_is_the_identity(generator):
    network = DnCNN(channels=3, depth=3, width=4)
    nn.init.zeros_(network.body[-1].weight)
    y = torch.rand(2, 3, 8, 9, generator=generator)
    assert torch.equal(network(y), y)


@pytest.mark.parametrize(("argument", "value"), [("depth", 1), ("kernel_size", 2), ("width", 0)])
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        DnCNN(**{argument: value})

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


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(("start", "deviation"), [("zero", 1e-3), ("he", (2 / (64 * 9)) ** 0.5)])
def test_last_layer_starts_as_told_whatever_is_learned(residual, start, deviation):
    torch.manual_seed(0)
    network = DnCNN(depth=3, residual=residual, last_layer=start)
    assert network.body[-1].weight.std().item() == pytest.approx(deviation, rel=0.15)  # of 576 draws


def test_both_formulations_start_alike():
    starts = []
    for residual in (True, False):
        torch.manual_seed(0)
        starts.append(DnCNN(depth=4, width=6, residual=residual, last_layer="he").state_dict())
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])


def test_released_start_is_the_released_programs():
    torch.manual_seed(0)
    network = DnCNN(start="released", last_layer="he")
    deviation = (2 / (9 * 64)) ** 0.5
    for layer in network.body:
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.std().item() == pytest.approx(deviation, rel=0.15)  # of 576 draws or 36,864
            assert layer.bias is None or not layer.bias.any()
    norms = [layer for layer in network.body if isinstance(layer, nn.BatchNorm2d)]
    gains = torch.cat([norm.weight.detach() for norm in norms])
    assert gains.numel() == 15 * 64
    assert gains.abs().min().item() == pytest.approx(0.025)
    assert 0.25 < (gains.abs() <= 0.02501).float().mean().item() < 0.4, "a third of them is pushed away from zero"
    assert gains.square().mean().sqrt().item() == pytest.approx(deviation, rel=0.1)
    assert 0.4 < (gains > 0).float().mean().item() < 0.6
    assert all((norm.running_var == 0.01).all() and not norm.bias.any() for norm in norms)


def test_a_start_draws_what_it_drew_before():
    """He et al.'s weights layer by layer, then the last layer's anew: recorded runs start from these."""
    torch.manual_seed(3)
    network = DnCNN(depth=4, width=5)
    torch.manual_seed(3)
    layers = [nn.Conv2d(1, 5, 3), nn.Conv2d(5, 5, 3, bias=False), nn.Conv2d(5, 5, 3, bias=False), nn.Conv2d(5, 1, 3)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=(2 / (9 * layer.in_channels)) ** 0.5)
    nn.init.normal_(layers[-1].weight, std=1e-3)
    ours = [layer for layer in network.body if isinstance(layer, nn.Conv2d)]
    assert all(torch.equal(layer.weight, drawn.weight) for layer, drawn in zip(ours, layers, strict=True))


@pytest.mark.parametrize(
    ("argument", "value"), [("depth", 1), ("kernel_size", 2), ("width", 0), ("last_layer", "one"), ("start", "mine")]
)
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        DnCNN(**{argument: value})

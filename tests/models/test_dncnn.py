import pytest
import torch
from torch import nn

from restore.models.dncnn import DnCNN
from restore.models.identity import Identity


def test_layers_are_the_papers():
    kinds = [type(layer).__name__ for layer in DnCNN(depth=17).body]
    assert kinds == ["Conv2d", "ReLU", *["Conv2d", "BatchNorm2d", "ReLU"] * 15, "Conv2d"]


def test_parameters_of_dncnn_s():
    # 64·9+64, 15 × (64·64·9 + 128), 64·9+1
    assert sum(p.numel() for p in DnCNN().parameters()) == 640 + 15 * (36864 + 128) + 577


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
    assert torch.equal(Identity(3)(y), y)


@pytest.mark.parametrize(("argument", "value"), [("depth", 1), ("kernel_size", 2), ("width", 0)])
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        DnCNN(**{argument: value})

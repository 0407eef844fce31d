import pytest
import torch

from restore.models.bottleneck import Bottleneck
from restore.models.cost import count_cost

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


def test_counts_by_hand():
    cost = count_cost(Bottleneck(), 1, 243, 243)
    inner = 27**2 + 9**2 + 3**2 + 1  # pixels of the maps that 64 × 64 filters make, and come from
    assert cost.parameters == 640 + 8 * (HIDDEN + 64) + 577
    assert cost.macs == 2 * 81**2 * 576 + 2 * inner * HIDDEN
    assert cost.receptive_field == 243


def test_without_skips_a_bottleneck_knows_only_its_vector(generator):
    network = Bottleneck(width=4, skips=False)
    y = torch.rand(1, 1, 243, 243, generator=generator)
    with torch.no_grad():
        for layer in network.encoder:
            layer.weight.zero_()
    assert torch.equal(network(y), network(1 - y))


def test_refuses_by_name():
    with pytest.raises(ValueError, match="width must be at least 1"):
        Bottleneck(width=0)

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


@pytest.mark.parametrize("skips", [True, False])
def test_the_input_passes_where_skips_do_unless_told(skips, generator):
    y = torch.rand(1, 1, 40, 50, generator=generator)
    assert Bottleneck(width=4, skips=skips).residual is skips
    torch.manual_seed(0)
    network = Bottleneck(width=4, skips=skips, residual=False)
    image = network(y)
    assert image.abs().max() < 0.1, "near zero"
    network.residual = True
    torch.testing.assert_close(network(y), y + image)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize(("start", "deviation"), [("zero", 1e-3), ("he", (2 / 64) ** 0.5)])
def test_last_layer_starts_as_told(skips, start, deviation):
    torch.manual_seed(0)
    network = Bottleneck(skips=skips, last_layer=start)
    assert network.decoder[-1].weight.std().item() == pytest.approx(deviation, rel=0.15)  # of 576 draws


@pytest.mark.parametrize(("argument", "value"), [("width", 0), ("last_layer", "none")])
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument} must be"):
        Bottleneck(**{argument: value})

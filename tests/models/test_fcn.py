import pytest
import torch
from torch import nn

from restore.models.cost import Cost, count_cost
from restore.models.fcn import FullyConvolutional

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


def test_counts_by_hand():
    cost = count_cost(FullyConvolutional(depth=5), 1, 20, 30)
    assert cost == Cost(640 + 3 * (HIDDEN + 64) + 577, (1152 + 3 * HIDDEN) * 600, 11)


def test_enlarged_input_ends_where_it_began(generator):
    """With filters that pass the middle pixel on, what comes out is the enlarged image's middle."""
    network = FullyConvolutional(depth=3, width=1, upsample_input=True)
    for layer in network.body:
        nn.init.zeros_(layer.weight)
        with torch.no_grad():
            layer.weight[0, 0, 1, 1] = 1
    y = torch.rand(1, 1, 10, 12, generator=generator)
    enlarged = nn.functional.interpolate(y, (16, 18), mode="bilinear", align_corners=False)
    torch.testing.assert_close(network(y), y + enlarged[..., 3:-3, 3:-3])


def test_without_residual_the_image_itself_is_learned(generator):
    torch.manual_seed(0)
    network = FullyConvolutional(depth=3, width=4, residual=False, last_layer="he")
    y = torch.rand(1, 1, 9, 8, generator=generator)
    image = network(y)
    network.residual = True
    torch.testing.assert_close(network(y), y + image)


@pytest.mark.parametrize(("start", "deviation"), [("zero", 1e-3), ("he", (2 / (64 * 9)) ** 0.5)])
def test_last_layer_starts_as_told(start, deviation):
    torch.manual_seed(0)
    network = FullyConvolutional(depth=3, last_layer=start)
    assert network.body[-1].weight.std().item() == pytest.approx(deviation, rel=0.15)  # of 576 draws


@pytest.mark.parametrize(
    ("argument", "value"), [("depth", 1), ("kernel_size", 2), ("width", 0), ("last_layer", "none")]
)
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        FullyConvolutional(**{argument: value})

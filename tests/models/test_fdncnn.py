import pytest
import torch

from restore.models.cost import Cost, count_cost
from restore.models.fdncnn import FDnCNN

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


@pytest.mark.parametrize(
    ("network", "parameters", "weights"),
    [
        (FDnCNN(), 2 * 576 + 64 + 18 * (HIDDEN + 128) + 577, 3 * 576 + 18 * HIDDEN),
        (FDnCNN(batch_norm=False), 2 * 576 + 64 + 18 * (HIDDEN + 64) + 577, 3 * 576 + 18 * HIDDEN),
        (FDnCNN(3), 4 * 576 + 64 + 18 * (HIDDEN + 128) + 3 * 577, 7 * 576 + 18 * HIDDEN),
    ],
    ids=["gray", "gray, merged", "colour"],
)
def test_counts_by_hand(network, parameters, weights):
    channels = network.body[-1].out_channels
    assert count_cost(network, channels, 20, 30) == Cost(parameters, weights * 600, 41)


def test_the_map_stands_behind_the_image_and_the_output_is_the_image(generator):
    network = FDnCNN(3, depth=2, width=1)
    network.body = torch.nn.Identity()
    y = torch.rand(2, 3, 5, 4, generator=generator)
    given = network(y, sigma=torch.tensor([0.1, 0.3]))
    assert torch.equal(given[:, :3], y)
    assert given[:, 3].flatten(1).unique(dim=1).tolist() == torch.tensor([[0.1], [0.3]]).tolist()


def test_a_constant_map_equals_its_value(generator):
    network = FDnCNN(depth=3, width=8).eval()
    y = torch.rand(2, 1, 11, 13, generator=generator)
    sigma = torch.tensor([0.05, 0.2])
    levels = sigma.view(-1, 1, 1, 1).expand(-1, 1, 11, 13)
    assert torch.equal(network(y, sigma=sigma), network(y, sigma=levels))
    assert not torch.allclose(network(y, sigma=sigma), network(y, sigma=sigma.flip(0)), atol=1e-4), (
        "it listens to what it is told"
    )


@pytest.mark.parametrize(("argument", "value"), [("depth", 1), ("width", 0)])
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        FDnCNN(**{argument: value})

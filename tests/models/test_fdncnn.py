import pytest
import torch

from restore.conditions import apply_network, told
from restore.degradations.sensor import PoissonGaussian
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


def test_told_gain_and_read_noise_in_its_own_order(generator):
    """Two maps behind the image: the root of the gain, a deviation as the read noise is, and the read noise."""
    network = FDnCNN(3, depth=3, width=4, conditions=["gain", "read_noise"])
    assert told(network) == ("gain", "read_noise")
    assert network(torch.rand(1, 3, 7, 6), gain=torch.rand(1), read_noise=torch.rand(1)).shape == (1, 3, 7, 6)
    network.body = torch.nn.Identity()
    pair = PoissonGaussian([1, 4], [2, 9])(torch.rand(2, 3, 5, 4), generator)
    given = apply_network(network, pair.degraded, {"sigma": torch.ones(2)} | pair.conditions)
    assert given.shape == (2, 5, 5, 4)
    torch.testing.assert_close(given[:, 3, 0, 0] ** 2, pair.conditions["gain"])
    assert torch.equal(given[:, 4, 2, 3], pair.conditions["read_noise"])


def test_a_residual_network_starts_near_the_identity(generator):
    y = torch.rand(1, 1, 20, 20, generator=generator)
    torch.manual_seed(0)
    change = FDnCNN(depth=4, width=16, residual=True)(y, sigma=torch.tensor([0.1])) - y
    assert 0 < change.abs().max() < 0.1


def test_told_nothing_and_told_wrongly():
    blind, aware = FDnCNN(depth=2, width=2, conditions=[]), FDnCNN(depth=2, width=2)
    assert told(blind) == ()
    assert blind(torch.rand(1, 1, 5, 5)).shape == (1, 1, 5, 5)
    y, sigma = torch.rand(1, 1, 5, 5), torch.tensor([0.1])
    assert torch.equal(aware.eval()(y, sigma), aware(y, sigma=sigma))
    with pytest.raises(TypeError, match="told sigma, and it is given a value, sigma"):
        aware(y, sigma, sigma=sigma)
    with pytest.raises(TypeError, match="told nothing, and it is given a value"):
        blind(y, sigma)
    with pytest.raises(TypeError, match="told sigma, and it is given sigm"):
        aware(torch.rand(1, 1, 5, 5), sigm=torch.rand(1))
    with pytest.raises(ValueError, match=r"model\.conditions are values or maps, and kernel is neither"):
        FDnCNN(conditions=["sigma", "kernel"])


@pytest.mark.parametrize(("argument", "value"), [("depth", 1), ("width", 0)])
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        FDnCNN(**{argument: value})

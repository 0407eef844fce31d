import pytest
import torch
from torch import nn

from restore.conditions import apply_network, stand_in, told
from restore.models.dncnn import DnCNN
from restore.models.ffdnet import FFDNet
from restore.models.fusion import merge_batch_norm
from restore.models.gopro_red import GoproRED
from restore.models.red import Deconvolution, REDNet


def lived_in(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """A network in float64 whose batch norms have statistics, and whose layers have weights that show."""
    for parameter in network.double().parameters():
        nn.init.uniform_(parameter, -0.4, 0.5, generator=generator)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.track_running_stats:
            layer.running_mean.uniform_(-1, 1, generator=generator)
            layer.running_var.uniform_(0.2, 3, generator=generator)
    return network


def has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


NETWORKS = {
    "dncnn": lambda: DnCNN(depth=6, width=8),
    "ffdnet": lambda: FFDNet(depth=5, width=8),
    "gopro_red": lambda: GoproRED(1, depth=6, width=8),
    "gopro_red_stride": lambda: GoproRED(1, depth=6, width=8, downsample=[2]),
    "gopro_red_pool": lambda: GoproRED(1, depth=6, width=8, activation="prelu", pool=[1]),
    "deconvolution": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), Deconvolution(4, 5, 3, padding=1), nn.BatchNorm2d(5), nn.Conv2d(5, 1, 1)
    ),
    "strided": lambda: nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ConvTranspose2d(4, 1, 2, 2), nn.BatchNorm2d(1)),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4)), nn.Conv2d(4, 1, 1)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_merged_is_the_same_function(name, generator):
    network = lived_in(NETWORKS[name](), generator)
    merged = merge_batch_norm(network)
    assert not has_batch_norm(merged)
    assert has_batch_norm(network)
    assert network.training, "the network itself is left as it was"
    y = torch.rand(2, 1, 14, 12, generator=generator, dtype=torch.float64)
    conditions = stand_in(told(network), y)
    restored = apply_network(network.eval(), y, conditions)
    assert restored.std() > 1e-3
    torch.testing.assert_close(apply_network(merged, y, conditions), restored)
    kinds = [type(layer) for layer in network.modules() if not isinstance(layer, nn.BatchNorm2d)]
    assert [type(layer) for layer in merged.modules()] == kinds


def test_merged_has_the_keys_of_a_network_built_without():
    merged = merge_batch_norm(DnCNN(depth=5, width=4)).state_dict()
    assert list(merged) == list(DnCNN(depth=5, width=4, batch_norm=False).state_dict())


def test_a_network_without_is_returned_as_it_is():
    network = REDNet(depth=4, width=3, skip_step=1)
    assert merge_batch_norm(network) is network


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)],
        [nn.BatchNorm2d(1), nn.Conv2d(1, 4, 3)],
        [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)],
        [nn.Conv2d(1, 4, 3), nn.ConvTranspose2d(4, 4, 3, groups=2), nn.BatchNorm2d(4)],
    ],
    ids=["after a relu", "first", "no statistics", "grouped"],
)
def test_a_batch_norm_that_cannot_be_folded_stays(layers, generator):
    network = lived_in(nn.Sequential(*layers), generator)
    merged = merge_batch_norm(network)
    assert has_batch_norm(merged)
    y = torch.rand(2, 1, 9, 8, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(merged(y), network.eval()(y))

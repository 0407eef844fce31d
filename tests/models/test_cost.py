"""Counts against numbers worked out by hand."""

import pytest
from torch import nn

from restore.models.cost import Cost, count_cost
from restore.models.dncnn import DnCNN
from restore.models.red import REDNet


@pytest.mark.parametrize(
    ("network", "macs_per_pixel"),
    [
        (REDNet(depth=10, skip_step=0), 2 * 9 * 64 + 8 * 9 * 64 * 64),
        (REDNet(depth=20), 2 * 9 * 64 + 18 * 9 * 64 * 64),
        (REDNet(depth=30), 1_033_344),
        (DnCNN(depth=17), 2 * 9 * 64 + 15 * 9 * 64 * 64),
        (DnCNN(channels=3, depth=20), 6 * 9 * 64 + 18 * 9 * 64 * 64),
    ],
    ids=["red10", "red20", "red30", "dncnn_s", "cdncnn_b"],
)
def test_macs_of_a_patch(network, macs_per_pixel):
    channels = next(network.parameters()).shape[1]
    assert count_cost(network, channels, 40, 50).macs == macs_per_pixel * 2000


@pytest.mark.parametrize(
    ("network", "field"),
    [(REDNet(depth=10, width=4), 21), (DnCNN(depth=17, width=4), 35), (REDNet(depth=6, width=4, kernel_size=5), 25)],
)
def test_receptive_field(network, field):
    assert count_cost(network, 1, 8, 8).receptive_field == field


def test_parameters_and_no_trace_left():
    network = REDNet(depth=4, width=3, skip_step=1)
    cost = count_cost(network, 1, 9, 9)
    assert cost.parameters == (9 * 3 + 3) + (9 * 9 + 3) * 2 + (27 + 1)
    assert next(network.parameters()).device.type == "cpu"
    assert not any(layer._forward_hooks for layer in network.modules())


class Told(nn.Module):
    """Asks for a value, a map and a kernel, and convolves the image once."""

    conditions = ("sigma", "mask", "kernel")

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(2, 3, 5, padding=2)

    def forward(self, degraded, sigma, mask, kernel):
        assert (sigma.dim(), mask.shape[2:], kernel.dim()) == (1, degraded.shape[2:], 3)
        return self.layer(degraded)


def test_a_network_that_is_told_something():
    assert count_cost(Told(), 2, 8, 9) == Cost(150 + 3, 150 * 72, 5)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_pixel_unshuffle_reaches_over_its_pixels(factor):
    layers = [nn.PixelUnshuffle(factor), nn.Conv2d(factor**2, factor**2, 3, padding=1), nn.PixelShuffle(factor)]
    cost = count_cost(nn.Sequential(*layers), 1, 6, 12)
    assert cost == Cost(9 * factor**4 + factor**2, 9 * factor**4 * 72 // factor**2, factor + 2 * factor)

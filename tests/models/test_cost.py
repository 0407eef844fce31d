"""Counts against numbers worked out by hand."""

import pytest

from restore.models.cost import count_cost
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
    network = REDNet(depth=4, width=3)
    cost = count_cost(network, 1, 9, 9)
    assert cost.parameters == (9 * 3 + 3) + (9 * 9 + 3) * 2 + (27 + 1)
    assert next(network.parameters()).device.type == "cpu"
    assert not any(layer._forward_hooks for layer in network.modules())

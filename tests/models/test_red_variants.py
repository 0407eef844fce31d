"""RED-Net's ablations: strides, residual blocks, and every skip against an independent transcription."""

import pytest
import torch
from torch import nn
from torch.nn.functional import relu

from restore.models.cost import count_cost
from restore.models.red import REDNet


def awake(network: REDNet) -> REDNet:
    """A network whose last layer is not near zero, so that its body shows in its output."""
    nn.init.normal_(network.decoder[-1].weight, std=0.3)
    return network


def straight_line(network: REDNet, y: torch.Tensor, pairs: dict[int, int]) -> torch.Tensor:
    """A chain of RED-Net's layers with ``pairs[decoder layer] = encoder layer`` given from outside."""
    maps, x = {}, y
    for number, layer in enumerate(network.encoder, start=1):
        x = maps[number] = relu(layer(x))
    for number, layer in enumerate(network.decoder, start=1):
        x = nn.ConvTranspose2d.forward(layer, x)
        if number < len(network.decoder):
            x = relu(x)
        if number in pairs:
            x = relu(maps[pairs[number]] + x)
    return y + x


@pytest.mark.parametrize(
    ("depth", "step", "pairs"),
    [
        (30, 2, {1: 14, 3: 12, 5: 10, 7: 8, 9: 6, 11: 4, 13: 2}),  # the released RED30
        (30, 4, {3: 12, 7: 8, 11: 4}),
        (30, 7, {1: 14, 8: 7}),
        (20, 2, {2: 8, 4: 6, 6: 4, 8: 2}),
        (10, 0, {}),
    ],
)
def test_skips_equal_a_straight_line_transcription(depth, step, pairs, generator):
    network = awake(REDNet(depth=depth, width=5, skip_step=step)).double()
    y = torch.rand(1, 1, 12, 15, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(network(y), straight_line(network, y, pairs))


@pytest.mark.parametrize("downsample", [[1], [5], [9], [5, 9], [1, 2, 3]])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (31, 8), (1, 1)])
def test_strides_give_any_image_back_at_its_size(downsample, size, generator):
    network = awake(REDNet(depth=20, width=3, downsample=downsample))
    y = torch.rand(1, 1, *size, generator=generator)
    assert network(y).shape == y.shape
    strides = [number for number, layer in enumerate(network.encoder, start=1) if layer.stride == (2, 2)]
    mirrored = [11 - number for number, layer in enumerate(network.decoder, start=1) if layer.stride == (2, 2)]
    assert strides == sorted(mirrored) == downsample


def test_a_stride_costs_what_is_counted_by_hand():
    # depth 4 on 8×8: c1 stride 2 (16 outputs), c2, d1 on 4×4 maps, d2 stride 2 from 16 inputs
    cost = count_cost(REDNet(depth=4, width=2, downsample=[1]), 1, 8, 8)
    assert cost.macs == 16 * 9 * (2 + 4 + 4 + 2)
    assert cost.receptive_field == 1 + 2 + 4 + 4 + 2  # the last: one more of the half-size map's pixels
    narrow, wide = REDNet(depth=30, width=2), REDNet(depth=30, width=2, downsample=[5])
    assert count_cost(narrow, 1, 40, 40).macs / count_cost(wide, 1, 40, 40).macs > 2


def test_residual_blocks_are_he_et_als(generator):
    network = awake(REDNet(depth=8, width=4, skip_step=2, skip_kind="residual")).double()
    y = torch.rand(1, 1, 9, 10, generator=generator, dtype=torch.float64)
    c, d = network.encoder, network.decoder
    x = relu(c[0](y))
    x = relu(x + c[2](relu(c[1](x))))
    x = relu(x + d[0](relu(c[3](x))))
    x = relu(x + d[2](relu(d[1](x))))
    torch.testing.assert_close(network(y), y + d[3](x))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"skip_kind": "dense"}, "skip_kind"),
        ({"downsample": [0]}, "downsample"),
        ({"depth": 10, "downsample": [6]}, "downsample"),
        ({"skip_kind": "residual", "downsample": [1]}, "downsample"),
    ],
)
def test_refuses_by_name(arguments, name):
    with pytest.raises(ValueError, match=f"model.{name}"):
        REDNet(**arguments)

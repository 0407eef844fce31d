"""Every network of conf/model/: counts by hand, sizes, and whether it can learn a batch by heart."""

import pytest
import torch
from torch import nn

from restore.models.arcnn import ARCNN
from restore.models.bottleneck import Bottleneck
from restore.models.cost import count_cost
from restore.models.dncnn import DnCNN
from restore.models.fcn import FullyConvolutional
from restore.models.gopro_red import GoproRED
from restore.models.red import REDNet
from restore.models.srcnn import SRCNN
from restore.models.vdsr import VDSR

HIDDEN = 64 * 64 * 9

# parameters, MACs for one pixel (of a 243×243 image for the bottleneck) and receptive field, counted by hand
COUNTS = {
    "red10": (lambda: REDNet(depth=10, skip_step=0), 640 + 8 * (HIDDEN + 64) + 577, 1152 + 8 * HIDDEN, 21),
    "red30": (lambda: REDNet(depth=30), 640 + 28 * (HIDDEN + 64) + 577, 1_033_344, 61),
    "red30_released": (
        lambda: REDNet(depth=30, width=128),
        1280 + 28 * (4 * HIDDEN + 128) + 1153,
        2304 + 28 * 4 * HIDDEN,
        61,
    ),
    "red_5x5": (lambda: REDNet(depth=4, kernel_size=5), 1664 + 2 * (25 * 4096 + 64) + 1601, 3200 + 2 * 25 * 4096, 17),
    "fcn": (lambda: FullyConvolutional(depth=5), 640 + 3 * (HIDDEN + 64) + 577, 1152 + 3 * HIDDEN, 11),
    "srcnn": (SRCNN, 8129, 8032, 13),
    "vdsr": (VDSR, 640 + 18 * (HIDDEN + 64) + 577, 1152 + 18 * HIDDEN, 41),
    "arcnn": (ARCNN, 106_448 + 64 + 32 + 16 + 1, 106_448, 19),
    "dncnn_s": (DnCNN, 640 + 15 * (HIDDEN + 128) + 577, 1152 + 15 * HIDDEN, 35),
    "cdncnn_b": (lambda: DnCNN(3, depth=20), 1792 + 18 * (HIDDEN + 128) + 1731, 3456 + 18 * HIDDEN, 41),
    "gopro_red": (lambda: GoproRED(depth=4), 1728 + 128 + 2 * (HIDDEN + 128) + 1728 + 6, 3456 + 2 * HIDDEN, 9),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    make, parameters, macs, field = COUNTS[name]
    network = make()
    channels = next(network.parameters()).shape[1]
    cost = count_cost(network, channels, 20, 30)
    assert (cost.parameters, cost.macs, cost.receptive_field) == (parameters, macs * 600, field)


def test_counts_of_the_bottleneck():
    cost = count_cost(Bottleneck(), 1, 243, 243)
    inner = 27**2 + 9**2 + 3**2 + 1  # pixels of the maps that 64 × 64 filters make, and come from
    assert cost.parameters == 640 + 8 * (HIDDEN + 64) + 577
    assert cost.macs == 2 * 81**2 * 576 + 2 * inner * HIDDEN
    assert cost.receptive_field == 243


def test_pooling_widens_the_receptive_field():
    # 3×3, 2×2 pooling, then 3×3 thrice on maps of half the size, up, 3×3: 1 + 2 + 1 + 2·(2 + 2) + 2 and d1 at half size
    assert count_cost(GoproRED(depth=4, pool=[1]), 3, 8, 8).receptive_field == 1 + 2 + 1 + 4 + 4 + 2


SMALL = {
    "red": lambda: REDNet(depth=6, width=16, skip_step=1),
    "red_residual": lambda: REDNet(depth=6, width=16, skip_step=2, skip_kind="residual"),
    "red_strided": lambda: REDNet(depth=6, width=16, downsample=[2]),
    "fcn": lambda: FullyConvolutional(depth=4, width=16),
    "fcn_enlarged": lambda: FullyConvolutional(depth=4, width=16, upsample_input=True),
    "bottleneck": lambda: Bottleneck(width=16),
    "bottleneck_without": lambda: Bottleneck(width=64, skips=False),
    "gopro_red": lambda: GoproRED(1, depth=6, width=16, skip_step=1),
    "gopro_red_pool": lambda: GoproRED(1, depth=6, width=16, activation="prelu", pool=[1, 2]),
    "srcnn": SRCNN,
    "vdsr": lambda: VDSR(depth=5, width=16),
    "arcnn": ARCNN,
    "dncnn": lambda: DnCNN(depth=5, width=16),
    "dncnn_direct": lambda: DnCNN(depth=5, width=16, batch_norm=False, residual=False),
}


@pytest.mark.parametrize("name", SMALL)
def test_output_has_the_size_of_odd_inputs(name, generator):
    network = SMALL[name]().eval()
    for size in ((17, 13), (8, 31)):
        y = torch.rand(2, 1, *size, generator=generator)
        assert network(y).shape == y.shape


@pytest.mark.parametrize("name", SMALL)
def test_one_batch_can_be_learned_by_heart(name):
    torch.manual_seed(0)
    network = SMALL[name]()
    clean = torch.nn.functional.interpolate(torch.rand(2, 1, 3, 3), (12, 12), mode="bilinear")
    degraded = clean + 0.2 * torch.randn_like(clean)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    first = (degraded - clean).square().mean().item()
    for _ in range(150):
        optimiser.zero_grad()
        loss = (network(degraded) - clean).square().mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1 * first


def test_without_skips_a_bottleneck_knows_only_its_vector(generator):
    network = Bottleneck(width=4, skips=False)
    y = torch.rand(1, 1, 243, 243, generator=generator)
    with torch.no_grad():
        for layer in network.encoder:
            layer.weight.zero_()
    assert torch.equal(network(y), network(1 - y))


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


def test_gopro_output_is_a_picture(generator):
    out = GoproRED(3, depth=4, width=4)(100 * torch.randn(2, 3, 9, 9, generator=generator))
    assert out.min() >= 0
    assert out.max() <= 1


def test_batch_norm_merged_is_the_same_function(generator):
    network = DnCNN(depth=6, width=8).double()
    for layer in network.body:
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-1, 1, generator=generator)
            layer.running_var.uniform_(0.2, 3, generator=generator)
            nn.init.uniform_(layer.weight, -1, 2, generator=generator)
            nn.init.uniform_(layer.bias, -1, 1, generator=generator)
    nn.init.normal_(network.body[-1].weight, generator=generator)
    merged = network.merged()
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in merged.modules())
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    assert network.training, "the network itself is left as it was"
    y = torch.rand(2, 1, 13, 11, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(merged(y), network.eval()(y))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: FullyConvolutional(depth=1), "depth"),
        (lambda: FullyConvolutional(kernel_size=2), "kernel_size"),
        (lambda: Bottleneck(width=0), "width"),
        (lambda: GoproRED(activation="swish"), "activation"),
        (lambda: GoproRED(depth=6, pool=[3]), "pool"),
        (lambda: VDSR(depth=1), "depth"),
    ],
)
def test_refuses_by_name(make, name):
    with pytest.raises(ValueError, match=f"model.{name}"):
        make()

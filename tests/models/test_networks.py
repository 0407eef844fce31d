"""Every network: any size comes back at its size, and a batch can be learned by heart."""

import pytest
import torch

from restore.conditions import apply_network, stand_in, told
from restore.models.arcnn import ARCNN
from restore.models.bottleneck import Bottleneck
from restore.models.csf import CSF
from restore.models.dncnn import DnCNN
from restore.models.fcn import FullyConvolutional
from restore.models.fdncnn import FDnCNN
from restore.models.ffdnet import FFDNet
from restore.models.gopro_red import GoproRED
from restore.models.red import REDNet
from restore.models.srcnn import SRCNN
from restore.models.tnrd import TNRD
from restore.models.vdsr import VDSR

SMALL = {
    "red": lambda: REDNet(depth=6, width=16, skip_step=1),
    "red_residual": lambda: REDNet(depth=6, width=16, skip_step=2, skip_kind="residual"),
    "red_strided": lambda: REDNet(depth=6, width=16, downsample=[2]),
    "red_unpadded": lambda: REDNet(depth=6, width=16, skip_step=0, residual=False, last_layer="he", padding=0),
    "red_direct": lambda: REDNet(depth=6, width=16, residual=False),
    "fcn": lambda: FullyConvolutional(depth=4, width=16),
    "fcn_enlarged": lambda: FullyConvolutional(depth=4, width=16, upsample_input=True),
    "bottleneck": lambda: Bottleneck(width=16),
    "bottleneck_without": lambda: Bottleneck(width=64, skips=False),
    "gopro_red": lambda: GoproRED(1, depth=6, width=16, skip_step=1),
    "gopro_red_pool": lambda: GoproRED(1, depth=6, width=16, activation="prelu", pool=[1, 2]),
    "gopro_red_stride": lambda: GoproRED(1, depth=6, width=16, downsample=[1, 2]),
    "srcnn": SRCNN,
    "vdsr": lambda: VDSR(depth=5, width=16),
    "arcnn": ARCNN,
    "vdsr_direct": lambda: VDSR(depth=5, width=16, bias=False, residual=False),
    "arcnn_replicated": lambda: ARCNN(border="replicate"),
    "csf": lambda: CSF(stages=2, kernel_size=3),
    "dncnn": lambda: DnCNN(depth=5, width=16),
    "dncnn_direct": lambda: DnCNN(depth=5, width=16, batch_norm=False, residual=False),
    "dncnn_released": lambda: DnCNN(depth=5, width=16, last_layer="he", start="released"),
    "ffdnet": lambda: FFDNet(depth=5, width=32),
    "fdncnn": lambda: FDnCNN(depth=5, width=16),
    "tnrd": lambda: TNRD(stages=3),
}


def restore(network, degraded):
    return apply_network(network, degraded, stand_in(told(network), degraded))


@pytest.mark.parametrize("name", SMALL)
def test_output_has_the_size_of_odd_inputs(name, generator):
    network = SMALL[name]().eval()
    for size in ((17, 13), (8, 31)):
        y = torch.rand(2, 1, *size, generator=generator)
        assert restore(network, y).shape == y.shape


LONG = {"tnrd", "csf", "dncnn_released", "bottleneck_without"}  # ten seconds each and more


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in SMALL])
def test_one_batch_can_be_learned_by_heart(name):
    torch.manual_seed(0)
    network = SMALL[name]()
    clean = torch.nn.functional.interpolate(torch.rand(2, 1, 3, 3), (12, 12), mode="bilinear")
    degraded = clean + 0.2 * torch.randn_like(clean)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    first = (degraded - clean).square().mean().item()
    for _ in range(150):
        optimiser.zero_grad()
        loss = (restore(network, degraded) - clean).square().mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1 * first

import pytest
import torch

from restore.models.dncnn import DnCNN
from restore.models.red import REDNet
from restore.optim.groups import parameter_groups
from restore.optim.muon import Muon


def test_all_are_one_group_in_the_networks_order():
    network = DnCNN(depth=4, width=3)
    assert list(parameter_groups(network)) == list(network.parameters())


@pytest.mark.parametrize("network", [DnCNN(depth=4, width=3), REDNet(depth=6, width=3)], ids=["dncnn", "red"])
def test_convolutions_alone_decay(network):
    """With gradients of zero a step of SGD is the decay."""
    optimizer = torch.optim.SGD(parameter_groups(network, "convolutions"), lr=0.5, weight_decay=0.1)
    before = {}
    for name, parameter in network.named_parameters():
        torch.nn.init.ones_(parameter)
        parameter.grad = torch.zeros_like(parameter)
        before[name] = parameter.detach().clone()
    optimizer.step()
    for name, parameter in network.named_parameters():
        shrunk = 0.95 if parameter.ndim == 4 else 1.0
        torch.testing.assert_close(parameter.detach(), shrunk * before[name])


def test_refuses_by_name():
    with pytest.raises(ValueError, match=r"optim.decay must be all or convolutions, and it is 'none'"):
        parameter_groups(REDNet(depth=6, width=3), "none")
    with pytest.raises(TypeError, match=r"leave optim\.decay=convolutions out"):
        Muon(parameter_groups(REDNet(depth=6, width=3), "convolutions"))

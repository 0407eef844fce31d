"""What a network needs is known before it is built, and building it so changes nothing."""

import pytest
import torch
from torch import nn

from restore.errors import RequestError
from restore.models import size
from restore.models.dncnn import DnCNN
from restore.models.red import REDNet
from restore.models.size import Maps, build_within_memory, count_maps


def test_weights_are_those_without_it():
    torch.manual_seed(3)
    plain = DnCNN(depth=4, width=5).state_dict()
    torch.manual_seed(3)
    counted = build_within_memory(lambda: DnCNN(depth=4, width=5), "dncnn").state_dict()
    assert all(torch.equal(plain[key], counted[key]) for key in plain)
    assert not torch.nn.modules.module._global_parameter_registration_hooks


class Computes(nn.Module):
    """A network that cannot be put together without numbers."""

    def __init__(self, width: int):
        super().__init__()
        self.scale = torch.ones(()).item()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(3))


def test_one_that_looks_at_its_numbers_is_counted_as_it_is_built():
    assert build_within_memory(lambda: Computes(3), "computes").scale == 1
    with pytest.raises(RequestError, match="computes needs"):
        build_within_memory(lambda: Computes(10**7), "computes")


def test_a_person_s_own_network_of_endless_layers(monkeypatch):
    monkeypatch.setattr(size, "MOST_TENSORS", 100)
    build_within_memory(lambda: nn.Sequential(*(nn.Linear(2, 2) for _ in range(50))), "chain")
    with pytest.raises(RequestError, match="chain has more than 100 weights and biases: too many layers"):
        build_within_memory(lambda: nn.Sequential(*(nn.Linear(2, 2) for _ in range(10**9))), "chain")


def test_what_a_constructor_says_is_passed_on():
    with pytest.raises(ValueError, match=r"model\.depth"):
        build_within_memory(lambda: DnCNN(depth=1), "dncnn")


def test_maps():
    """Inputs of each convolution, and the widest one's input and output together, by hand."""
    assert count_maps(REDNet(depth=4, width=8, skip_step=1), 1) == Maps(1 + 3 * 8, 16)
    network = DnCNN(depth=3, width=4)
    assert count_maps(network, 1) == Maps(1 + 2 * 4, 8)
    assert network.training
    assert next(network.parameters()).device.type == "cpu"
    assert count_maps(Computes(2), 1) == Maps(0, 0)

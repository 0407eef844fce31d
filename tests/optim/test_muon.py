"""Muon: orthogonal updates of the hidden filters, Adam for all else."""

import copy

import pytest
import torch
from torch import nn

from restore.models.dncnn import DnCNN
from restore.models.red import REDNet
from restore.optim.muon import Muon, newton_schulz


def stepped(network: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 3) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.rand(2, 1, 12, 12, generator=generator)).square().mean().backward()
        optimizer.step()
    return {name: value.detach().clone() for name, value in network.named_parameters()}


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 16)])
def test_orthogonalised_keeps_the_singular_vectors(generator, shape):
    matrices = torch.randn(3, *shape, generator=generator)
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    values = u.mT @ newton_schulz(matrices) @ v.mT  # (3, r, r)
    diagonal = values.diagonal(dim1=1, dim2=2)
    assert torch.allclose(values, torch.diag_embed(diagonal), atol=1e-4)
    assert diagonal.min() > 0.3
    assert diagonal.max() < 1.3


def test_it_is_torchs_muon_on_flattened_filters():
    """torch's has no filters and iterates in bfloat16: alike within that."""
    torch.manual_seed(0)
    ours = nn.Conv2d(8, 8, 3, bias=False)
    flat = nn.Parameter(ours.weight.detach().reshape(8, 72).clone())
    mine = Muon(ours.parameters(), lr=0.02)
    theirs = torch.optim.Muon([flat], lr=0.02, weight_decay=0, momentum=0.95)
    for _ in range(4):
        gradient = torch.randn(8, 8, 3, 3)
        before = ours.weight.detach().reshape(8, 72).clone()
        ours.weight.grad, flat.grad = gradient, gradient.reshape(8, 72).clone()
        flat.data.copy_(before)
        mine.step()
        theirs.step()
        moved, expected = ours.weight.detach().reshape(8, 72) - before, flat.detach() - before
        assert (moved - expected).norm() < 0.03 * expected.norm()


def test_first_and_last_layers_and_biases_follow_adam():
    torch.manual_seed(0)
    network = DnCNN(depth=4, width=6)
    twin = copy.deepcopy(network)
    hidden = [name for name, value in network.named_parameters() if value.ndim == 4 and min(value.shape[:2]) > 3]
    assert len(hidden) == 2
    muon, adam = (
        stepped(network, Muon(network.parameters()), 1),
        stepped(twin, torch.optim.Adam(twin.parameters(), 2e-3), 1),
    )
    for name in muon:
        assert torch.equal(muon[name], adam[name]) == (name not in hidden), name


def test_colour_networks_have_the_same_hidden_layers():
    groups = Muon(REDNet(3, depth=6, width=8, kernel_size=5).parameters()).param_groups
    assert [len(group["params"]) for group in groups] == [4, 8]
    assert len(Muon(nn.Conv2d(1, 8, 3).parameters()).param_groups) == 1


class NullingMuon(Muon):
    """The way of hiding the hidden filters from Adam by taking their gradients away."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            if "momentum" in group:
                self._orthogonal_step(group)
                for parameter in group["params"]:
                    parameter.grad = None
        torch.optim.Adam.step(self)


@pytest.mark.parametrize("fused", [None, True])
def test_adam_passes_over_the_hidden_filters_as_if_they_had_no_gradients(fused):
    torch.manual_seed(0)
    network = REDNet(depth=6, width=6, skip_step=1)
    twin = copy.deepcopy(network)
    ours, reference = Muon(network.parameters(), fused=fused), NullingMuon(twin.parameters(), fused=fused)
    expected, weights = stepped(twin, reference, 8), stepped(network, ours, 8)
    assert all(torch.equal(expected[name], weights[name]) for name in expected)
    torch.testing.assert_close(ours.state_dict(), reference.state_dict(), rtol=0, atol=0)


def test_gradients_and_groups_stay():
    torch.manual_seed(0)
    network = REDNet(depth=4, width=6, skip_step=1)
    optimizer = Muon(network.parameters())
    network(torch.rand(2, 1, 12, 12)).square().mean().backward()
    before = [parameter.grad.clone() for parameter in network.parameters()]
    optimizer.step()
    assert all(map(torch.equal, before, [parameter.grad for parameter in network.parameters()]))
    assert len(optimizer.param_groups) == 2


def test_hidden_filters_alone():
    torch.manual_seed(0)
    layer = nn.Conv2d(8, 8, 3, bias=False)
    before = layer.weight.detach().clone()
    optimizer = Muon(layer.parameters())
    layer(torch.rand(1, 8, 9, 9)).square().mean().backward()
    optimizer.step()
    assert not torch.equal(layer.weight, before)


def test_a_closure_is_evaluated_with_gradients():
    torch.manual_seed(0)
    network = REDNet(depth=4, width=6, skip_step=1)
    optimizer = Muon(network.parameters())

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = network(torch.ones(1, 1, 8, 8)).square().mean()
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert optimizer.step(closure) < first


def test_state_goes_on_where_it_stood():
    torch.manual_seed(0)
    whole = REDNet(depth=6, width=6, skip_step=1)
    part = copy.deepcopy(whole)
    one, first = Muon(whole.parameters()), Muon(part.parameters())
    stepped(whole, one), stepped(part, first)
    second = Muon(part.parameters(), lr=1.0)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    expected, weights = stepped(whole, one), stepped(part, second)
    assert all(torch.equal(expected[name], weights[name]) for name in expected)


@pytest.mark.parametrize(
    ("wrong", "named"), [({"lr": 0}, "above 0"), ({"adam_share": -1}, "above 0"), ({"momentum": 1}, "momentum")]
)
def test_wrong_arguments(wrong, named):
    with pytest.raises(ValueError, match=named):
        Muon(nn.Conv2d(8, 8, 3).parameters(), **wrong)

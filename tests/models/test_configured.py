"""What the names of ``conf/model`` stand for, and what they take from a recipe."""

import pytest
import torch
from torch import nn

from restore.config.build import build_network
from restore.config.compose import compose
from restore.models.dncnn import DnCNN
from restore.models.fcn import FullyConvolutional
from restore.models.gopro_red import GoproRED
from restore.models.red import REDNet
from restore.results.figures import layers


def network(name: str, *words: str) -> nn.Module:
    return build_network(compose("config", [f"model={name}", *words]).model)


@pytest.mark.parametrize(
    ("name", "depth", "skips", "residual", "deviation"),
    [
        ("red10", 10, (), True, 1e-3),
        ("red20", 20, (2, 4, 6, 8), True, 1e-3),
        ("red30", 30, (2, 4, 6, 8, 10, 12, 14), True, 1e-3),
        ("red10_plain", 10, (), False, (2 / 576) ** 0.5),
        ("red20_plain", 20, (), False, (2 / 576) ** 0.5),
        ("red30_plain", 30, (), False, (2 / 576) ** 0.5),
        ("red10_unpadded", 10, (), False, (2 / 576) ** 0.5),
    ],
)
def test_red_networks(name, depth, skips, residual, deviation):
    torch.manual_seed(0)
    red = network(name)
    assert isinstance(red, REDNet)
    assert (len(red.encoder) + len(red.decoder), red.skips, red.residual) == (depth, skips, residual)
    assert red.decoder[-1].weight.std().item() == pytest.approx(deviation, rel=0.15)
    assert {layer.padding for layer in [*red.encoder, *red.decoder]} == {(0, 0) if "unpadded" in name else (1, 1)}


@pytest.mark.parametrize(
    ("name", "depth", "enlarged"), [("fcn", 10, 0), ("fcn5", 5, 0), ("fcn_valid", 10, 20), ("fcn5_valid", 5, 10)]
)
def test_networks_of_convolutions_alone(name, depth, enlarged):
    fcn = network(name)
    assert isinstance(fcn, FullyConvolutional)
    assert (len(fcn.body), fcn.enlarged_by) == (depth, enlarged)


@pytest.mark.parametrize(
    ("words", "pool", "strides", "skips", "activation"),
    [
        (["gopro_red"], (), 0, True, nn.ReLU),
        (["gopro_red_plain"], (), 0, False, nn.ReLU),
        (["gopro_red_pool"], (3, 6), 0, True, nn.ReLU),
        (["gopro_red_pool", "model.skip_step=0"], (3, 6), 0, False, nn.ReLU),
        (["gopro_red_stride"], (), 2, True, nn.ReLU),
        (["gopro_red_prelu"], (), 0, True, nn.PReLU),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_gopro_studys_networks(words, pool, strides, skips, activation):
    gopro = network(*words)
    assert isinstance(gopro, GoproRED)
    assert (gopro.pool, bool(gopro.skips)) == (pool, skips)
    assert sum(block[0].stride == (2, 2) for block in gopro.encoder) == strides
    assert isinstance(gopro.encoder[0][-1], activation)


def test_a_recipe_sets_width_and_starts():
    torch.manual_seed(0)
    recipe = ["++recipe.red_width=24", "++recipe.last_layer=he", "++recipe.start=released"]
    red, released = network("red20", *recipe), network("red30_released", *recipe)
    assert (red.encoder[0].out_channels, released.encoder[0].out_channels) == (24, 128)
    assert red.decoder[-1].weight.std().item() == pytest.approx((2 / (9 * 24)) ** 0.5, rel=0.2)
    dncnn = network("dncnn_s", *recipe)
    assert isinstance(dncnn, DnCNN)
    assert dncnn.body[-1].weight.std().item() == pytest.approx((2 / 576) ** 0.5, rel=0.15)
    assert dncnn.body[3].weight.abs().max() < 0.5
    assert network("dncnn_s").body[3].weight.eq(1).all()


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("fcn", ["conv-2", "conv-5", "conv-8", "conv-10"]),
        ("red10", ["conv-2", "conv-5", "deconv-3", "deconv-5"]),
    ],
)
def test_layers_that_fig_3_shows_are_there(name, names):
    assert list(layers(network(name), names)) == names

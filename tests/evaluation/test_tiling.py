"""Tiles: what they give is what the whole image gives, for every network whose output depends on its field alone."""

from functools import cache
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from torch import nn

import restore
from restore.conditions import ORIENTATIONS, apply_network, stand_in, told, turn
from restore.config.build import build_network
from restore.config.compose import compose
from restore.errors import RequestError
from restore.evaluation.self_ensemble import self_ensemble
from restore.evaluation.tiling import Box, Tiler, check_tiles, cores, reach_of, restore_tiled
from restore.models.cost import count_cost
from restore.models.reach import Reach, count_reach
from restore.models.red import REDNet
from restore.models.tnrd import TNRD

CONF = Path(restore.__file__).parents[2] / "conf" / "model"
MODELS = sorted(file.stem for file in CONF.glob("*.yaml"))
REFUSED = {"csf", "fcn_valid", "fcn5_valid"}


@cache
def model(name: str) -> DictConfig:
    """A network of ``conf/model``, of fewer maps than there: how far it sees is the same."""
    config = compose("evaluate", [f"model={name}"]).model
    if config.get("width"):
        config.width = 8
    return config


def network(name: str) -> nn.Module:
    """A network of ``conf/model`` that does something everywhere: batch norm has statistics, no last layer is near zero."""
    torch.manual_seed(0)
    built = build_network(model(name)).eval()
    for module in built.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.std() < 2e-3:
            nn.init.normal_(module.weight, std=0.1)
    return built


@pytest.mark.parametrize("name", MODELS)
def test_tiles_give_what_the_whole_image_gives(name):
    """On odd sides, with tiles that begin off the grid; gopro_red_pool's up-sampling asks for sides of its grid."""
    built = network(name)
    channels = model(name).channels
    if name in REFUSED:
        with pytest.raises(RequestError, match=f"model={name} cannot be applied in tiles"):
            restore_tiled(built, torch.rand(1, channels, 80, 80), 40, name=f"model={name}")
        return
    reach = reach_of(built, channels, {}, name)
    sides = [2 * reach.margin + 3 * reach.grid + extra for extra in (31, 18)]
    height, width = [side // 2 for side in sides] if name == "bottleneck" else sides
    if name == "gopro_red_pool":
        height, width = height // 4 * 4, width // 4 * 4
    degraded = torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(1))
    conditions = stand_in(told(built), degraded)
    with torch.no_grad():
        whole = apply_network(built, degraded, conditions)
    side = max(height // 2 - 1, 1)
    tiled = restore_tiled(built, degraded, side, conditions, name=name)
    if name != "identity":
        assert whole.std() > 1e-3
        assert (whole - degraded).abs().max() > 1e-3, "the network does something"
    assert (tiled - whole).abs().max() <= 1e-5


@pytest.mark.parametrize("scale", [3.0, 4.0])
def test_the_reach_of_a_data_term_depends_on_the_factor(scale):
    """TNRD's super-resolution resizes in every stage, on the grid of the low-resolution image."""
    built = TNRD(stages=2, kernel_size=3, data_term="sr").eval()
    degraded = torch.rand(1, 1, 121, 98, generator=torch.Generator().manual_seed(0))
    conditions = {"scale": torch.tensor([scale])}
    assert reach_of(built, 1, conditions, "").grid == scale
    tiled = restore_tiled(built, degraded, 40, conditions)
    torch.testing.assert_close(tiled, built(degraded, **conditions), atol=1e-5, rtol=0)


def test_up_sampling_to_an_odd_size_depends_on_the_whole_size():
    """`interpolate` spreads the pixels of a map of 12 over 25: which goes where depends on both, so that is refused."""
    built = network("gopro_red_pool")
    with pytest.raises(RequestError, match="from the same pixels of the whole image"):
        restore_tiled(built, torch.rand(1, 1, 102, 100), 50)


class Centred(nn.Module):
    """Takes the mean of the whole image off, which no layer shows."""

    def forward(self, degraded):
        return degraded - degraded.mean()


def test_what_no_layer_shows_is_found_by_trying():
    with pytest.raises(RequestError, match="centred cannot be applied in tiles"):
        restore_tiled(Centred(), torch.rand(1, 1, 30, 30), 10, name="centred")


def test_a_reach_that_is_too_short_is_found_by_trying():
    built = network("dncnn_s")
    reach = count_reach(built, 1)
    conditions = (torch.zeros(1, 1, 1, 1), 100, 101, {}, "it")
    check_tiles(built, reach, *conditions)
    with pytest.raises(RequestError, match="it cannot be applied"):
        check_tiles(built, Reach(reach.margin - 10), *conditions)


@pytest.mark.parametrize("name", ["red20", "gopro_red_stride", "ffdnet", "dncnn_s"])
def test_the_margin_of_networks_without_strides_is_half_their_receptive_field(name):
    built = network(name)
    field, reach = count_cost(built, 1, 8, 8).receptive_field, count_reach(built, 1)
    if reach.grid == 1:
        assert 2 * reach.margin + 1 == field
    else:
        assert (field - 1) / 2 <= reach.margin <= field + reach.grid


@pytest.mark.parametrize("downsample", [[], [2]], ids=["no stride", "stride 2"])
@pytest.mark.parametrize("size", [(61, 50), (64, 47)])
def test_the_ensemble_of_tiles_is_that_of_the_image(size, downsample):
    """Strides begin at another border of each turned image."""
    torch.manual_seed(0)
    built = REDNet(depth=6, width=8, skip_step=1, downsample=downsample, last_layer="he").eval()
    degraded = torch.rand(1, 1, *size)
    with torch.no_grad():
        whole = self_ensemble(built, degraded)
    tiled = restore_tiled(built, degraded, 23, orientations=ORIENTATIONS)
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


def test_condition_maps_are_cut_with_the_image():
    built = network("ffdnet")
    degraded = torch.rand(1, 1, 90, 75)
    sigma = torch.rand(1, 1, 90, 75) * 0.3
    with torch.no_grad():
        whole = self_ensemble(built, degraded, {"sigma": sigma}, (0, 5))
    tiled = restore_tiled(built, degraded, 31, {"sigma": sigma}, (0, 5))
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_boxes_turn_with_their_image(orientation):
    image = torch.arange(7 * 9).view(7, 9)
    box = Box(1, 2, 5, 8)
    turned = box.turned(orientation, 7, 9)
    assert torch.equal(turned.of(turn(image, orientation)), turn(box.of(image), orientation))
    assert turned.turned_back(orientation, 7, 9) == box


def test_cores_cover_an_image_once():
    count = torch.zeros(37, 53)
    for box in cores(37, 53, 11):
        assert max(box.bottom - box.top, box.right - box.left) <= 11
        box.of(count).add_(1)
    assert torch.equal(count, torch.ones_like(count))


def test_no_more_is_read_than_a_tile_depends_on():
    built = network("dncnn_s")
    sides = []

    def read(box):
        sides.append((box.bottom - box.top, box.right - box.left))
        return torch.zeros(1, 1, *sides[-1])

    Tiler(built, count_reach(built, 1)).restore(read, Box(100, 100, 120, 130), 1000, 1000)
    assert sides == [(20 + 34, 30 + 34)]

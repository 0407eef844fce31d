"""ONNX files: the network's own output on any size, its conditions as inputs, what they say, and what is refused."""

import pytest
import torch
from torch import nn

from restore.config.build import build_network
from restore.config.compose import compose
from restore.config.loading import members
from restore.deployment.card import Card, forms, mean_scores, tiles_of
from restore.errors import RequestError
from restore.evaluation.tiling import restore_tiled
from restore.models.csf import CSF
from restore.models.dncnn import DnCNN
from restore.models.fcn import FullyConvolutional
from restore.models.ffdnet import FFDNet
from restore.models.fusion import merge_batch_norm
from restore.models.gopro_red import GoproRED
from restore.models.red import REDNet
from restore.models.size import count_maps
from restore.models.tnrd import TNRD

TASKS = {"arcnn": "jpeg", "srcnn": "sr", "vdsr": "sr", "tnrd_sr": "sr", "tnrd_jpeg": "jpeg"}
FORMLESS = ("csf", "tnrd", "tnrd_jpeg", "tnrd_sr")


@pytest.fixture(scope="module")
def onnx():
    """Skips where the extra is not installed."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed: it is in the extra onnx")


def awake(network):
    """A network whose weights and statistics are of a size that shows; those that start near zero hide mistakes."""
    generator = torch.Generator().manual_seed(2)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(0.2 * torch.randn(module.running_mean.shape, generator=generator))
            module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=generator))
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            fan = module.weight[0].numel()
            module.weight.data = torch.randn(module.weight.shape, generator=generator) * fan**-0.5
    return merge_batch_norm(network).eval()


def exported(network, channels=1, name="tried"):
    from restore.deployment.onnx_file import to_onnx

    card = Card(name, "denoise", channels, forms(network), tiles_of(network, channels, name), scores=({"value": 1.5},))
    return to_onnx(network, card)


NETWORKS = {
    "conditions": (lambda: FFDNet(depth=3, width=8), ("sigma",), (8, 2)),
    "two conditions": (lambda: FFDNet(3, 3, 8, conditions=("gain", "read_noise")), ("gain", "read_noise"), (8, 2)),
    "strided": (lambda: REDNet(depth=6, width=8, downsample=[1, 3]), (), None),
    "pooled": (lambda: GoproRED(1, 6, 8, pool=(1, 2)), (), None),
    "whole images alone": (lambda: FullyConvolutional(depth=3, width=8, upsample_input=True), (), "none"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_it_restores_as_the_network_does_at_any_size(onnx, name):
    from restore.deployment.onnx_network import OnnxNetwork

    make, conditions, reach = NETWORKS[name]
    network = awake(make())
    channels = 3 if name == "two conditions" else 1
    content, difference = exported(network, channels)
    assert difference <= 1e-4
    other = OnnxNetwork(content)
    assert other.conditions == conditions
    assert other.card.scores == ({"value": 1.5},)
    if reach:
        assert (other.card.reach or "none") == reach
    for count, height, width in ((1, 19, 23), (3, 64, 31), (1, 40, 40)):
        image = torch.rand(count, channels, height, width)
        told = {key: torch.rand(count) * 0.2 for key in conditions}
        with torch.no_grad():
            expected = network(image, **told)
        assert (other(image, **told) - expected).abs().max() <= 1e-4
        assert (expected - image).abs().max() > 0.01, "a network that returns its input would pass"


def test_a_network_is_backed_by_onnx_and_counted_as_it_was(onnx):
    from restore.deployment.onnx_file import with_onnx

    network = awake(FFDNet(depth=3, width=8))
    backed = with_onnx(network, 1, "ffdnet")
    assert tiles_of(backed, 1, "ffdnet") == tiles_of(network, 1, "ffdnet") == (8, 2)
    assert count_maps(backed, 1) == count_maps(network, 1)
    image, sigma = torch.rand(1, 1, 90, 71), torch.tensor([0.1])
    tiled = restore_tiled(backed, image, 32, {"sigma": sigma})
    with torch.no_grad():
        assert (tiled - network(image, sigma)).abs().max() <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", members("model"))
def test_every_model_is_exported_or_refused_by_name(onnx, name):
    config = compose("evaluate", [f"model={name}", f"task={TASKS.get(name, 'denoise')}"])
    network = awake(build_network(config.model))
    if name in FORMLESS:
        with pytest.raises(RequestError, match=f"model={name} has no form in ONNX here"):
            exported(network, name=name)
    else:
        assert exported(network, int(config.task.channels), name)[1] <= 1e-4


def test_a_file_that_restores_something_else_is_not_written(onnx, monkeypatch):
    from restore.deployment import onnx_file

    network = awake(DnCNN(depth=3, width=4))
    content, _ = exported(awake(DnCNN(depth=4, width=4)))
    monkeypatch.setattr(onnx_file, "_traced", lambda network, card: content)
    with pytest.raises(RequestError, match=r"its ONNX file differs from it by .* at most 1e-04 is allowed"):
        exported(network)


def test_what_has_no_form_is_refused_before_the_exporter_is_asked(onnx):
    for network in (CSF(stages=1), TNRD(stages=1)):
        with pytest.raises(RequestError, match="model=tried has no form in ONNX here: it"):
            exported(network.eval())


def test_what_is_no_file_of_ours_is_refused(onnx, tmp_path):
    import onnx as library

    from restore.deployment.onnx_network import OnnxNetwork

    content, _ = exported(awake(DnCNN(depth=2, width=2)))
    foreign = library.load_from_string(content)
    del foreign.metadata_props[:]
    for bad in (b"", b"text", content[: len(content) // 2], foreign.SerializeToString()):
        (tmp_path / "bad.onnx").write_bytes(bad)
        with pytest.raises(RequestError, match=r"bad\.onnx is no ONNX file of restore's that can be read"):
            OnnxNetwork(tmp_path / "bad.onnx")
    with pytest.raises(RequestError, match=r"restores images \(N, 1, H, W\)"):
        OnnxNetwork(content)(torch.rand(1, 3, 8, 8))


def test_a_card_is_read_as_it_was_written():
    scores = ({"metric": "psnr", "value": 1.0},)
    card = Card("m", "sr", 3, {"sigma": "value"}, (8, 2), (2, 3), weights="w", licence="none", scores=scores)
    assert Card.from_json(card.to_json()) == card
    for text in ("null", "{}", "[]", '{"model": 1}', "text"):
        with pytest.raises(ValueError, match=r".+"):
            Card.from_json(text)


def test_tiles_are_told_where_they_restore_as_the_whole_does():
    assert tiles_of(awake(DnCNN(depth=5, width=4)), 1, "dncnn") == (5, 1)
    assert tiles_of(awake(FullyConvolutional(depth=3, width=16, upsample_input=True)), 1, "fcn_valid") is None


def test_scores_are_rounded_as_files_have_them():
    row = {"dataset": "set12", "setting": "sigma=25", "protocol": "red", "metric": "psnr", "images": 12}
    assert mean_scores([row | {"value": 30.123456, "run": "x"}]) == [row | {"value": 30.1235}]

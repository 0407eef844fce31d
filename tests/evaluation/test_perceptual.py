"""Against torchmetrics' own networks, given random weights: nobody downloads torchvision's for a test."""

import hashlib
from types import SimpleNamespace

import pytest
import torch
import torchmetrics.functional.image.dists as their_dists
import torchmetrics.functional.image.lpips as their_lpips
from torch import nn

from restore.errors import RequestError
from restore.evaluation.metrics import Metric
from restore.evaluation.perceptual import ALEXNET, DISTS, LPIPS, VGG16

# as torchvision writes its models down: numbers are maps, M is a maximum over 2×2
ALEXNET_LAYERS = [
    *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU()),
    *(nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU()),
    *(nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2)),
]
VGG16_WIDTHS = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"]


def torchvision_vgg16() -> nn.Sequential:
    layers, below = [], 3
    for width in VGG16_WIDTHS:
        if width == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(below, width, 3, padding=1), nn.ReLU()]
            below = width
    return nn.Sequential(*layers)


@pytest.fixture(scope="module")
def features(tmp_path_factory) -> SimpleNamespace:
    """Both networks with random weights, and a folder with their files as torchvision's are."""
    torch.manual_seed(0)
    networks = {ALEXNET: nn.Sequential(*ALEXNET_LAYERS), VGG16: torchvision_vgg16()}
    folder = tmp_path_factory.mktemp("weights")
    for name, network in networks.items():
        for layer in (layer for layer in network if isinstance(layer, nn.Conv2d)):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.normal_(layer.bias, std=0.1)
        state = {f"features.{key}": value for key, value in network.state_dict().items()}
        torch.save(state | {"classifier.1.weight": torch.zeros(4, 4)}, folder / name)
    return SimpleNamespace(folder=folder, alexnet=networks[ALEXNET], vgg16=networks[VGG16])


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    clean = torch.rand(1, 3, 67, 80, generator=torch.Generator().manual_seed(1))
    return (clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))).clamp(0, 1), clean


def test_lpips_is_torchmetrics(features, pair, monkeypatch):
    monkeypatch.setattr(their_lpips, "_get_tv_model_features", lambda name, pretrained: features.alexnet)
    theirs = their_lpips._LPIPS(net="alex", pnet_rand=True)
    distance = LPIPS(features.folder)(*pair)
    torch.testing.assert_close(distance, theirs(*pair, normalize=True).squeeze())
    assert distance > 0
    assert LPIPS(features.folder)(pair[1], pair[1]).item() == 0


def test_dists_is_torchmetrics(features, pair, monkeypatch):
    monkeypatch.setattr(their_dists, "_TORCHVISION_AVAILABLE", True)
    monkeypatch.setattr(their_dists, "VGG16_Weights", SimpleNamespace(DEFAULT=None), raising=False)
    monkeypatch.setattr(their_dists, "vgg16", lambda weights: SimpleNamespace(features=features.vgg16), raising=False)
    theirs = their_dists.DISTSNetwork()
    distance = DISTS(features.folder)(*pair)
    torch.testing.assert_close(distance, theirs(*pair).clone().detach(), atol=2e-6, rtol=1e-5)
    assert distance > 0
    assert DISTS(features.folder)(pair[1], pair[1]).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("kind", "name"), [(LPIPS, ALEXNET), (DISTS, VGG16)])
def test_the_row_says_version_and_weights(features, pair, kind, name):
    metric = Metric("m", kind(features.folder), higher_is_better=False, channels=3, smallest=31)
    digest = hashlib.sha256((features.folder / name).read_bytes()).hexdigest()
    assert metric.label == f"m@0.1-{digest[:8]}"
    value = metric(*pair)
    with torch.autocast("cpu", torch.bfloat16):
        assert metric(*pair) == value, "not rounded by a trainer's precision"
    assert metric(pair[0][:, :1], pair[1][:, :1]) is None


@pytest.mark.parametrize(("kind", "name"), [(LPIPS, ALEXNET), (DISTS, VGG16)])
def test_without_the_weights_one_sentence(kind, name, features, tmp_path):
    with pytest.raises(RequestError, match=rf"needs {name} \(https://.*/{name}\) in .* and paths\.weights is not set"):
        kind(None)
    with pytest.raises(RequestError, match=rf"needs the file {tmp_path}/{name}, which is not there"):
        kind(tmp_path)
    (tmp_path / name).write_text("<html>not found</html>")
    with pytest.raises(RequestError, match="cannot be read as weights"):
        kind(tmp_path)
    torch.save({"features.0.weight": torch.zeros(4, 3, 3, 3), "features.0.bias": torch.zeros(4)}, tmp_path / name)
    with pytest.raises(RequestError, match=rf"is not torchvision's {name}: its layers are others"):
        kind(tmp_path)

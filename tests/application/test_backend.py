"""``restore.apply backend=onnx``: the same photos by onnxruntime, tiled, told and in colour as by torch."""

import logging

import numpy as np
import pytest
import torch

from conftest import photograph
from restore import apply, photos
from restore.application.network import TrainedNetwork, on_backend
from restore.application.restoration import Restorer, Settings
from restore.config.compose import compose
from restore.errors import RequestError
from restore.models.csf import CSF
from restore.models.dncnn import DnCNN
from restore.models.ffdnet import FFDNet
from restore.models.identity import Identity
from restore.models.vdsr import VDSR
from restore.photos import Photo


@pytest.fixture(autouse=True)
def extra():
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed: it is in the extra onnx")


def trained(network, *words) -> TrainedNetwork:
    torch.manual_seed(0)
    for parameter in network.parameters():
        if parameter.dim() == 4:
            torch.nn.init.normal_(parameter, std=0.7 * parameter[0].numel() ** -0.5)
    return TrainedNetwork(network.eval(), compose("evaluate", [*words]), "it")


def photo(height, width, channels) -> Photo:
    return Photo((photograph(height, width, channels) / 255).astype(np.float32), peak=1.0)


KINDS = {  # network, its words, the photo's channels, settings
    "gray": (lambda: DnCNN(depth=3, width=4), (), 1, {}),
    "by channels": (lambda: DnCNN(depth=3, width=4), ("task=denoise",), 3, {"colour": "channels"}),
    "through luma": (lambda: DnCNN(depth=3, width=4), ("task=denoise",), 3, {"colour": "luma"}),
    "gray through colour": (lambda: DnCNN(channels=3, depth=3, width=4), ("model=cdncnn_b",), 1, {}),
    "told sigma, self-ensemble": (
        lambda: FFDNet(depth=3, width=8),
        ("model=ffdnet",),
        1,
        {"conditions": {"sigma": 25.0}, "self_ensemble": True},
    ),
    "enlarged": (lambda: VDSR(depth=3, width=4), ("task=sr", "task.scale=3"), 3, {}),
}


@pytest.mark.parametrize("name", KINDS)
def test_onnxruntime_restores_what_torch_does(name, caplog):
    make, words, channels, settings = KINDS[name]
    source, network = photo(61, 47, channels), trained(make(), *words)
    caplog.set_level(logging.INFO)
    whole = Restorer(network, Settings(**settings)).restore(source, "by torch").levels
    restorer = Restorer(network, Settings(**settings, backend="onnx", tile=24))
    calls = restorer.trained.network.onnx.session.run
    counted = []
    restorer.trained.network.onnx.session = type(
        "Session", (), {"run": lambda self, *words: (counted.append(1), calls(*words))[1]}
    )()
    tiled = restorer.restore(source, "by onnxruntime").levels
    assert np.abs(tiled - whole).max() <= 2e-5
    assert len(counted) > 4, "onnxruntime computed the tiles"
    enlarged = whole if source.levels.shape == whole.shape else whole[::3, ::3]
    assert np.abs(enlarged - source.levels).max() > 0.01, "a network that returns its input would pass"


def test_its_memory_is_predicted_as_torchs_is(caplog):
    caplog.set_level(logging.INFO)
    network = trained(DnCNN(depth=3, width=16))
    for backend in ("torch", "onnx"):
        Restorer(network, Settings(backend=backend, memory=3e6)).restore(photo(300, 280, 1), "it")
    first, second = (line for line in caplog.messages if "in tiles of" in line)
    assert first == second


def test_the_command_and_a_folder_that_goes_on_by_the_other_backend(tmp_path, caplog):
    levels = photograph(40, 53, 3)
    (tmp_path / "in").mkdir()
    photos.write(Photo(levels), tmp_path / "in" / "a.png")
    words = [f"input={tmp_path / 'in'}", f"output={tmp_path / 'out'}"]
    caplog.set_level(logging.INFO)
    apply.main([*words, "backend=onnx"])
    by_onnx = photos.read(tmp_path / "out" / "a.png").levels
    apply.main(words)
    assert "done already" not in caplog.text
    by_torch = photos.read(tmp_path / "out" / "a.png").levels
    assert np.abs(by_onnx.astype(int) - by_torch).max() <= 1
    assert np.abs(by_torch.astype(int) - levels).max() > 5
    apply.main([f"input={tmp_path / 'in'}", f"output={tmp_path / 'trial'}", "backend=onnx", "degrade=true", "sigma=25"])
    assert (tmp_path / "trial" / "scores.csv").is_file()


def test_what_onnx_has_no_form_for_is_refused():
    with pytest.raises(RequestError, match="model=csf has no form in ONNX here"):
        on_backend(trained(CSF(stages=1), "model=csf"), "onnx")
    with pytest.raises(RequestError, match="backend=onnx computes a network's layers, and it has none"):
        on_backend(trained(Identity()), "onnx")

"""Methods beside a network: classical ones, and networks with their authors' weights at the strengths they are for."""

import hashlib
from dataclasses import replace

import pytest
import torch

from matlab_files import layers_of, write_matlab5
from restore import released
from restore.config.compose import compose
from restore.config.experiment import Experiment
from restore.errors import RequestError
from restore.models.dncnn import DnCNN

CPU = torch.device("cpu")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A list of two files of DnCNN-S, of which the one for sigma 50 is not here."""
    torch.manual_seed(3)
    write_matlab5(tmp_path / "DnCNN_S_sigma25.mat", layers_of(DnCNN()))
    content = (tmp_path / "DnCNN_S_sigma25.mat").read_bytes()
    here = replace(
        released.find("dncnn_s_25"), sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), git_blob=""
    )
    monkeypatch.setattr(released, "released", lambda: (here, released.Released(**vars(ABSENT))))
    return tmp_path


ABSENT = released.find("dncnn_s_50")


def build(files, *words: str) -> Experiment:
    return Experiment.build(compose("evaluate", [f"paths.weights={files}", *words]))


def test_the_file_for_the_strength_that_is_tested(files):
    experiment = build(files, "task.sigma=25", "baselines=[dncnn_s,wavelet]")
    method, classical = experiment.baselines
    (setting,) = experiment.settings
    network = method.network_of(setting, CPU)
    assert network is method.network_of(setting, CPU), "read once"
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    torch.manual_seed(3)
    expected = DnCNN().eval()
    image = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(image), expected(image), atol=1e-5, rtol=0)
    assert classical.network_of(setting, CPU).name == "wavelet"


def test_a_strength_without_a_file_is_left_out_by_name_and_never_replaced(files, caplog):
    caplog.set_level("INFO", "restore")
    experiment = build(files, "+task.test_sigma=[25,30]", "task=denoise_blind", "baselines=[dncnn_s]")
    assert "dncnn_s is not for sigma=30, and left out there" in caplog.text
    (method,) = experiment.baselines
    assert [bool(method.network_of(setting, CPU)) for setting in experiment.settings] == [True, False]
    with pytest.raises(
        RequestError, match=r"baselines=dncnn_s has no file for sigma=30: there are sigma=25 .*sigma=50"
    ):
        build(files, "task.sigma=30", "baselines=[dncnn_s]")
    with pytest.raises(RequestError, match="baselines=dncnn_s has no file for sigma=25"):
        build(files, "task.sigma=25", "task.channels=3", "baselines=[dncnn_s]")


def test_what_is_typed_has_to_be_here_and_what_an_experiment_names_is_left_out(files, caplog):
    with pytest.raises(RequestError, match=r"dncnn_s_50: no DnCNN_S_sigma50\.mat in"):
        build(files, "task.sigma=50", "baselines=[dncnn_s]")
    config = compose("evaluate", [f"paths.weights={files}", "task=denoise_blind", "task.test_sigma=[25,50]"])
    config.baselines = ["dncnn_s", "bilateral"]
    (method, classical) = Experiment.build(config).baselines
    assert "left out    dncnn_s_50: no DnCNN_S_sigma50.mat" in caplog.text
    assert (list(method.files), classical.name) == (["sigma=25"], "bilateral")
    config.paths.weights = None
    assert [each.name for each in Experiment.build(config).baselines] == ["bilateral"]
    config.baselines = ["dncn_s"]
    with pytest.raises(RequestError, match="unknown baselines 'dncn_s': did you mean 'dncnn_s'"):
        Experiment.build(config)


def test_another_file_of_the_same_name_is_refused(files):
    with (files / "DnCNN_S_sigma25.mat").open("ab") as file:
        file.write(b"more")
    with pytest.raises(RequestError, match="is not dncnn_s_25 as cszn/DnCNN has it"):
        build(files, "task.sigma=25", "baselines=[dncnn_s]")

"""What a configuration stands for, and what is refused before anything is read or trained."""

import pytest
import torch
from torch import nn

from conftest import read_rows
from restore.conditions import told
from restore.config.compose import compose
from restore.config.experiment import Experiment, check_told
from restore.data.datasets import Images
from restore.errors import RequestError
from restore.evaluation.score import sort_scores
from restore.results.rows import RunMetadata


def test_it_is_built_once_with_all_its_parts():
    experiment = Experiment.build(compose("config", ["task=denoise_blind", "model=red10", "baselines=[bilateral]"]))
    assert [setting.name for setting in experiment.settings] == ["sigma=15", "sigma=25", "sigma=50"]
    assert [protocol.name for protocol in experiment.protocols] == ["dncnn"]
    assert [metric.name for metric in experiment.metrics] == ["psnr", "ssim"]
    assert [baseline.name for baseline in experiment.baselines] == ["bilateral"]
    assert experiment.trainable
    assert experiment.data is experiment.data
    assert not Experiment.build(compose("evaluate", [])).trainable


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["task=general", "model=ffdnet"], "model=ffdnet is told sigma, and of scale=2 only scale is known"),
        (["task=motion_blur", "model=fdncnn"], "model=fdncnn is told sigma, and of motion blur nothing is known"),
        (["task=denoise", "baselines=[bicubic]"], "baselines=bicubic is not for sigma=25; for it there is non_local"),
        (["task.sigma=-1"], "task.sigma must be at least 0, and it is -1"),
        (["task=deblur", "task.noise=-2"], "task.noise must be at least 0, and it is -2"),
    ],
)
def test_what_does_not_fit_is_refused(words, sentence):
    with pytest.raises(RequestError, match=sentence):
        Experiment.build(compose("config", words))


def test_a_baseline_is_applied_to_the_settings_of_a_mixed_task_that_it_is_for(caplog):
    caplog.set_level("INFO", "restore")
    words = ["task=general", "baselines=[bicubic,bilateral]", "task.sigma=25"]
    experiment = Experiment.build(compose("evaluate", words))
    assert "bicubic is not for sigma=15, sigma=25, sigma=50, quality=10, quality=20" in caplog.text
    for baseline, settings in zip(
        experiment.baselines, (["scale=2", "scale=3", "scale=4"], ["sigma=15", "sigma=25", "sigma=50"]), strict=True
    ):
        tried = [setting.name for setting in experiment.settings if baseline.network_of(setting, torch.device("cpu"))]
        assert tried == settings


def test_a_network_of_ones_own_is_checked_alike():
    class Told(nn.Module):
        conditions = ("quality",)

    settings = Experiment.build(compose("evaluate", ["task=jpeg"])).settings
    check_told(Told(), settings, "mine")
    with pytest.raises(RequestError, match="model=mine is told quality, and of sigma=25 only sigma is known"):
        check_told(Told(), Experiment.build(compose("evaluate", [])).settings, "mine")


def test_rows_of_the_network_and_of_the_baselines(tmp_path):
    experiment = Experiment.build(compose("evaluate", ["baselines=[bilateral]", "task.sigma=30"]))
    images = list(torch.randint(0, 256, (2, 1, 24, 20), dtype=torch.uint8))
    tests = [Images("mine", ["a", "b"], images)]
    scores = experiment.score(experiment.network, tests, "32", torch.device("cpu"))
    assert len(scores) == 2 * 2
    place = {"run": "r", "experiment": "e", "task": "denoise", "model": "identity", "seed": 0, "budget": "cpu"}
    metadata = RunMetadata(**place, patches=0, precision="32", device="cpu")
    scores = sort_scores(scores, ["mine"])
    kept = []
    file = tmp_path / "results.csv"
    experiment.record(scores, metadata, tests, {"mine": {"a": "t3"}}, file, lambda *method: kept.append(method))
    assert [(method, restoration.scores[0].image) for method, restoration in kept] == [
        ("bilateral", "a"),
        ("bilateral", "b"),
    ]
    rows = read_rows(tmp_path / "results.csv")
    assert [(row["model"], row["method_kind"], row["image"], row["overlap"]) for row in rows] == [
        ("bilateral", "classical", "a", "t3"),
        ("bilateral", "classical", "b", "none"),
        ("identity", "network", "a", "t3"),
        ("identity", "network", "b", "none"),
    ]
    assert rows[0]["fingerprint"] == rows[2]["fingerprint"] != rows[1]["fingerprint"]
    assert told(experiment.baselines[0].baseline) == ("sigma",)

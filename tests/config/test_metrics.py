"""Metrics as configuration: a metric is one YAML."""

from pathlib import Path

import pytest
import torch

from restore.config.build import build_protocols, build_settings
from restore.config.compose import compose
from restore.config.metrics import build_metrics, register_metrics, register_metrics_of
from restore.data.datasets import WholeImage
from restore.errors import RequestError
from restore.evaluation.metrics import ms_ssim, mse, psnr, psnr_y, psnrb, ssim, ssim_reflect, vif
from restore.evaluation.score import score_image
from restore.models.identity import Identity
from restore.results import quantities
from restore.results.quantities import Quantity, quantity
from restore.runfolder import RunFolder

METRICS = Path(__file__).parents[2] / "conf" / "metric"
SHIPPED = sorted(file.stem for file in METRICS.glob("*.yaml"))
WEIGHTLESS = ["psnr", "ssim", "mse", "psnr_y", "ssim_reflect", "ms_ssim", "psnrb", "vif"]
MAE = """\
# @package metrics.mae
_target_: restore.evaluation.metrics.Metric
function: {_target_: torchmetrics.functional.mean_absolute_error, _partial_: true}
higher_is_better: false
data_range: 255
unit: levels
digits: 3
"""


@pytest.fixture(autouse=True)
def registry(monkeypatch) -> None:
    """Each test begins with what the tables are born with."""
    monkeypatch.setattr(quantities, "_KNOWN", dict(quantities._KNOWN))


def test_every_metric_builds_in_the_order_of_the_words():
    metrics = build_metrics(compose("config", [f"metric=[{','.join(reversed(WEIGHTLESS))}]"]))
    assert [metric.name for metric in metrics] == WEIGHTLESS[::-1]
    functions = {metric.name: metric.function.func for metric in metrics}
    expected = [psnr, ssim, mse, psnr_y, ssim_reflect, ms_ssim, psnrb, vif]
    assert functions == dict(zip(WEIGHTLESS, expected, strict=True))
    assert sorted([*WEIGHTLESS, "lpips", "dists"]) == SHIPPED


def test_where_each_one_is_defined():
    """At its smallest image it has a value, below it none, and neither has an error."""
    metrics = build_metrics(compose("config", [f"metric=[{','.join(WEIGHTLESS)}]"]))
    for metric in metrics:
        image = torch.rand(1, metric.channels or 3, 200, metric.smallest, generator=torch.Generator().manual_seed(0))
        assert metric(image, image, "jpeg") is not None, metric.name
        assert metric(image[..., 1:], image[..., 1:], "jpeg") is None or metric.smallest == 1
    gray = torch.rand(1, 1, 176, 176, generator=torch.Generator().manual_seed(0))
    assert {metric.name for metric in metrics if metric(gray, gray, "jpeg") is not None} == {*WEIGHTLESS} - {"psnr_y"}
    assert {metric.name for metric in metrics if metric(gray, gray, "noise") is None} == {"psnr_y", "psnrb"}


@pytest.mark.parametrize("command", ["config", "evaluate"])
def test_psnr_and_ssim_unless_others_are_named(command):
    assert [metric.label for metric in build_metrics(compose(command, []))] == ["psnr", "ssim"]
    assert [metric.name for metric in build_metrics(compose(command, ["metric=[ssim]"]))] == ["ssim"]
    assert build_metrics(compose(command, ["metrics.psnr.digits=3"]))[0].digits == 3


@pytest.mark.parametrize("name", SHIPPED)
def test_the_tables_know_what_the_files_say(name):
    """A stored row alone can be tabulated: the registry is born with what ``conf/metric`` says."""
    known = quantity(name)
    register_metrics(compose("config", [f"metric=[{name}]"]))
    assert quantity(name) == known


def test_what_is_answered_by_a_sentence():
    with pytest.raises(RequestError, match=r"metric=\[\] names no metric"):
        build_metrics(compose("config", ["metric=[]"]))
    for name, file in (("lpips", "alexnet-owt-7be5be79.pth"), ("dists", "vgg16-397923af.pth")):
        with pytest.raises(RequestError, match=rf"metric={name} needs {file} .* paths\.weights is not set"):
            build_metrics(compose("config", [f"metric=[{name}]", "paths.weights=null"]))
    with pytest.raises(RequestError, match=r"metrics\.psnr\.data_range must be at least 0\.001, and it is 0"):
        build_metrics(compose("config", ["metrics.psnr.data_range=0"]))
    with pytest.raises(RequestError, match=r"metrics\.psnr\._target_ must be restore\.evaluation\.metrics\.Metric"):
        build_metrics(compose("config", ["metrics.psnr._target_=builtins.dict"]))
    with pytest.raises(RequestError, match="metric"):
        compose("config", ["metric=[psnr,psrn]"])


@pytest.fixture
def own_metric(tmp_path) -> str:
    """A folder of a person's own with one YAML in it."""
    folder = tmp_path / "mine" / "metric"
    folder.mkdir(parents=True)
    (folder / "mae.yaml").write_text(MAE)
    return str(folder.parent)


def test_a_metric_is_added_by_one_yaml(own_metric):
    words = ["metric=[psnr,mae]", "task=denoise", "task.sigma=25", f"hydra.searchpath=['file://{own_metric}']"]
    config = compose("evaluate", words)
    metrics = build_metrics(config)
    levels = torch.randint(0, 256, (1, 1, 40, 36), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    protocol, setting = build_protocols(config)[0], build_settings(config.task)[0]
    restoration = score_image(Identity(), WholeImage("set", "a", 0, levels), protocol, setting, metrics)
    scores = {score.metric: score for score in restoration.scores}
    assert list(scores) == ["psnr", "mae"]
    expected = 255 * (restoration.restored - restoration.pair.clean).abs().mean().item()
    assert scores["mae"].value == pytest.approx(expected, rel=1e-5)
    assert 10 < expected < 25
    assert quantity("mae") == Quantity("mae", "levels", 3, higher_is_better=False)


def test_a_file_that_does_not_say_where_it_belongs(own_metric):
    file = Path(own_metric) / "metric" / "mae.yaml"
    file.write_text("\n".join(file.read_text().splitlines()[1:]))
    words = [f"hydra.searchpath=['file://{own_metric}']", "metric=[psnr,mae]"]
    with pytest.raises(RequestError, match="a metric's file begins with '# @package metrics"):
        build_metrics(compose("config", words))


def test_and_it_leads_a_run(own_metric, command, tiny, tmp_path):
    """Validated, logged, kept by, stored, tabulated and drawn, and lower is better."""
    words = [word for word in tiny if not word.startswith("trainer.validations")]
    answer = command("run", "--config-dir", own_metric, *words, "metric=[mae,ssim]", "trainer.validations=3")
    assert answer.code == 0, answer.err
    folder = next((tmp_path / "runs").glob("*/*"))
    header, *lines = (folder / "history.csv").read_text().splitlines()
    columns = header.split(",")
    assert [column for column in columns if column.startswith("val/")] == ["val/mae", "val/ssim"]
    values = [float(line.split(",")[columns.index("val/mae")]) for line in lines]
    assert f"val MAE {min(values):.3f}" in answer.out or f"val {min(values):.3f} levels" in answer.out
    assert (folder / "mae.png").is_file()
    assert "restored MAE / SSIM" in answer.out
    rows = (folder / "results.csv").read_text()
    assert ",mae," in rows
    assert ",psnr," not in rows
    quantities._KNOWN.pop("mae")  # as in a process of its own, such as a sweep's
    register_metrics_of(RunFolder(folder))
    assert quantity("mae") == Quantity("mae", "levels", 3, higher_is_better=False)

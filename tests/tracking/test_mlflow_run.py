"""MLflow's local store: the numbers of a run, under its name, and one run after a resume."""

import pytest

from restore.config.compose import compose
from restore.config.tracking import build_logger
from restore.errors import RequestError
from restore.runfolder import RunFolder
from restore.tracking.mlflow_run import TAG, allowed

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, of its dependencies


def test_names_that_mlflow_takes():
    assert allowed("test/set12/sigma=25/dncnn×8+border=0/psnr") == "test/set12/sigma_25/dncnn_8_border_0/psnr"
    assert allowed("val/psnr") == "val/psnr"


def test_without_mlflow_a_sentence_says_how_to_get_it(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(RequestError, match=r"logger=mlflow needs MLflow: pip install -e '.\[mlflow\]'"):
        build_logger(compose("config", ["logger=mlflow", f"paths.runs={tmp_path}"]), RunFolder(tmp_path / "run"))


@pytest.mark.slow
def test_the_same_numbers_reach_one_run_that_is_gone_on_with(command, tiny, tmp_path):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    words = [word for word in tiny if word != "logger=none"]
    answer = command("run", *words, "logger=mlflow", "trainer.log_every_n_steps=1")
    assert answer.code == 0, answer.err
    folder = next((tmp_path / "runs" / "denoise_red10").iterdir())
    assert command("run", f"resume={folder}", "trainer.max_steps=9").code == 0
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("denoise_red10").experiment_id])
    assert run.info.run_name == f"denoise_red10/{folder.name}"
    assert run.info.status == "FINISHED"
    assert run.data.tags[TAG] == RunFolder(folder).identity
    assert run.data.params["model/width"] == "8"
    assert {"train/gradient_norm", "network/parameters", "objective"} <= set(run.data.metrics)
    assert "test/test/sigma_25/dncnn/psnr" in run.data.metrics
    steps = [point.step for point in client.get_metric_history(run.info.run_id, "train/loss")]
    assert steps == list(range(1, 10)), "each step once"

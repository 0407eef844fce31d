import torch

from restore.evaluation.score import Score
from restore.results import store
from restore.results.rows import RunMetadata, result_rows

METADATA = RunMetadata(
    "name/date", "name", "denoise", "red20", seed=1, budget="cpu", patches=320, precision="bf16-mixed", device="cuda",
    checkpoint_sha256="abc",
)  # fmt: skip


def score(image: str, metric: str = "psnr") -> Score:
    return Score("dncnn", "set12", "sigma=25", "noise", image, 3, 1, "+0.1 +0.2", metric, 29.5, 20.0)


def test_rows_are_complete(tmp_path):
    first, second = result_rows([score("01"), score("02", "ssim")], METADATA, {"set12": {"02": "train 7"}})
    assert tuple(sorted(first)) == tuple(sorted(store.COLUMNS))
    assert (first["overlap"], second["overlap"]) == ("none", "train 7")
    assert (first["metric"], first["value"], first["value_input"]) == ("psnr", 29.5, 20.0)
    assert (first["method_kind"], first["device"], first["torch"]) == ("network", "cuda", torch.__version__)
    assert first["fingerprint"] == "+0.1 +0.2"
    store.append(tmp_path / "results.csv", [first, second])
    assert [row["image"] for row in store.read(tmp_path / "results.csv")] == ["01", "02"]


def test_training_images_that_are_not_known():
    assert result_rows([score("01")], METADATA, None)[0]["overlap"] == "unknown"


def test_a_baseline_is_no_network():
    row = result_rows([score("01")], METADATA.of_baseline("wavelet"), None)[0]
    assert (row["model"], row["method_kind"], row["checkpoint_sha256"]) == ("wavelet", "classical", "")
    assert (row["device"], row["precision"], row["run"]) == ("cpu", "32", "name/date")

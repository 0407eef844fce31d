from math import isnan

from PIL import Image

from restore.results.curves import Curve, draw_curves, metric_over_training, read_history, validated_metrics

HISTORY = "step,patches,seconds,val/lpips,val/psnr\n1,16,1.0,0.5,20\n2,32,2.0,0.4,\n"


def test_any_validated_metric_is_a_column(tmp_path):
    history = tmp_path / "history.csv"
    assert validated_metrics(history) == []
    history.write_text(HISTORY)
    assert validated_metrics(history) == ["lpips", "psnr"], "the first one chose the best checkpoint"
    assert read_history(history)["val/lpips"] == [0.5, 0.4]
    assert isnan(read_history(history)["val/psnr"][1])
    history.write_text(HISTORY.splitlines(True)[0])
    assert validated_metrics(history) == []


def test_one_run(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    metric_over_training(tmp_path / "history.csv", "lpips", "a title", tmp_path / "lpips.png", {"input": 0.6})
    with Image.open(tmp_path / "lpips.png") as image:
        assert image.size[0] > 500


def test_the_jobs_of_a_sweep(tmp_path):
    jobs = [tmp_path / f"model.width=8,seed={seed}" for seed in (0, 1)]
    for job in jobs:
        job.mkdir()
        (job / "history.csv").write_text(HISTORY)
    curves = [Curve.read(job, "val/lpips") for job in jobs]
    assert curves[1] == Curve("model.width=8", (16.0, 32.0), (0.5, 0.4))
    assert Curve.read(jobs[0], "ssim") is None
    draw_curves(curves, "lpips", "a title", tmp_path / "lpips.png")
    assert (tmp_path / "lpips.png").stat().st_size > 5000

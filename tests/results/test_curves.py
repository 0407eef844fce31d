from PIL import Image

from restore.results.curves import (
    Axis,
    Curve,
    draw_curves,
    draw_history,
    metric_over_training,
    validated_metrics,
)
from restore.results.histories import read_history

HISTORY = "step,patches,seconds,val/lpips,val/psnr\n1,16,1.0,0.5,20\n2,32,2.0,0.4,\n"


def test_any_validated_metric_is_a_column(tmp_path):
    history = tmp_path / "history.csv"
    assert validated_metrics(history) == []
    history.write_text(HISTORY)
    assert validated_metrics(history) == ["lpips", "psnr"], "the first one chose the best checkpoint"
    history.write_text(HISTORY.splitlines(True)[0])
    assert validated_metrics(history) == []


def test_one_run(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    metric_over_training(tmp_path / "history.csv", "lpips", "a title", tmp_path / "lpips.png", {"input": 0.6})
    with Image.open(tmp_path / "lpips.png") as image:
        assert image.size[0] > 500


def test_the_jobs_of_a_sweep(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    history = read_history(tmp_path / "history.csv")
    curves = [Curve.of(f"model.width=8,seed={seed}", history, "val/lpips") for seed in (0, 1)]
    assert curves[1] == Curve("model.width=8", (16.0, 32.0), (0.5, 0.4))
    assert Curve.of("seed=0", history, "ssim") is None
    draw_curves(curves, "val/lpips", "a title", tmp_path / "lpips.png")
    assert (tmp_path / "lpips.png").stat().st_size > 5000


def test_loss_and_gradients_are_drawn_of_the_jobs_that_have_them(tmp_path):
    texts = {
        "model=red20,seed=0": "patches,seconds,train/loss,val/psnr,gradient/first\n16,1,0.1,20,\n32,2,0.01,21,0.5\n",
        "model=red20,seed=1": "patches,seconds,train/loss,val/psnr\n64,1,0.2,20\n96,2,0.02,nan\n",  # begins later
        "model=red10,seed=0": "patches,seconds,val/psnr\n16,1,20\n32,2,21\n",
    }
    histories = {}
    for run, text in texts.items():
        (tmp_path / "history.csv").write_text(text)
        histories[run] = read_history(tmp_path / "history.csv")
    curves = [Curve.of(run, history, "gradient/first") for run, history in histories.items()]
    assert curves[:2] == [Curve("model=red20", (32.0,), (0.5,)), None]
    assert Curve.of("seed=0", {}, "train/loss") is None
    names = [file.name for file in draw_history(histories, "psnr", "a title", tmp_path)]
    assert names == ["psnr.png", "training_loss.png", "gradient_norms.png"]
    last = dict([list(histories.items())[-1]])
    assert [file.name for file in draw_history(last, "psnr", "a title", tmp_path)] == ["psnr.png"]


def test_losses_and_gradients_span_decades():
    assert Axis.of("train/loss").logarithmic
    assert Axis.of("gradient/first").logarithmic
    assert not Axis.of("val/psnr").logarithmic
    assert Axis.of("val/psnr").label == "validation PSNR / dB"
    assert [Axis.of(column).text(0.01234) for column in ("train/loss", "gradient/first")] == ["0.0123", "0.012"]

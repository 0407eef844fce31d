"""What a person sees while a network trains."""

import logging
import sys
from types import SimpleNamespace

import pytest

from conftest import Clock
from restore.training.budget import Budget
from restore.training.progress import TrainingProgress


@pytest.fixture
def now(monkeypatch) -> Clock:
    now = Clock()
    monkeypatch.setattr("restore.training.progress.time", now)
    return now


@pytest.fixture
def trainer():
    return SimpleNamespace(global_step=0, callback_metrics={})


def progress(budget: Budget, **options) -> TrainingProgress:
    throughput = SimpleNamespace(average=SimpleNamespace(patches_per_second=64.0))
    return TrainingProgress(budget, throughput, **options)


def train(shown: TrainingProgress, trainer, now: Clock, steps: int, caplog) -> list[str]:
    caplog.set_level(logging.INFO, "restore.training.progress")
    shown.on_train_start(trainer, None)
    for _ in range(steps):
        now.now += 1.0
        trainer.global_step += 1
        shown.on_train_batch_end(trainer, None, None, None, 0)
    shown.on_train_end(trainer, None)
    return [record.message for record in caplog.records]


def test_lines_now_and_then_and_first_how_long_it_takes(now, trainer, caplog):
    trainer.callback_metrics = {"train/loss": 0.01234, "val/psnr": 29.876}
    lines = train(progress(Budget(100)), trainer, now, 65, caplog)
    assert lines == [
        "expected    100 steps in 1:40 at 64 patches/s",
        "step 36/100  64 patches/s  loss 0.0123  val psnr 29.88 dB  1:04 left",
    ]


def test_the_metric_that_monitors_is_shown_in_its_unit(now, trainer, caplog):
    trainer.callback_metrics = {"val/lpips": 0.12345, "val/psnr": 20.0}
    shown = progress(Budget(100), monitor="val/lpips", unit="", digits=4, interval=5.0)
    assert "  val lpips 0.1235  " in train(shown, trainer, now, 12, caplog)[-1]


def test_the_time_limit_is_the_time_left(now, trainer, caplog, monkeypatch):
    budget = Budget(10_000, max_time=60)
    monkeypatch.setattr(Budget, "elapsed", property(lambda self: now.now))
    lines = train(progress(budget, interval=20.0), trainer, now, 26, caplog)
    assert lines[-1].endswith("0:34 left")


def test_disabled_it_is_silent(now, trainer, caplog):
    shown = progress(Budget(100))
    shown.disable()
    assert train(shown, trainer, now, 65, caplog) == []


def test_on_a_terminal_there_is_a_bar_until_training_ends(now, trainer, monkeypatch, caplog):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    shown = progress(Budget(100))
    shown.on_train_start(trainer, None)
    now.now, trainer.global_step = 10.0, 25
    shown.on_train_batch_end(trainer, None, None, None, 0)
    (task,) = shown.bar.tasks
    assert task.completed == pytest.approx(0.25)
    assert task.description.startswith("step 25/100")
    shown.on_exception(trainer, None, ValueError())
    assert shown.bar is None

"""Pace of training alone: what is counted, and what is left out."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from conftest import Clock
from restore.training.throughput import Throughput


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("restore.training.throughput.time", clock)
    return clock


@pytest.fixture
def trainer():
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    return SimpleNamespace(world_size=2, global_step=0, strategy=strategy)


@pytest.fixture
def module():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.25)
    return SimpleNamespace(optimizers=lambda use_pl_optimizer: optimizer)


def steps(throughput: Throughput, trainer, module, clock: Clock, count: int, seconds: float) -> None:
    for _ in range(count):
        clock.now += seconds
        trainer.global_step += 1
        throughput.on_train_batch_end(trainer, module, None, None, 0)


def test_a_pace_counts_six_flops_a_mac():
    pace = Throughput(macs_per_patch=1000, batch_size=8, peak=48_000.0).pace(steps=10, seconds=2.0)
    assert pace.patches_per_second == 40
    assert pace.flops == 240_000
    assert pace.share_of_peak == 5


def test_the_first_steps_and_validations_are_left_out(clock, trainer, module):
    throughput = Throughput(1000, 8, 1e6)
    throughput.on_train_start(trainer, module)
    steps(throughput, trainer, module, clock, 3, 100.0)
    steps(throughput, trainer, module, clock, 4, 0.5)
    clock.now += 50.0
    throughput.on_validation_start(trainer, module)
    throughput.on_validation_end(trainer, module)
    steps(throughput, trainer, module, clock, 4, 0.5)
    assert throughput.steps == 8
    assert throughput.seconds == pytest.approx(4)
    assert throughput.average.patches_per_second == pytest.approx(16)
    assert throughput.average.share_of_peak == pytest.approx(6 * 1000 * 16 / (2 * 1e6)), "of both devices' peaks"


def test_each_window_is_by_itself(clock, trainer, module):
    throughput = Throughput(1000, 8, 1e6)
    throughput.on_train_start(trainer, module)
    steps(throughput, trainer, module, clock, 3, 0.5)
    assert throughput.window() is None, "the first steps do not count"
    steps(throughput, trainer, module, clock, 2, 0.5)
    one = throughput.window()
    steps(throughput, trainer, module, clock, 5, 0.25)
    two = throughput.window()
    assert one.patches_per_second == pytest.approx(16)
    assert two.patches_per_second == pytest.approx(32)
    assert two.flops == pytest.approx(32 * 6000)
    assert throughput.window() is None


def test_nothing_was_trained():
    assert Throughput(1000, 8, 1e6).average.patches_per_second == 0

"""What belongs to a step reaches the loggers together, under that step."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from restore.training.step_log import StepLog
from restore.training.throughput import Pace


class Log:
    def __init__(self):
        self.values: list[tuple[int, dict]] = []

    def log_metrics(self, values: dict, step: int) -> None:
        self.values.append((step, values))


def test_loss_rate_norm_and_pace_share_a_row():
    log, network = Log(), nn.Linear(2, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.25)
    paces = iter([None, Pace(16.0, 2e9, 0.5)])
    trainer = SimpleNamespace(global_step=0, log_every_n_steps=5, loggers=[log])
    module = SimpleNamespace(network=network, optimizers=lambda use_pl_optimizer: optimizer)
    callback = StepLog(SimpleNamespace(window=lambda: next(paces)))
    for step in range(1, 12):
        network.weight.grad, network.bias.grad = torch.full((1, 2), 2.0 * step), torch.full((1,), 1.0 * step)
        callback.on_before_optimizer_step(trainer, module, optimizer)
        trainer.global_step = step
        callback.on_train_batch_end(trainer, module, {"loss": torch.tensor(1.0 / step)}, None, step - 1)
    (first, one), (second, two) = log.values
    assert (first, second) == (5, 10)
    assert set(one) == {"train/loss", "train/lr", "train/gradient_norm"}, "no pace is known yet"
    assert one["train/loss"] == pytest.approx(0.2)
    assert one["train/gradient_norm"] == pytest.approx(15), "of that very step: (4 + 4 + 1)^(1/2) · 5"
    assert two["train/lr"] == 0.25
    assert two["speed/gflops"] == 2
    assert two["speed/share_of_peak"] == 0.5


def test_without_a_logger_nothing_is_computed():
    trainer = SimpleNamespace(global_step=4, log_every_n_steps=5, loggers=[])
    callback = StepLog(SimpleNamespace(window=lambda: None))
    callback.on_before_optimizer_step(trainer, None, None)
    trainer.global_step = 5
    callback.on_train_batch_end(trainer, None, None, None, 0)
    assert callback.norm is None

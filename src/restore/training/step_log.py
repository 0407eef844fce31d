"""What the loggers hear of a training step: everything at once, under one step."""

from __future__ import annotations

from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.nn.utils import get_total_norm

from restore.training.throughput import Throughput


class StepLog(Callback):
    """Sends the loss, the learning rate, the gradient's norm and the pace of every n-th step together.

    ``train/loss`` is of this device's patches of that step alone; ``train/gradient_norm`` is the 2-norm of the
    gradient of all weights, over all patches of the step and all devices, before anything is clipped. They share a
    row, whose step is the number of steps that have been taken, as in ``history.csv``. Between those steps nothing is
    computed and nothing is read from the device.

    Args:
        throughput: measures the pace; it stands before this callback.
    """

    def __init__(self, throughput: Throughput):
        self.throughput = throughput
        self.norm: Tensor | None = None  # of the step at hand, on the device

    def on_before_optimizer_step(
        self, trainer: Trainer, module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        # here gradients are the mean over ranks, free of a half-precision loss's scale, and not yet clipped
        if trainer.loggers and (trainer.global_step + 1) % trainer.log_every_n_steps == 0:
            self.norm = get_total_norm([p.grad for p in module.network.parameters() if p.grad is not None])

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_step % trainer.log_every_n_steps:
            return
        pace = self.throughput.window()
        if not trainer.loggers:
            return
        rate = module.optimizers(use_pl_optimizer=False).param_groups[0]["lr"]
        values = {"train/loss": float(outputs["loss"].detach()), "train/lr": rate}
        if self.norm is not None:
            values["train/gradient_norm"] = float(self.norm)
        if pace is not None:
            values |= {"speed/patches_per_s": pace.patches_per_second, "speed/gflops": pace.flops / 1e9}
            values["speed/share_of_peak"] = pace.share_of_peak
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)

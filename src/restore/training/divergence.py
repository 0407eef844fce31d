"""Training that goes wrong is seen at the next validation, before anything of it is kept."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from restore.runfolder import RunFolder
from restore.training.history import History

LARGER = 10.0  # than the lowest mean loss of before: so large a one no longer comes from which patches were drawn
STEPS = 20  # of a mean, at least, where it is compared
SMALLER = 0.1  # times the learning rate, each time that training goes back


class Diverged(Exception):
    """The loss or the weights are of no use any more; the message says which, at what step and at what learning rate."""


class Divergence(Callback):
    """Stops training whose weights are not finite, or whose mean loss is not, or is ten times the lowest of before.

    The mean is that of `History`, over the steps since the validation before and all devices; it is compared where both
    are of 20 steps or more. Its place is behind `History` and before the checkpoints, which then keep what was good.

    Args:
        history: sums up the loss.
        goes_back: whether training is to go back: a first checkpoint is then kept before the first step, too.
        folder: of the run.

    Attributes:
        rate: times the learning rate: a tenth for each time that training went back.
        times: that it went back.
    """

    def __init__(self, history: History, goes_back: bool, folder: RunFolder):
        self.history, self.goes_back, self.folder = history, goes_back, folder
        self.rate, self.times = 1.0, 0
        self.lowest = math.inf

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        module.rate = self.rate
        if self.goes_back and trainer.global_step == 0:
            trainer.save_checkpoint(self.folder.last)

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        mean, steps = self.history.mean, self.history.mean_steps
        if trainer.sanity_checking or mean is None:
            return
        if reason := self._reason(mean, steps, module):
            rates = sorted({group["lr"] for group in trainer.optimizers[0].param_groups}, reverse=True)
            rate = " and ".join(f"{each:.3g}" for each in rates)
            raise Diverged(f"training diverged by step {trainer.global_step}, at learning rate {rate}: {reason}")
        if steps >= STEPS:
            self.lowest = min(self.lowest, mean)

    def _reason(self, mean: float, steps: int, module: LightningModule) -> str:
        if not math.isfinite(mean):
            return f"the loss is {mean}"
        if not all(torch.isfinite(parameter).all() for parameter in module.parameters()):
            return "weights are not finite"
        if steps >= STEPS and mean > LARGER * self.lowest:
            return f"the mean loss over {steps} steps is {mean:.3g}, and the lowest before was {self.lowest:.3g}"
        return ""

    def shrink_rate(self) -> None:
        """Go on with a tenth of the learning rate."""
        self.rate, self.times = self.rate * SMALLER, self.times + 1

    # -- resuming ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {"rate": self.rate, "times": self.times, "lowest": self.lowest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rate, self.times = min(self.rate, state["rate"]), max(self.times, state["times"])
        self.lowest = state["lowest"]

"""Patches per second, FLOP per second and the share of this machine's matrix peak, while training."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from lightning import Callback, LightningModule, Trainer


@dataclass(frozen=True)
class Pace:
    """Throughput over some steps, all devices together."""

    patches_per_second: float
    flops: float
    share_of_peak: float


class Throughput(Callback):
    """Measures training alone: the time of validation, checkpoints and the first steps is left out.

    A step counts ``6 · MACs`` FLOPs per patch: two per MAC, and backward twice forward.

    Args:
        macs_per_patch: forward multiply-accumulates of one patch.
        batch_size: patches of a step, over all devices.
        peak: measured FLOP/s of one device.

    Attributes:
        seconds, steps: of training, so far and in this process.
    """

    warm_up = 3

    def __init__(self, macs_per_patch: int, batch_size: int, peak: float):
        self.macs_per_patch, self.batch_size, self.peak = macs_per_patch, batch_size, peak
        self.seconds = 0.0
        self.steps = 0
        self.world_size = 1
        self._since: float | None = None  # when the last step or validation ended
        self._seen = 0  # steps since training started
        self._window = (0, 0.0)  # steps and seconds when the pace was last asked for

    def pace(self, steps: int, seconds: float) -> Pace:
        """Throughput of so many steps in so many seconds."""
        patches = steps * self.batch_size / seconds if seconds else 0.0
        flops = 6 * self.macs_per_patch * patches
        return Pace(patches, flops, flops / (self.peak * self.world_size))

    @property
    def average(self) -> Pace:
        """Throughput of all steps so far."""
        return self.pace(self.steps, self.seconds)

    def window(self) -> Pace | None:
        """Throughput of the steps since this was last asked; None where none of them counts."""
        steps, seconds = self.steps - self._window[0], self.seconds - self._window[1]
        self._window = (self.steps, self.seconds)
        return self.pace(steps, seconds) if seconds > 0 else None

    @property
    def _warm(self) -> bool:
        return self._since is not None and self._seen > self.warm_up

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.world_size = trainer.world_size
        self._since, self._seen = None, 0

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs, batch, batch_idx: int) -> None:
        now = time.perf_counter()
        self._seen += 1
        if self._warm:
            self.seconds += now - self._since
            self.steps += 1
        self._since = now

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        if self._warm and trainer.strategy.root_device.type == "cuda":
            torch.cuda.synchronize()  # the steps still queued are training's time, not the validation's
            self.seconds += time.perf_counter() - self._since

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._since = time.perf_counter()

"""Sample images for the logger at each validation."""

from __future__ import annotations

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from restore.image import to_levels
from restore.tracking.logger import GuardedLogger


class SampleImages(Callback):
    """Sends degraded | restored | clean of the first validation images, not in the sanity check.

    Args:
        count: images of each validation that are sent.
    """

    def __init__(self, count: int = 2):
        self.count = count
        self.pictures: list[tuple[str, Tensor]] = []

    def on_validation_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs, batch, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        shown = outputs is not None and trainer.is_global_zero and not trainer.sanity_checking
        if not shown or batch_idx >= self.count or not any(isinstance(each, GuardedLogger) for each in trainer.loggers):
            return
        states = (outputs.pair.degraded, outputs.restored, outputs.pair.clean)
        self.pictures.append((batch.name, torch.cat(states, dim=3)[0].cpu()))  # (C, H, 3 W)

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        if self.pictures:
            images = [to_levels(picture).permute(1, 2, 0).numpy() for _, picture in self.pictures]
            images = [image.repeat(3, axis=2) if image.shape[2] == 1 else image for image in images]
            captions = [f"{name} (degraded, restored, clean)" for name, _ in self.pictures]
            for logger in self._takers(trainer):
                logger.log_image("samples", images, trainer.global_step, captions)
        self.pictures = []

    @staticmethod
    def _takers(trainer: Trainer) -> list[GuardedLogger]:
        return [logger for logger in trainer.loggers if isinstance(logger, GuardedLogger) and logger.takes_images]

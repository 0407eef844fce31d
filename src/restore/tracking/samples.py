"""Sample images for the logger at each validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lightning import Callback, LightningModule, Trainer

from restore.tracking.logger import GuardedLogger
from restore.tracking.panels import PANELS, panels

SAMPLES = 2  # images of each validation


def takers(loggers: Sequence[object]) -> list[GuardedLogger]:
    """The loggers that show pictures."""
    return [logger for logger in loggers if isinstance(logger, GuardedLogger) and logger.takes_images]


class SampleImages(Callback):
    """Sends panels of the first validation images in each setting that is handed on, not in the sanity check.

    Args:
        count: images of each validation that are sent.
    """

    def __init__(self, count: int = SAMPLES):
        self.count = count
        self.pictures: list[tuple[str, np.ndarray]] = []

    def on_validation_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs, batch, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        shown = outputs and trainer.is_global_zero and not trainer.sanity_checking and batch_idx < self.count
        if shown and takers(trainer.loggers):
            self.pictures += [(f"{batch.name}, {setting} ({PANELS})", panels(each)) for setting, each in outputs]

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        if self.pictures:
            captions, images = zip(*self.pictures, strict=True)
            for logger in takers(trainer.loggers):
                logger.log_image("samples", [*images], trainer.global_step, [*captions])
        self.pictures = []

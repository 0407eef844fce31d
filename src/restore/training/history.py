"""The curve of a run: a row of ``history.csv`` for every validation."""

from __future__ import annotations

import csv
from pathlib import Path

from lightning import Callback, LightningModule, Trainer

from restore.training.budget import Budget

PREFIX = "val/"  # of the metrics that are kept


class History(Callback):
    """Writes ``step,patches,seconds`` and every ``val/`` metric after each validation.

    A resumed run keeps the rows up to the step that it goes on from. The file is written anew each time,
    beside and moved over, so that nobody ever reads half of it. Metrics stand in the order in which they came; a
    row of before one was asked for has nothing in its column.

    Args:
        file: where to write.
        batch_size: patches of a step, over all devices.
        budget: knows the seconds of training.
    """

    def __init__(self, file: Path, batch_size: int, budget: Budget):
        self.file, self.batch_size, self.budget = file, batch_size, budget
        self.rows: dict[int, dict[str, object]] = {}  # by step

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.rows = {}
        if trainer.is_global_zero and self.file.is_file():
            with self.file.open(newline="") as file:
                rows = {int(row["step"]): row for row in csv.DictReader(file)}
            self.rows = {step: row for step, row in rows.items() if step <= trainer.global_step}

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        step, metrics = trainer.global_step, trainer.callback_metrics
        row = {"step": step, "patches": step * self.batch_size, "seconds": round(self.budget.elapsed, 2)}
        self.rows[step] = row | {name: float(value) for name, value in metrics.items() if name.startswith(PREFIX)}
        self._write()

    def _write(self) -> None:
        columns = dict.fromkeys(name for row in self.rows.values() for name in row)
        partial = self.file.with_name(f".{self.file.name}")
        partial.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows.values())
        partial.replace(self.file)

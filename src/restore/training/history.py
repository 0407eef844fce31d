"""The curve of a run: a row of ``history.csv`` for every validation."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from restore.training.budget import Budget

PREFIXES = ("val/", "gradient/")  # of the metrics that are kept, in the order of their columns


class History(Callback):
    """Writes ``step,patches,seconds,train/loss`` and every ``val/`` and ``gradient/`` metric after each validation.

    ``train/loss`` is the mean of the training loss over the steps since the row before, on all devices; it
    is summed up where it is and read at validations alone. A resumed run keeps the rows up to the step that
    it goes on from. The file is written anew each time, beside and moved over, so that nobody ever reads half
    of it. Metrics stand in the order in which they came; a row of before one was asked for has nothing in
    its column.

    Args:
        file: where to write.
        batch_size: patches of a step, over all devices.
        budget: knows the seconds of training.
    """

    def __init__(self, file: Path, batch_size: int, budget: Budget):
        self.file, self.batch_size, self.budget = file, batch_size, budget
        self.rows: dict[int, dict[str, object]] = {}  # by step
        self.loss: torch.Tensor | None = None  # summed over the steps since the last row, on the device
        self.steps = 0  # since the last row

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.rows = {}
        if trainer.is_global_zero and self.file.is_file():
            with self.file.open(newline="") as file:
                rows = {int(row["step"]): row for row in csv.DictReader(file)}
            self.rows = {step: row for step, row in rows.items() if step <= trainer.global_step}

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch, batch_idx: int
    ) -> None:
        loss = outputs["loss"].detach().float()
        self.loss = loss if self.loss is None else self.loss.to(loss.device) + loss
        self.steps += 1

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        step, metrics = trainer.global_step, trainer.callback_metrics
        row = {"step": step, "patches": step * self.batch_size, "seconds": round(self.budget.elapsed, 2)}
        if self.loss is not None:
            mean = trainer.strategy.reduce(self.loss / self.steps, reduce_op="mean")  # all ranks take part
            row["train/loss"] = float(mean)
            self.loss, self.steps = None, 0
        if trainer.is_global_zero:
            kept = [(name, float(metrics[name])) for prefix in PREFIXES for name in metrics if name.startswith(prefix)]
            self.rows[step] = row | dict(kept)
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

    # -- resuming within the steps of a row ---------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {"loss": self.loss, "steps": self.steps} if self.loss is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.loss, self.steps = state.get("loss"), state.get("steps", 0)

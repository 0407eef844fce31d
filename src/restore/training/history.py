"""The curve of a run: a row of ``history.csv`` for every validation."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from restore import atomic
from restore.training.budget import Budget

log = logging.getLogger("restore")

PREFIXES = ("val/", "gradient/")  # of the metrics that are kept, in the order of their columns


class History(Callback):
    """Writes ``step,patches,seconds,train/loss`` and every ``val/`` and ``gradient/`` metric after each validation.

    ``train/loss`` is the mean of the training loss over the steps since the row before, on all devices; it
    is summed up where it is and read at validations alone. The rows are in the checkpoint too: a resumed run has
    those up to the step that it goes on from, each once, whatever became of the file. The file is written anew each
    time, beside and moved over, so that nobody ever reads half of it; a damaged one is kept under another name. Metrics stand in the order in which they came; a row of before one was asked for has nothing in
    its column.

    Args:
        file: where to write.
        batch_size: patches of a step, over all devices.
        budget: knows the seconds of training.

    Attributes:
        mean, mean_steps: the training loss of the last row, on every rank, and over how many steps; None before one.
    """

    def __init__(self, file: Path, batch_size: int, budget: Budget):
        self.file, self.batch_size, self.budget = file, batch_size, budget
        self.rows: dict[int, Mapping[str, object]] = {}  # by step
        self.resumed: dict[int, Mapping[str, object]] = {}  # the rows of the checkpoint that is gone on from
        self.loss: torch.Tensor | None = None  # summed over the steps since the last row, on the device
        self.steps = 0  # since the last row
        self.mean: float | None = None
        self.mean_steps = 0

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        rows = self._read() if trainer.is_global_zero else {}
        self.rows = {step: row for step, row in (self.resumed or rows).items() if step <= trainer.global_step}
        self.resumed = {}

    def _read(self) -> dict[int, Mapping[str, object]]:
        """The rows of the file, by step; of a damaged one none, and it is set aside."""
        if not self.file.exists():
            return {}
        try:
            with self.file.open(newline="", encoding="utf-8") as file:
                table = csv.DictReader(file, strict=True)
                rows = list(table)
            if "step" not in (table.fieldnames or ()) or any(None in row or None in row.values() for row in rows):
                raise ValueError("a row of it is not whole")
            for cell in (cell for row in rows for cell in row.values()):
                float(cell or "nan")
            return {int(row["step"]): row for row in rows}
        except (OSError, UnicodeDecodeError, csv.Error, ValueError):
            log.warning(f"{self.file} is damaged: it is kept as {atomic.set_aside(self.file).name}")
            return {}

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
            self.mean, self.mean_steps = float(mean), self.steps
            row["train/loss"] = self.mean
            self.loss, self.steps = None, 0
        if trainer.is_global_zero:
            kept = [(name, float(metrics[name])) for prefix in PREFIXES for name in metrics if name.startswith(prefix)]
            self.rows[step] = row | dict(kept)
            self._write()

    def _write(self) -> None:
        columns = dict.fromkeys(name for row in self.rows.values() for name in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows.values())
        atomic.write(self.file, text.getvalue())

    # -- resuming, also within the steps of a row ---------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        unfinished = {"loss": self.loss, "steps": self.steps} if self.loss is not None else {}
        return {"rows": [dict(row) for row in self.rows.values()], **unfinished}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.loss, self.steps = state.get("loss"), state.get("steps", 0)
        self.resumed = {int(row["step"]): row for row in state.get("rows", ())}  # checkpoints of before have none

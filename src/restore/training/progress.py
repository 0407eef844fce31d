"""What a person sees while a network trains: a bar on a terminal, a quiet line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar

from restore.training.budget import Budget
from restore.training.durations import clock
from restore.training.throughput import Throughput

log = logging.getLogger(__name__)


class TrainingProgress(ProgressBar):
    """Shows step, patches/s, loss, the monitored metric and the time left, by the budget's plan.

    Args:
        budget: knows the planned steps and the time limit.
        throughput: knows the pace.
        monitor: the metric that is shown, as it is logged.
        unit: of that metric; empty where it has none.
        digits: that metric's behind the point.
        interval: seconds between lines where the output is not a terminal.
    """

    def __init__(
        self,
        budget: Budget,
        throughput: Throughput,
        monitor: str = "val/psnr",
        unit: str = "dB",
        digits: int = 2,
        interval: float = 30.0,
    ):
        super().__init__()
        self.budget, self.throughput, self.interval = budget, throughput, interval
        self.monitor, self.unit, self.digits = monitor, unit, digits
        self.enabled = True
        self.bar = None  # a rich.progress.Progress, on a terminal

    def disable(self) -> None:
        self.enabled = False

    def enable(self) -> None:
        self.enabled = True

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        super().on_train_start(trainer, module)
        self._first = trainer.global_step
        self._start = self._shown = time.monotonic()
        self._estimated = False
        if self.enabled and sys.stdout.isatty():
            from rich.progress import BarColumn, Progress, TextColumn  # only a terminal needs it

            columns = (TextColumn("training"), BarColumn(), TextColumn("{task.percentage:3.0f}%  {task.description}"))
            self.bar = Progress(*columns, transient=True)
            self.task = self.bar.add_task("", total=1.0)
            self.bar.start()

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs, batch, batch_idx: int) -> None:
        now = time.monotonic()
        first = not self._estimated and now - self._start > 5 and trainer.global_step - self._first > 5
        due = now - self._shown >= (0.25 if self.bar else self.interval)
        if not self.enabled or not (first or due):
            return
        self._shown = now
        left = self._left(trainer, now)
        if first:
            self._estimated = True
            pace = self.throughput.average.patches_per_second
            planned, whole = self.budget.planned, clock(left + now - self._start)
            self._log_line(f"expected    {planned} steps in {whole} at {pace:.0f} patches/s")
        if self.bar:
            done = self.budget.progress(trainer.global_step)
            self.bar.update(self.task, completed=done, description=self._line(trainer, left))
        elif due:
            log.info(self._line(trainer, left))

    def _log_line(self, message: str) -> None:
        """Logs a line of its own, also while the bar stands on the last one."""
        if self.bar:
            self.bar.stop()
        log.info(message)
        if self.bar:
            self.bar.start()

    def _left(self, trainer: Trainer, now: float) -> float:
        pace = (now - self._start) / max(1, trainer.global_step - self._first)
        left = (self.budget.planned - trainer.global_step) * pace
        if self.budget.max_time is not None:
            left = min(left, self.budget.max_time - self.budget.elapsed)
        return max(0.0, left)

    def _line(self, trainer: Trainer, left: float) -> str:
        metrics = trainer.callback_metrics
        parts = [f"step {trainer.global_step}/{self.budget.planned}"]
        parts.append(f"{self.throughput.average.patches_per_second:.0f} patches/s")
        if "train/loss" in metrics:
            parts.append(f"loss {float(metrics['train/loss']):.3g}")
        if self.monitor in metrics:
            value = f"{self.monitor.replace('/', ' ')} {float(metrics[self.monitor]):.{self.digits}f}"
            parts.append(f"{value} {self.unit}".rstrip())
        return "  ".join([*parts, f"{clock(left)} left"])

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._close()

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        self._close()

    def _close(self) -> None:
        if self.bar:
            self.bar.stop()
            self.bar = None

    def print(self, *args, **kwargs) -> None:
        log.info(" ".join(map(str, args)))

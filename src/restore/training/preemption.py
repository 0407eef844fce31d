"""When a run ends by another's word: at Ctrl-C, when it is told to stop, or when Slurm or a campaign takes its node back."""

from __future__ import annotations

import contextlib
import logging
import signal
from pathlib import Path
from types import FrameType

from lightning import Callback, LightningModule, Trainer

from restore import signals
from restore.training.budget import Budget
from restore.training.cluster import preemptible
from restore.training.lightning_compat import uncount_batch

log = logging.getLogger(__name__)

PREEMPTION_SIGNALS = (signal.SIGUSR1, signal.SIGUSR2)  # what `sbatch --signal` and submitit (USR2) send


class Preempted(Exception):
    """Training was told to leave its node, and its last checkpoint has everything to go on from."""


class Preemption(Callback):
    """Ends a run in good order when a signal asks for it.

    Ctrl-C finishes the step, and the run ends as if its time were up; a second one ends it at once. SIGTERM or
    SIGHUP (`restore.signals`) says that it is to be gone within seconds: the run saves before its next step, without
    validating (a resumed run then equals an uninterrupted one), and leaves with exit code 143. A validation under way
    is finished where the seconds suffice; else the newest checkpoint is the one before it. Within a Slurm job or a
    campaign, SIGUSR1 or SIGUSR2 says that the node is wanted back: saved alike, and `Preempted` is raised.
    Under DDP rank 0's signals count, and the others hear of them where the budget lets all ranks agree.

    Args:
        budget: says when the ranks agree, and how many steps are planned; its callback stands before this one.
        checkpoint: file to save to when preempted.

    Attributes:
        reason: ``interrupted``, ``preempted``, ``stopped``, or empty where the run ends by its own plan.
    """

    def __init__(self, budget: Budget, checkpoint: Path):
        self.budget, self.checkpoint = budget, checkpoint
        self.interrupted = self.preempted = self.stopped = False
        self.reason = ""
        self._handlers: dict[int, object] = {}
        self._answers = contextlib.ExitStack()

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._answers.enter_context(signals.answered(self._on_stop))
        with contextlib.suppress(ValueError):  # not the main thread: whoever runs us there handles signals
            self._handlers[signal.SIGINT] = signal.signal(signal.SIGINT, self._on_interrupt)
            for number in PREEMPTION_SIGNALS if preemptible() else ():
                self._handlers[number] = signal.signal(number, self._on_preemption)

    def _on_stop(self, number: int) -> None:
        self.stopped = True

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        log.info("Ctrl-C: finishing this step, then keeping and scoring what there is (again to leave at once)")

    def _on_preemption(self, signum: int, frame: FrameType | None) -> None:
        self.preempted = True

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs, batch, batch_idx: int) -> None:
        if not self.budget.agreed:
            return
        self.reason = trainer.strategy.broadcast(self._request(trainer.global_step))
        if self.reason:
            trainer.should_stop = self.reason == "interrupted"  # a preempted run leaves from within, before a step

    def _request(self, step: int) -> str:
        if self.interrupted and not self.stopped:
            return "interrupted"
        if step >= self.budget.planned:
            return ""
        return "stopped" if self.stopped else "preempted" if self.preempted else ""

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch, batch_idx: int) -> None:
        if self.reason in ("preempted", "stopped"):
            uncount_batch(trainer)
            trainer.save_checkpoint(self.checkpoint)
            if self.reason == "stopped":
                signals.leave()
            raise Preempted

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._restore_handlers()
        if self.stopped:
            signals.leave()

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        while self._handlers:
            signal.signal(*self._handlers.popitem())
        self._answers.close()

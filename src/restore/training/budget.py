"""When a run ends: after its patches, or when its time is up, at Ctrl-C, or when Slurm takes its node back."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections import deque
from pathlib import Path

from lightning import Callback, LightningModule, Trainer

from restore.errors import RequestError
from restore.training.cluster import preemptible

log = logging.getLogger(__name__)


def seconds(limit: str | float | None) -> float | None:
    """A time limit in seconds: a number of them, ``90s``, ``6m``, ``2h`` or Lightning's ``DD:HH:MM:SS``.

    Raises:
        RequestError: none of these, or not above 0.

    Example:
        >>> seconds("6m"), seconds("00:00:06:00"), seconds(None)
        (360.0, 360.0, None)
    """
    if limit is None:
        return None
    text = str(limit)
    try:
        if ":" in text:
            value = 0.0
            for part, unit in zip(reversed(text.split(":")), (1, 60, 3600, 86400), strict=False):
                value += float(part) * unit
        else:
            unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
            value = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        value = -1.0
    if not value > 0:
        raise RequestError(f"trainer.max_time is a time such as 90s, 6m, 2h or 00:00:06:00, and it is '{limit}'")
    return value


PREEMPTION_SIGNALS = (signal.SIGUSR1, signal.SIGUSR2)  # what `sbatch --signal` and submitit (USR2) send


class Preempted(Exception):
    """Training was told to leave its node, and ``last.ckpt`` has everything to go on from."""


class Budget(Callback):
    """Plans the number of steps, so that the schedule always reaches its end with the run.

    Progress runs from 0 to 1 over the planned steps. Without a time limit, or where the time is
    ample, the plan is `max_steps` and progress a function of the step alone. Where the measured pace
    (validation included) shows that the steps will not fit, the plan shrinks to what fits and
    progress goes on from where it stands. Under DDP rank 0 measures, and tells the others about once
    a second, so that all agree on the rate and on the last step.

    Ctrl-C finishes the step and ends the run in good order. Within a Slurm job or a campaign, SIGUSR1
    or SIGUSR2 says that the node is wanted back: the run writes ``last.ckpt`` before its next step, without
    validating (a resumed run then equals an uninterrupted one), and raises `Preempted`.

    Args:
        max_steps: optimiser steps.
        max_time: seconds of training in all, earlier parts of a resumed run counted in; None for no limit.
        validations: how often the run validates, about evenly spread.
        checkpoint: file to save to when preempted.
    """

    def __init__(
        self,
        max_steps: int,
        max_time: float | None = None,
        validations: int = 10,
        checkpoint: Path | None = None,
    ):
        if max_steps < 1:
            raise RequestError(f"trainer.max_steps must be at least 1, and it is {max_steps}")
        self.max_steps, self.max_time, self.validations = max_steps, max_time, max(1, validations)
        self.checkpoint = checkpoint
        self.planned = max_steps
        self.anchor = (0, 0.0)  # step and progress where the plan last changed
        self.elapsed_before = 0.0
        self.interrupted = self.preempted = False
        self.reason = ""
        self._handlers: dict[int, object] = {}
        self._started: float | None = None
        self._sync_at = 0

    # -- the clock and the plan -------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, over all parts of a resumed run."""
        running = time.monotonic() - self._started if self._started is not None else 0.0
        return self.elapsed_before + running

    def progress(self, step: int) -> float:
        """Progress in [0, 1] before a step (counted from 0)."""
        first, done = self.anchor
        return done + (1 - done) * min(1.0, (step - first) / max(1, self.planned - first))

    def plan(self, planned: int, step: int) -> None:
        if planned != self.planned:
            self.anchor = (step, self.progress(step))
            self.planned = planned

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._started = time.monotonic()
        self._marks: deque[tuple[int, float]] = deque()
        self._first_step = trainer.global_step
        self._sync_at = trainer.global_step + 1
        self._space_validations(trainer)
        with contextlib.suppress(ValueError):  # not the main thread: whoever runs us there handles signals
            self._handlers[signal.SIGINT] = signal.signal(signal.SIGINT, self._on_interrupt)
            for number in PREEMPTION_SIGNALS if preemptible() else ():
                self._handlers[number] = signal.signal(number, self._on_preemption)

    def _space_validations(self, trainer: Trainer) -> None:
        trainer.val_check_batch = max(1, self.planned // self.validations) * trainer.accumulate_grad_batches

    def _on_interrupt(self, signum, frame) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        log.info("Ctrl-C: finishing this step, then keeping and scoring what there is (again to leave at once)")

    def _on_preemption(self, signum, frame) -> None:
        self.preempted = True

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch, batch_idx: int) -> None:
        if self.reason == "preempted":
            batches = trainer.fit_loop.epoch_loop.batch_progress
            for count in (batches.current, batches.total):
                count.ready -= 1  # this batch is not begun: counted, it would bring every later validation forward
            trainer.save_checkpoint(self.checkpoint)
            raise Preempted
        module.progress = self.progress(trainer.global_step)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs, batch, batch_idx: int) -> None:
        step = trainer.global_step
        if step >= self._sync_at or step >= self.planned:
            self._agree(trainer, step)

    def _agree(self, trainer: Trainer, step: int) -> None:
        """Rank 0 decides on the plan, the stop and when to speak again."""
        planned, stop, pause = self.planned, "", 1
        now = time.monotonic()
        if self._marks and step > self._marks[0][0]:
            window = max(10.0, 0.2 * self.elapsed)
            while len(self._marks) > 2 and now - self._marks[1][1] > window:
                self._marks.popleft()
            pace = (now - self._marks[0][1]) / (step - self._marks[0][0])
            pause = max(1, min(round(1.0 / max(pace, 1e-6)), step // 4))
            if self.max_time is not None:
                fits = step + int((self.max_time - self.elapsed) / pace)
                fits = min(self.max_steps, max(step, fits))
                if abs(fits - planned) > 0.01 * max(1, planned - step):
                    planned = fits
        if step >= self._first_step + 3:  # the first steps compile and warm caches
            self._marks.append((step, now))
        if self.interrupted:
            stop = "interrupted"
        elif self.preempted and step < planned and self.checkpoint:
            stop = "preempted"
        elif self.max_time is not None and self.elapsed >= self.max_time:
            stop = "time"
        elif step >= planned:
            stop = "steps" if planned == self.max_steps else "time"
        planned, stop, pause = trainer.strategy.broadcast((planned, stop, pause))
        first_estimate = self.anchor == (0, 0.0) and planned != self.planned
        self.plan(planned, step)
        self._sync_at = step + pause
        if first_estimate:  # the first measured seconds tell how far apart the validations are
            self._space_validations(trainer)
        if stop:
            self.reason = stop
            trainer.should_stop = stop != "preempted"  # which leaves from within, before its next step

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.elapsed_before, self._started = self.elapsed, None
        self._restore_handlers()

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    # -- resuming ---------------------------------------------------------------------------------

    def state_dict(self) -> dict:
        limits = {"max_steps": self.max_steps, "max_time": self.max_time}
        return {"planned": self.planned, "anchor": list(self.anchor), "elapsed": self.elapsed, **limits}

    def load_state_dict(self, state: dict) -> None:
        self.elapsed_before = state["elapsed"]
        if (self.max_steps, self.max_time) == (state["max_steps"], state["max_time"]):
            self.planned, self.anchor = state["planned"], (state["anchor"][0], state["anchor"][1])

"""When a run ends by its own plan: after its patches, or when its time is up."""

from __future__ import annotations

import time
from collections import deque

from lightning import Callback, LightningModule, Trainer

from restore.errors import RequestError
from restore.training.lightning_compat import validate_every


class Budget(Callback):
    """Plans the number of steps, so that the schedule always reaches its end with the run.

    Progress runs from 0 to 1 over the planned steps. Without a time limit, or where the time is
    ample, the plan is `max_steps` and progress a function of the step alone. Where the measured pace
    (validation included) shows that the steps will not fit, the plan shrinks to what fits and
    progress goes on from where it stands. Under DDP rank 0 measures, and tells the others about once
    a second, so that all agree on the rate and on the last step.

    Args:
        max_steps: optimiser steps.
        max_time: seconds of training in all, earlier parts of a resumed run counted in; None for no limit.
        validations: how often the run validates, about evenly spread.

    Attributes:
        planned: steps of the run, by what is known now.
        agreed: whether the batch just ended is one after which all ranks agreed on the plan.
        reason: why the run ends: ``steps``, ``time``, or empty before it does.
    """

    def __init__(self, max_steps: int, max_time: float | None = None, validations: int = 10):
        if max_steps < 1:
            raise RequestError(f"trainer.max_steps must be at least 1, and it is {max_steps}")
        self.max_steps, self.max_time, self.validations = max_steps, max_time, max(1, validations)
        self.planned = max_steps
        self.anchor = (0, 0.0)  # step and progress where the plan last changed
        self.elapsed_before = 0.0
        self.agreed = False
        self.reason = ""
        self._started: float | None = None
        self._marks: deque[tuple[int, float]] = deque()  # steps and when they ended, of the last seconds
        self._first_step = self._agree_at = 0

    # -- the clock and the plan -------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, over all parts of a resumed run."""
        running = time.monotonic() - self._started if self._started is not None else 0.0
        return self.elapsed_before + running

    def progress(self, step: int) -> float:
        """Share of the run in [0, 1] that lies before a step (counted from 0)."""
        first, done = self.anchor
        return done + (1 - done) * min(1.0, (step - first) / max(1, self.planned - first))

    def plan(self, planned: int, step: int) -> None:
        """Changes the number of steps; progress goes on from where it stands at this one."""
        if planned != self.planned:
            self.anchor = (step, self.progress(step))
            self.planned = planned

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._started = time.monotonic()
        self._marks.clear()
        self._first_step, self._agree_at = trainer.global_step, trainer.global_step + 1
        self._space_validations(trainer)

    def _space_validations(self, trainer: Trainer) -> None:
        validate_every(trainer, max(1, self.planned // self.validations) * trainer.accumulate_grad_batches)

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch, batch_idx: int) -> None:
        module.progress = self.progress(trainer.global_step)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs, batch, batch_idx: int) -> None:
        step = trainer.global_step
        self.agreed = step >= self._agree_at or step >= self.planned
        if self.agreed:
            self._agree(trainer, step)

    def _agree(self, trainer: Trainer, step: int) -> None:
        """Rank 0 decides on the plan, the end and when to speak again."""
        pace = self._pace(step)
        planned = self._replanned(step, pace)
        pause = max(1, min(round(1.0 / max(pace, 1e-6)), step // 4)) if pace is not None else 1
        decision = (planned, self._end(step, planned), pause)
        planned, self.reason, pause = trainer.strategy.broadcast(decision)
        first_estimate = self.anchor == (0, 0.0) and planned != self.planned
        self.plan(planned, step)
        self._agree_at = step + pause
        if first_estimate:  # the first measured seconds tell how far apart the validations are
            self._space_validations(trainer)
        if self.reason:
            trainer.should_stop = True

    def _pace(self, step: int) -> float | None:
        """Seconds a step of late, validation included; None at first."""
        now, pace = time.monotonic(), None
        if self._marks and step > self._marks[0][0]:
            window = max(10.0, 0.2 * self.elapsed)
            while len(self._marks) > 2 and now - self._marks[1][1] > window:
                self._marks.popleft()
            pace = (now - self._marks[0][1]) / (step - self._marks[0][0])
        if step >= self._first_step + 3:  # the first steps compile and warm caches
            self._marks.append((step, now))
        return pace

    def _replanned(self, step: int, pace: float | None) -> int:
        """Steps that fit at this pace, where that is 1 % more or fewer of those left than planned."""
        if pace is None or self.max_time is None:
            return self.planned
        fits = step + int((self.max_time - self.elapsed) / pace)
        fits = min(self.max_steps, max(step, fits))
        return fits if abs(fits - self.planned) > 0.01 * max(1, self.planned - step) else self.planned

    def _end(self, step: int, planned: int) -> str:
        if self.max_time is not None and self.elapsed >= self.max_time:
            return "time"
        if step >= planned:
            return "steps" if planned == self.max_steps else "time"
        return ""

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.elapsed_before, self._started = self.elapsed, None

    # -- resuming ---------------------------------------------------------------------------------

    def state_dict(self) -> dict:
        limits = {"max_steps": self.max_steps, "max_time": self.max_time}
        return {"planned": self.planned, "anchor": list(self.anchor), "elapsed": self.elapsed, **limits}

    def load_state_dict(self, state: dict) -> None:
        self.elapsed_before = state["elapsed"]
        if (self.max_steps, self.max_time) == (state["max_steps"], state["max_time"]):
            self.planned, self.anchor = state["planned"], (state["anchor"][0], state["anchor"][1])

"""What has no public name in Lightning 2.6: each in a function that fails when it is gone."""

from __future__ import annotations

import inspect
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lightning.pytorch.strategies.launchers import subprocess_script
from torch.nn.parallel import DistributedDataParallel

if TYPE_CHECKING:
    from lightning import Trainer


def _replace(owner: Any, name: str, value: Any) -> None:
    """Sets an attribute that must be there: set on an object that reads another one, it would do nothing."""
    if not hasattr(owner, name):
        raise AttributeError(f"{type(owner).__name__} has no {name} any more: see restore.training.lightning_compat")
    setattr(owner, name, value)


def count_logged_steps(trainer: Trainer) -> None:
    """Tells loggers the optimiser's step: Lightning 2.6 saves its own count one short.

    To be called when training starts; else a resumed run logs under the steps of the one before.
    """
    _replace(trainer.fit_loop.epoch_loop, "_batches_that_stepped", trainer.global_step)


def validate_every(trainer: Trainer, batches: int) -> None:
    """Validates after so many batches from now on: ``val_check_interval`` is read at the start of `fit` alone."""
    _replace(trainer, "val_check_batch", batches)


def uncount_batch(trainer: Trainer) -> None:
    """Takes back the count of a batch that was fetched and not begun.

    Saved as counted, it would bring every later validation of the resumed run forward by a batch
    (Lightning 2.6 counts a batch as ready before ``on_train_batch_start``).
    """
    progress = trainer.fit_loop.epoch_loop.batch_progress
    for count in (progress.current, progress.total):
        _replace(count, "ready", count.ready - 1)


def leave_signals_alone(trainer: Trainer) -> None:
    """Keeps SIGTERM with those who answer it: Lightning's handler broadcasts from within, and may wait for ever."""
    _replace(trainer._signal_connector, "register_signal_handlers", lambda: None)


def observe_children(observe: Callable[[list[subprocess.Popen]], None]) -> None:
    """Calls this with the ranks that a trainer starts, in place of Lightning's observer, which kills its own process."""
    _replace(subprocess_script, "_launch_process_observer", observe)


def keep_buffers_apart() -> dict[str, bool]:
    """The argument by which DDP does not broadcast buffers before each forward pass; torch 2.13 renamed it."""
    known = inspect.signature(DistributedDataParallel).parameters
    names = [name for name in ("forward_sync_buffers", "broadcast_buffers") if name in known]
    if not names:
        raise AttributeError("DistributedDataParallel has neither forward_sync_buffers nor broadcast_buffers")
    return {names[0]: False}

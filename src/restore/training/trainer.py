"""A Lightning Trainer as every run has it."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from datetime import timedelta

import torch
from lightning import Callback, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy, Strategy
from lightning.pytorch.utilities import rank_zero_only

from restore.errors import RequestError
from restore.runfolder import RunFolder
from restore.training.budget import Budget
from restore.training.checkpoint_files import CheckpointFiles, RunCheckpoint
from restore.training.hardware import device_kind
from restore.training.lightning_compat import keep_buffers_apart, leave_signals_alone

RANK_TIMEOUT = timedelta(minutes=10)  # a rank that waits longer for another one gives up (gloo notices a death at once)
NEVER = 10**9  # steps between validations until the budget has spaced them


def silence_warnings() -> None:
    """Leaves out what Lightning says about things that are so on purpose, and what ranks but the first say."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if rank_zero_only.rank != 0:
        logging.getLogger("restore").setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*exists and is not empty.*",
        ".*isinstance.treespec.*",
        ".*srun. command.*",
    ):
        warnings.filterwarnings("ignore", message)


def under_slurm() -> bool:
    """Whether ``srun`` started this process, each of its tasks a rank."""
    return SLURMEnvironment.detect() and not TorchElasticEnvironment.detect()


def moving_average(decay: float) -> EMAWeightAveraging:
    """Averages the weights exponentially over the steps; the average is what is validated, kept and tested.

    Raises:
        RequestError: the decay is not in (0, 1).
    """
    if not 0 < decay < 1:
        raise RequestError(f"optim.ema is a decay between 0 and 1, such as 0.999, and it is {decay}")
    return EMAWeightAveraging(decay=decay)


def checkpoints(folder: RunFolder, monitor: str | None, mode: str) -> list[RunCheckpoint]:
    """Keeps the newest checkpoint and, where something monitors, the one that validated best, under their names.

    Two callbacks: Lightning's ``save_last`` writes the newest only where it is also the best.
    """
    files = {"dirpath": folder.checkpoints, "auto_insert_metric_name": False, "enable_version_counter": False}
    last = RunCheckpoint(filename=folder.last.stem, save_on_train_epoch_end=False, **files)
    if monitor is None:
        return [last]
    best = RunCheckpoint(filename=folder.best.stem, monitor=monitor, mode=mode, save_on_train_epoch_end=False, **files)
    return [best, last]


def _ddp() -> DDPStrategy:
    return DDPStrategy(timeout=RANK_TIMEOUT, gradient_as_bucket_view=True, **keep_buffers_apart())


def make_trainer(
    folder: RunFolder,
    budget: Budget,
    callbacks: Sequence[Callback],
    logger: Logger | None,
    monitor: str | None = "val/psnr",
    mode: str = "max",
    accelerator: str = "auto",
    devices: int | str = 1,
    num_nodes: int = 1,
    strategy: str | Strategy = "auto",
    precision: str = "32-true",
    log_every_n_steps: int = 20,
) -> Trainer:
    """Makes a trainer that stops by its budget and keeps the best checkpoint and the last.

    Over several processes it is DDP that does not broadcast buffers before each forward pass: ranks
    may validate different numbers of images, where a broadcast would wait for ever; batch norm is
    synchronised on GPUs, and on the CPU, where torch has no synchronised one, its running
    statistics are rank 0's, shared before each validation.

    Args:
        folder: takes the checkpoints.
        callbacks: they stand behind the budget.
        monitor: logged metric by which a checkpoint is the best; None where no validation chooses one.
        mode: ``max`` where a higher one is better, else ``min``.
        devices: per node, or ``auto``.

    Raises:
        RequestError: the machine does not have what is asked.
    """
    parallel = devices not in (1, "1") or num_nodes > 1
    kind = device_kind(accelerator)
    if parallel and strategy == "auto" and (devices != "auto" or kind == "cuda"):
        strategy = _ddp()
    if kind == "cpu" and isinstance(devices, int) and devices > 1:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // devices))
    try:
        trainer = Trainer(
            accelerator=accelerator,
            devices=devices,
            num_nodes=num_nodes,
            strategy=strategy,
            precision=precision,
            sync_batchnorm=kind == "cuda" and parallel,
            max_steps=budget.max_steps,
            max_epochs=-1,
            val_check_interval=NEVER,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=1,
            log_every_n_steps=log_every_n_steps,
            callbacks=[budget, *callbacks, *checkpoints(folder, monitor, mode)],
            logger=logger or False,
            use_distributed_sampler=False,
            plugins=[
                CheckpointFiles(folder),
                *([SLURMEnvironment(auto_requeue=False)] if under_slurm() else []),  # Preemption sees to it
            ],
            enable_model_summary=False,
            default_root_dir=folder,
        )
    except (MisconfigurationException, ValueError, TypeError) as error:
        raise RequestError(f"trainer: {' '.join(str(error).split())}") from error
    leave_signals_alone(trainer)
    return trainer

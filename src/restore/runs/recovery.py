"""What is done, or said, where training cannot go on as it was: it diverged, or a step did not fit in memory."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from lightning import Trainer
from omegaconf import DictConfig

from restore.config.build import build, build_optimizer
from restore.config.experiment import Experiment
from restore.errors import OutsideError
from restore.optim.moments import count_moments
from restore.runfolder import RunFolder
from restore.training.divergence import Divergence
from restore.training.largest_batch import largest_batch
from restore.training.module import RestorationModule
from restore.training.resumption import newest_whole

log = logging.getLogger("restore")

TIMES_BACK = 3  # that diverged training goes back to its last checkpoint


def go_back(
    config: DictConfig, folder: RunFolder, divergence: Divergence, module: RestorationModule, reason: str
) -> Path:
    """The checkpoint that diverged training goes back to, at a smaller learning rate, where the run is to.

    Raises:
        OutsideError: it is not, or it went back three times already; says what may help.
    """
    kept = f"{folder.last} is of before" if folder.resumable else "nothing of it was kept"
    if config.trainer.on_divergence != "back":
        way = f"resume='{folder}' trainer.on_divergence=back" if folder.resumable else "trainer.on_divergence=back"
        raise OutsideError(f"{reason}; {kept}; a smaller learning rate (optim.optimizer.lr) may help, or {way}")
    if divergence.times >= TIMES_BACK:
        raise OutsideError(f"{reason}, having gone back {divergence.times} times; {kept}")
    divergence.shrink_rate()
    module.train()  # the validation that it was seen in did not come to its end
    state = newest_whole(folder)
    log.warning(f"{reason}: going back to step {state.step}, at {divergence.rate:g} times the learning rate")
    return state.file


def out_of_memory(experiment: Experiment, trainer: Trainer, reason: str) -> str:
    """The sentence for a step that did not fit, with the largest batch that does, as far as can be estimated."""
    config, data = experiment.config, experiment.data
    fits = trainer.world_size * largest_batch(
        experiment.network,
        build(config.optim.loss).to(trainer.strategy.root_device),
        data.channels,
        data.patch_size,
        trainer.strategy.root_device,
        str(config.trainer.precision),
        count_moments(partial(build_optimizer, config.optim), experiment.network),
    )
    asked = f"out of memory with data.batch_size={data.batch_size} and data.patch_size={data.patch_size}"
    if fits >= data.batch_size:
        return f"{asked} ({reason}): the batch alone should fit; data.validation_size=<side> makes validation smaller"
    how = f"data.batch_size={fits} is about the largest that fits" if fits else "not even one patch fits"
    return f"{asked} ({reason}): {how}"

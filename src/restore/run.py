"""Train one network on one task, validate it, test it: ``python -m restore.run task=denoise model=red30``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from restore import signals
from restore.config.command import command
from restore.config.experiment import Experiment
from restore.config.recorded import record
from restore.data.overlap import log_overlaps
from restore.jobs.sweep import sweep
from restore.models.cost import count_cost
from restore.results import store
from restore.runfolder import RunFolder
from restore.runs import lock
from restore.training.hardware import disable_tf32, keep_freed_memory


def run(config: DictConfig) -> float:
    """One job: plan, fit, test, record. Returns the best validation value (the test's for a fixed network)."""
    from lightning import seed_everything  # heavy, and a grid's own process trains nothing
    from lightning.pytorch.utilities import rank_zero_only

    from restore.runs import disk, messages, training
    from restore.runs.tracked_training import track_training
    from restore.training.trainer import silence_warnings

    silence_warnings()
    keep_freed_memory()
    disable_tf32()
    folder = RunFolder(Path(HydraConfig.get().runtime.output_dir).resolve())
    lock.hold(folder)
    signals.go_on(lambda: folder.way_on)
    folder.create()
    store.check_header(folder.results)
    resumed = training.resumption(config, folder)
    seed_everything(config.seed, verbose=False)
    experiment = Experiment.build(config)
    messages.warn_of_slow_precision(config)
    training.prepare(experiment, resumed)
    data = experiment.data
    cost = count_cost(experiment.network, data.channels, data.patch_size, data.patch_size)
    disk.check_disk(experiment, folder)
    parts = training.assemble(experiment, folder, cost)
    contained = None
    if rank_zero_only.rank == 0:
        if config.resume:
            record(config, folder)
        messages.log_plan(parts, cost)
        contained = log_overlaps(data.everything_read(), data.tests, config.paths.cache, config.strict)
    with parts.ranks.together():
        weights = training.fit(parts, resumed) if experiment.trainable else None
        parts.trainer.test(parts.module, datamodule=data, verbose=False)
    if parts.trainer.is_global_zero:
        recorded = training.record(parts, weights, contained)
        messages.log_summary(parts)
        if parts.logger:
            track_training(parts.logger, parts, cost, *recorded)
    if parts.logger:
        parts.logger.finish()
    return training.objective_of(parts)


if __name__ == "__main__":
    command("config", run, partial(sweep, module="restore.run"))

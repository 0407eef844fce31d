"""What a run says of itself: its plan before it starts, and its last line."""

from __future__ import annotations

import logging

from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig

from restore.config.resolvers import to_plain
from restore.models.cost import Cost
from restore.results.quantities import quantity
from restore.runs.training import Training, uses_channels_last
from restore.training.durations import clock
from restore.training.hardware import device_kind, slow_precision

log = logging.getLogger("restore")


def warn_of_slow_precision(config: DictConfig) -> None:
    """Says which of the precisions asked for the machine only emulates, and by what factor it is slower."""
    kind = device_kind(config.accelerator)
    precisions = [str(config.trainer.precision), str(config.precision)] if rank_zero_only.rank == 0 else []
    for warning in filter(None, (slow_precision(kind, precision) for precision in dict.fromkeys(precisions))):
        log.warning(warning)


def log_plan(training: Training, cost: Cost) -> None:
    """Says what is trained on what, what it costs, when it ends and where it goes."""
    experiment, budget = training.experiment, training.budget
    config, data = experiment.config, experiment.data
    size, world_size = data.patch_size, training.trainer.world_size
    limit = f" or {clock(budget.max_time)}" if budget.max_time else ""
    layout = ", channels-last" if uses_channels_last(config) else ""
    kind = device_kind(config.accelerator)
    log.info(f"task        {task_in_words(config)}")
    log.info(f"model       {config.model.name}: {cost.parameters:,} parameters, receptive field {cost.receptive_field}")
    log.info(f"cost        {cost.macs / 1e9:.3f} GMAC per {size}×{size} patch forward, three times that to train")
    protocols = ", ".join(protocol.name for protocol in experiment.protocols)
    log.info(f"data        {data.summary()}; tested on {', '.join(data.test_sets)} by protocol {protocols}")
    how = f"{config.optim.name}, batches of {data.batch_size}, {config.trainer.precision}{layout}"
    log.info(f"training    {how}, {world_size} × {kind}")
    log.info(f"budget      {config.budget.name}: {budget.max_steps} steps{limit}, whichever is first")
    for bad in [*data.training.bad, *(bad for images in data.tests for bad in images.bad)]:
        log.warning(f"left out    {bad}")
    log.info(f"run folder  {training.folder}")


def task_in_words(config: DictConfig) -> str:
    """Name, strengths and channels of a task."""
    task = to_plain(config.task)
    families = task["test"] if isinstance(task["test"], list) else [task["test"]]
    strengths = [f"{f['parameter']} {task[f['parameter']]}" for f in families if f["parameter"]]
    return ", ".join([task["name"], *strengths, "gray" if task["channels"] == 1 else "colour"])


def log_summary(training: Training, objective: float) -> None:
    """Says the last line of every run, and writes its result."""
    trainer, budget, pace = training.trainer, training.budget, training.throughput.average
    metric = training.experiment.metrics[0]
    test = float(trainer.callback_metrics.get(f"test/{metric.label}", float("nan")))
    state = training.preemption.reason or "finished"
    training.folder.write_result(
        state=state,
        metric=metric.label,
        objective=objective,
        test=test,
        steps=trainer.global_step,
        seconds=round(budget.elapsed, 1),
        patches_per_second=round(pace.patches_per_second, 1),
    )
    values = [f"{name} {quantity(metric.label).caption(value)}" for name, value in (("val", objective), ("test", test))]
    log.info(
        f"{state}: {trainer.global_step} steps in {clock(budget.elapsed)}, {pace.patches_per_second:.0f} patches/s, "
        f"{pace.flops / 1e9:.0f} GFLOP/s, {pace.share_of_peak:.0%} of matrix peak, {', '.join(values)}, "
        f"{training.folder}"
    )

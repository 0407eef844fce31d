"""What a run says of itself: its plan before it starts, and its last line."""

from __future__ import annotations

import logging
import time

import torch
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig

from restore.config.resolvers import to_plain
from restore.data.datamodule import RestorationData
from restore.degradations.albumentations_transform import AlbumentationsTransforms as OnCPU
from restore.models.cost import Cost
from restore.results.quantities import quantity
from restore.runs.training import Training, best_validation, uses_channels_last
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
    field = cost.receptive_field or "the whole image"
    log.info(f"model       {config.model.name}: {cost.parameters:,} parameters, receptive field {field}")
    log.info(f"cost        {cost.macs / 1e9:.3f} GMAC per {size}×{size} patch forward, three times that to train")
    protocols = ", ".join(protocol.name for protocol in experiment.protocols)
    tests = ", ".join(images.name for images in data.tests)
    log.info(f"data        {data.summary()}; tested on {tests} by protocol {protocols}")
    if words := slow_corruption_in_words(data, world_size):
        log.info(f"corruption  {words}")
    for absent in data.absent.values():
        log.warning(f"left out    {absent}")
    log.info(f"recipe      {recipe_in_words(config)}")
    how = f"{config.optim.name}, batches of {data.batch_size}, {config.trainer.precision}{layout}"
    log.info(f"training    {how}, {world_size} × {kind}")
    log.info(f"budget      {config.budget.name}: {budget.max_steps} steps{limit}, whichever is first")
    for bad in [*data.training.bad, *(bad for images in data.tests for bad in images.bad)]:
        log.warning(f"left out    {bad}")
    log.info(f"run folder  {training.folder}")


def slow_corruption_in_words(data: RestorationData, world_size: int) -> str | None:
    """What a step pays for transforms of albumentations, measured on one batch; None where a task has none.

    They run on the CPU, image by image, while the training device waits.
    """
    if data.training.partners or not any(isinstance(part, OnCPU) for part in data.degradation.modules()):
        return None
    count, side = data.batch_size // world_size, data.windows.side
    clean = torch.linspace(0, 1, side).expand(count, data.channels, side, side)
    generator = torch.Generator().manual_seed(0)
    data.degradation(clean[:1], generator)  # the first call loads tables
    start = time.perf_counter()
    data.degradation(clean, generator)
    spent = f"{1000 * (time.perf_counter() - start):.1f} ms a step"
    return f"albumentations, image by image on the CPU: {spent}, for {count} windows of {side}×{side}"


def task_in_words(config: DictConfig) -> str:
    """Name, strengths and channels of a task."""
    task = to_plain(config.task)
    families = task["test"] if isinstance(task["test"], list) else [task["test"]]
    strengths = [f"{f['parameter']} {task[f['parameter']]}" for f in families if f["parameter"]]
    strengths += [task["label"]] if "label" in task else []
    images = "Y of colour images" if task.get("colour") == "y_only" else "gray" if task["channels"] == 1 else "colour"
    return ", ".join([task["name"], *strengths, images])


PAPERS = {"red": "paper_red", "dncnn": "paper_dncnn", "gopro": "paper_gopro"}  # by how an experiment's name begins


def recipe_in_words(config: DictConfig) -> str:
    """The recipe's name; with the paper's number of patches and a recipe of ours, which parts are ours."""
    name = config.recipe.name
    if config.budget.name != "paper" or name.startswith("paper"):
        return name
    data = to_plain({key: config.data[key] for key in ("validation", "orientations", "pool", "scales")})
    parts = [f"optimiser, schedule, loss and clipping of {config.optim.name}", f"batches of {config.data.batch_size}"]
    parts += [f"{config.model.width} maps"] if "width" in config.model else []
    parts += [f"last layer {config.model.last_layer}"] if "last_layer" in config.model else []
    parts += [f"start {config.model.start}"] if "start" in config.model else []
    parts += [f"{key} {'none' if value is None else value}" for key, value in data.items()]
    own = PAPERS.get(config.name.partition("_")[0], "paper_red, paper_dncnn or paper_gopro")
    return f"{name}: of the paper's is the number of patches alone; ours are {', '.join(parts)} (recipe={own}: the paper's)"


def log_summary(training: Training) -> None:
    """Says the last line of every run, and writes its result."""
    trainer, budget, pace = training.trainer, training.budget, training.throughput.average
    metric = training.experiment.metrics[0]
    test = float(trainer.callback_metrics.get(f"test/{metric.label}", float("nan")))
    state = training.preemption.reason or "finished"
    validation, absent = best_validation(training), list(training.experiment.data.absent)
    training.folder.write_result(
        state=state,
        metric=metric.label,
        **({} if validation is None else {"objective": validation}),
        **({"absent_sets": absent} if absent else {}),
        test=test,
        steps=trainer.global_step,
        seconds=round(budget.elapsed, 1),
        patches_per_second=round(pace.patches_per_second, 1),
    )
    numbers = {"val": validation, "test": test}
    values = [f"{name} {quantity(metric.label).caption(value)}" for name, value in numbers.items() if value is not None]
    log.info(
        f"{state}: {trainer.global_step} steps in {clock(budget.elapsed)}, {pace.patches_per_second:.0f} patches/s, "
        f"{pace.flops / 1e9:.0f} GFLOP/s, {pace.share_of_peak:.0%} of matrix peak, {', '.join(values)}, "
        f"{training.folder}"
    )

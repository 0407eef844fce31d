"""Train one network on one task, validate it, test it: ``python -m restore.run task=denoise model=red30``."""

from __future__ import annotations

import importlib.util
import logging
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from lightning import Trainer, seed_everything
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf

from restore.checkpoint import digest, load_weights, read_state
from restore.config.build import build, build_optimizer
from restore.config.command import command
from restore.config.experiment import Experiment
from restore.config.tracking import build_logger
from restore.data.datamodule import centre
from restore.data.overlap import overlaps
from restore.errors import RequestError
from restore.jobs.sweep import sweep
from restore.models.cost import Cost, count_cost
from restore.results import figures, store
from restore.results.figures import Gallery
from restore.results.quantities import quantity
from restore.results.report import margins
from restore.results.rows import RunMetadata
from restore.runfolder import RunFolder
from restore.tracking.logger import GuardedLogger
from restore.tracking.samples import SampleImages
from restore.training import cluster
from restore.training.budget import Budget, seconds
from restore.training.hardware import (
    device_kind,
    disable_tf32,
    has_bf16_units,
    keep_freed_memory,
    matrix_peak,
    slow_precision,
)
from restore.training.history import History
from restore.training.module import RestorationModule
from restore.training.preemption import Preempted, Preemption
from restore.training.progress import TrainingProgress, clock
from restore.training.throughput import Throughput
from restore.training.trainer import make_trainer, moving_average, silence_warnings

log = logging.getLogger("restore")


@dataclass
class Training:
    """The moving parts of one run."""

    experiment: Experiment
    folder: RunFolder
    trainer: Trainer
    module: RestorationModule
    budget: Budget
    preemption: Preemption
    throughput: Throughput
    gallery: Gallery
    logger: GuardedLogger | None


def run(config: DictConfig) -> float:
    """One job: plan, fit, test, record. Returns the best validation value (the test's for a fixed network)."""
    silence_warnings()
    keep_freed_memory()
    disable_tf32()
    folder = RunFolder(Path(HydraConfig.get().runtime.output_dir).resolve())
    folder.create()
    store.check_header(folder.results)
    seed_everything(config.seed, verbose=False)
    experiment = Experiment.build(config)
    warn_of_slow_precision(config)
    prepare(experiment)
    data = experiment.data
    cost = count_cost(experiment.network, data.channels, data.patch_size, data.patch_size)
    check_disk(folder, cost)
    training = assemble(experiment, folder, cost)
    contained = None
    if rank_zero_only.rank == 0:
        log_plan(training, cost)
        contained, phrases = overlaps(data.everything_read(), data.tests, config.paths.cache, config.strict)
        log.info(f"overlap     of training and test images: {', '.join(phrases) or 'none'}")
    weights = fit(training) if experiment.trainable else None
    training.trainer.test(training.module, datamodule=data, verbose=False)
    objective = objective_of(training)
    if training.trainer.is_global_zero:
        record(training, weights, contained)
        log_summary(training, objective)
    if training.logger:
        training.logger.finish()
    return objective


def warn_of_slow_precision(config: DictConfig) -> None:
    """Says which of the precisions asked for the machine only emulates, and by what factor it is slower."""
    kind = device_kind(config.accelerator)
    precisions = [str(config.trainer.precision), str(config.precision)] if rank_zero_only.rank == 0 else []
    for warning in filter(None, (slow_precision(kind, precision) for precision in dict.fromkeys(precisions))):
        log.warning(warning)


def prepare(experiment: Experiment) -> None:
    """Read what can be wrong before anything is trained: weights to start from, layers to draw, images, the rate."""
    config = experiment.config
    if config.init:
        experiment.network = load_weights(experiment.network, config.init, config.model.name)
    figures.layers(experiment.network, config.feature_maps)
    experiment.data.read_tests()
    if experiment.trainable:
        build_optimizer(config.optim, experiment.network)
    experiment.data.read_training()
    check_monitor(experiment)


def check_monitor(experiment: Experiment) -> None:
    """Refuse a first metric that no validation image has a value of: nothing would choose the best checkpoint.

    Raises:
        RequestError: why there is none.
    """
    metric, data = experiment.metrics[0], experiment.data
    images = [centre(levels, data.validation_size) for levels in data.validation.images]
    families = {setting.family for setting in experiment.settings}
    reasons = [metric.why_not(image[None], family) for image in images for family in families]
    if experiment.trainable and all(reasons):
        raise RequestError(f"the first metric of the list chooses the best checkpoint, and {reasons[0]}")


def assemble(experiment: Experiment, folder: RunFolder, cost: Cost) -> Training:
    """Trainer, module and callbacks of a run."""
    config, limits, monitor = experiment.config, experiment.config.trainer, experiment.metrics[0]
    kind = device_kind(config.accelerator)
    budget = Budget(limits.max_steps, seconds(limits.max_time), limits.validations)
    throughput = Throughput(cost.macs, experiment.data.batch_size, matrix_peak(kind, str(limits.precision)))
    preemption = Preemption(budget, folder.last)
    callbacks = [
        preemption,
        throughput,
        History(folder.history, experiment.data.batch_size, budget),
        TrainingProgress(
            budget, throughput, monitor=f"val/{monitor.label}", unit=monitor.unit, digits=min(monitor.digits, 2)
        ),
        SampleImages(),
        *([moving_average(config.optim.ema)] if config.optim.ema else []),
    ]
    logger = build_logger(config, folder)
    trainer = make_trainer(
        folder,
        budget,
        callbacks,
        logger,
        monitor=f"val/{monitor.label}",
        mode="max" if monitor.higher_is_better else "min",
        clip=config.optim.clip,
        log_every_n_steps=limits.log_every_n_steps,
        accelerator=config.accelerator,
        **{key: limits[key] for key in ("devices", "num_nodes", "strategy", "precision")},
    )
    experiment.data.check_devices(trainer.world_size)
    gallery = Gallery()
    module = RestorationModule(
        experiment.network,
        loss=build(config.optim.loss),
        optimizer=build(config.optim.optimizer),
        schedule=build(config.optim.schedule),
        settings=experiment.settings,
        protocols=experiment.protocols,
        metrics=experiment.metrics,
        channels_last=uses_channels_last(config),
        precision=str(config.precision),
        keep=gallery.keep,
    )
    return Training(experiment, folder, trainer, module, budget, preemption, throughput, gallery, logger)


def fit(training: Training) -> Path:
    """Train to the budget's end; the best weights are in the network then, and the file they are from is returned."""
    config, folder = training.experiment.config, training.folder
    again = cluster.restarted() or HydraConfig.get().mode == RunMode.MULTIRUN  # a grid's folder is its job's alone
    network = training.experiment.network
    if config.trainer.compile:
        network.compile()  # in place, so that checkpoints keep their names
    resumes = config.resume or (again and folder.last.is_file())
    start = folder.last if resumes else None
    try:
        training.trainer.fit(training.module, datamodule=training.experiment.data, ckpt_path=start, weights_only=True)
    except Preempted:
        log.info(f"preempted after {training.trainer.global_step} steps: started again, it goes on from {folder.last}")
        cluster.requeue()
    best = RunFolder(training.trainer.strategy.broadcast(folder.path)).checkpoint()
    network.load_state_dict(read_state(best))
    return best


def objective_of(training: Training) -> float:
    """The first metric's best validation value; without a validation, its mean over the test."""
    best = training.trainer.checkpoint_callback.best_model_score
    if training.experiment.trainable and best is not None:
        return float(best)
    label = training.experiment.metrics[0].label
    return float(training.trainer.callback_metrics.get(f"test/{label}", float("nan")))


def record(training: Training, weights: Path | None, contained: dict[str, dict[str, str]] | None) -> None:
    """Rows to the run folder, the tables to the screen, the pictures to the run folder."""
    experiment, folder, config = training.experiment, training.folder, training.experiment.config
    metadata = RunMetadata(
        run=f"{config.name}/{folder.name}",
        experiment=config.name,
        task=config.task.name,
        model=config.model.name,
        seed=config.seed,
        budget=config.budget.name,
        patches=training.trainer.global_step * experiment.data.batch_size,
        precision=training.module.precision,
        device=training.trainer.strategy.root_device.type,
        checkpoint_sha256=digest(weights) if weights else "",
    )
    rows = experiment.record(training.module.scores, metadata, experiment.data.tests, contained, folder.results)
    for line in margins(store.means(rows), metadata.model):
        log.info(line)
    if importlib.util.find_spec("matplotlib") is None:
        log.info("no pictures: matplotlib is not installed")
        return
    for picture in draw(training, metadata.run):
        log.info(f"{picture.stem:<11} {picture}")


def draw(training: Training, title: str) -> list[Path]:
    """The sheet of restored images, the metric over training, and the feature maps that were asked for."""
    folder, gallery, layers = training.folder.path, training.gallery, training.experiment.config.feature_maps
    pictures = figures.draw(folder, gallery, title)
    if layers and gallery.pictures:
        pictures.append(folder / "maps.png")
        figures.feature_maps(training.experiment.network, gallery.pictures[0], layers, title, pictures[-1])
    return pictures


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
    task = OmegaConf.to_container(config.task, resolve=True)
    families = task["test"] if isinstance(task["test"], list) else [task["test"]]
    strengths = [f"{f['parameter']} {task[f['parameter']]}" for f in families if f["parameter"]]
    return ", ".join([task["name"], *strengths, "gray" if task["channels"] == 1 else "colour"])


def uses_channels_last(config: DictConfig) -> bool:
    layout = config.trainer.channels_last
    return has_bf16_units(device_kind(config.accelerator)) if layout == "auto" else bool(layout)


def check_disk(folder: RunFolder, cost: Cost) -> None:
    """Refuse a disk without room for two checkpoints (weights, two moments, a copy while writing), pictures and logs."""
    needed = cost.parameters * 4 * 3 * 4 + 50_000_000
    free = shutil.disk_usage(folder.path).free
    if free < needed:
        raise RequestError(
            f"the disk of {folder} has {free / 1e6:.0f} MB free, and this run needs {needed / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    command("config", run, partial(sweep, module="restore.run"))

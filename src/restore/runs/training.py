"""A training: what can be wrong is found first, then the parts are put together, fitted and recorded."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from lightning import Trainer
from omegaconf import DictConfig

from restore.checkpoint import load_weights, read_state
from restore.config.build import build, build_optimizer
from restore.config.experiment import Experiment, Overlaps, recipe_name
from restore.config.resolvers import to_plain
from restore.config.tracking import build_logger
from restore.data.images import centre
from restore.errors import OutsideError, RequestError
from restore.evaluation.luma_only import LumaOnly
from restore.evaluation.score import Restoration
from restore.memory import is_out_of_memory
from restore.models.cost import Cost
from restore.optim.clipping import Clipping
from restore.remote import sha256
from restore.results import figures, store
from restore.results.crops import Crops
from restore.results.figures import Gallery
from restore.results.gain import draw_gain
from restore.results.pyplot import installed
from restore.results.report import margins
from restore.results.rows import RunMetadata
from restore.results.sheets import draw_crops
from restore.runfolder import RunFolder
from restore.runs.recovery import go_back, out_of_memory
from restore.runs.sizes import check_batch, check_images, check_loss, check_validation
from restore.runs.start import starting_weights
from restore.tracking.logger import GuardedLogger
from restore.tracking.panels import TestedImages
from restore.tracking.samples import SampleImages
from restore.training import cluster
from restore.training.budget import Budget
from restore.training.divergence import Diverged, Divergence
from restore.training.durations import seconds
from restore.training.gradients import GradientNorms
from restore.training.hardware import device_kind, has_bf16_units, matrix_peak
from restore.training.history import History
from restore.training.module import RestorationModule
from restore.training.preemption import Preempted, Preemption
from restore.training.progress import TrainingProgress
from restore.training.ranks import Ranks
from restore.training.resumption import Resumption, newest_whole
from restore.training.step_log import StepLog
from restore.training.throughput import Throughput
from restore.training.trainer import RANK_TIMEOUT, make_trainer, moving_average

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
    divergence: Divergence
    gallery: Gallery
    crops: Crops
    logger: GuardedLogger | None
    ranks: Ranks
    tested: TestedImages


def resumption(config: DictConfig, folder: RunFolder) -> Resumption | None:
    """What the run goes on from, as asked for or as a job that is started again does; None for one that begins.

    Raises:
        RequestError: none of its checkpoints can be gone on from.
    """
    again = cluster.restarted() or HydraConfig.get().mode == RunMode.MULTIRUN  # a grid's folder is its job's alone
    return newest_whole(folder) if config.resume or (again and folder.resumable) else None


def prepare(experiment: Experiment, resumed: Resumption | None) -> None:
    """Read what can be wrong before anything is trained: sizes, weights to start from, layers to draw, images, the rate.

    Raises:
        RequestError: the first thing that is; a resumed run's network or optimiser is not the one of before.
    """
    config = experiment.config
    check_batch(experiment)
    if start := starting_weights(config):
        network = load_weights(experiment.network, start, config.model.name, own_sizes=True)
        experiment.network = network.train()  # one whose batch norms are merged comes in evaluation mode
        experiment.start = start
    figures.layers(experiment.network, layers_to_draw(config))
    experiment.data.read_tests()
    check_images(experiment, experiment.data.tests, experiment.data.channels)
    if experiment.trainable:
        optimizer = build_optimizer(config.optim, experiment.network)
        if resumed:
            resumed.check(experiment.network, optimizer)
        check_loss(experiment)
    experiment.data.read_training()
    check_validation(experiment)
    check_monitor(experiment)


def layers_to_draw(config: DictConfig) -> list[str]:
    """The layers that ``feature_maps`` names for the model."""
    return figures.layers_of(to_plain(config.feature_maps), config.model.name)


def check_monitor(experiment: Experiment) -> None:
    """Refuse a first metric that no validation image has a value of: nothing would choose the best checkpoint.

    Raises:
        RequestError: why there is none.
    """
    metric, data = experiment.metrics[0], experiment.data
    if not (experiment.trainable and data.validation and data.chooses):
        return
    images = [centre(levels, data.validation_size) for levels in data.validation.images]
    families = {setting.family for setting in experiment.settings}
    reasons = [metric.why_not(image[None], family) for image in images for family in families]
    if all(reasons):
        raise RequestError(f"the first metric of the list chooses the best checkpoint, and {reasons[0]}")


def assemble(experiment: Experiment, folder: RunFolder, cost: Cost) -> Training:
    """Trainer, module and callbacks of a run."""
    config, limits, monitor = experiment.config, experiment.config.trainer, experiment.metrics[0]
    kind = device_kind(config.accelerator)
    budget = Budget(limits.max_steps, seconds(limits.max_time), limits.validations)
    throughput = Throughput(cost.macs, experiment.data.batch_size, matrix_peak(kind, str(limits.precision)))
    preemption, ranks = Preemption(budget, folder.last), Ranks(folder, RANK_TIMEOUT.total_seconds())
    history = History(folder.history, experiment.data.batch_size, budget)
    divergence = Divergence(history, limits.on_divergence == "back", folder)
    callbacks = [
        preemption,
        ranks,
        throughput,
        StepLog(throughput),
        history,
        divergence,
        TrainingProgress(
            budget, throughput, monitor=f"val/{monitor.label}", unit=monitor.unit, digits=min(monitor.digits, 2)
        ),
        *([GradientNorms()] if limits.get("gradient_norms") else []),
        SampleImages(),
        *([moving_average(config.optim.ema)] if config.optim.ema else []),
    ]
    logger = build_logger(config, folder)
    trainer = make_trainer(
        folder,
        budget,
        callbacks,
        logger,
        monitor=f"val/{monitor.label}" if experiment.data.chooses else None,
        mode="max" if monitor.higher_is_better else "min",
        log_every_n_steps=limits.log_every_n_steps,
        accelerator=config.accelerator,
        **{key: limits[key] for key in ("devices", "num_nodes", "strategy", "precision")},
    )
    experiment.data.check_devices(trainer.world_size)
    gallery, crops = Gallery(), Crops(folder.path, to_plain(config.sheets), experiment.data.tests)
    tested = TestedImages()

    def keep(restoration: Restoration) -> None:
        gallery.keep(restoration)
        if logger:
            tested.keep(restoration)
        crops.keep(config.model.name, restoration)

    module = RestorationModule(
        experiment.network,
        loss=build(config.optim.loss),
        optimizer=build(config.optim.optimizer),
        schedule=build(config.optim.schedule),
        clip=Clipping(config.optim.clip),
        **{key: config.optim[key] for key in ("decay", "reset") if key in config.optim},
        settings=experiment.settings,
        protocols=experiment.protocols,
        metrics=experiment.metrics,
        channels_last=uses_channels_last(config),
        precision=str(config.precision),
        keep=keep,
    )
    return Training(
        *(
            experiment,
            folder,
            trainer,
            module,
            budget,
            preemption,
            throughput,
            divergence,
            gallery,
            crops,
            logger,
            ranks,
            tested,
        )
    )


def uses_channels_last(config: DictConfig) -> bool:
    layout = config.trainer.channels_last
    return has_bf16_units(device_kind(config.accelerator)) if layout == "auto" else bool(layout)


def fit(training: Training, resumed: Resumption | None) -> Path:
    """Train to the budget's end, from where a resumed run stands; returns the file of the weights in the network then.

    They are those that validated best, which are tested, and the last ones where no validation chooses.

    Raises:
        OutsideError: training diverged, or a step did not fit in memory.
    """
    config, folder = training.experiment.config, training.folder
    network = training.experiment.network
    if config.trainer.compile:
        network.compile()  # in place, so that checkpoints keep their names
    start = resumed.file if resumed else None
    unfit = ""
    while True:
        try:
            training.trainer.fit(
                training.module, datamodule=training.experiment.data, ckpt_path=start, weights_only=True
            )
            break
        except Preempted:
            steps = training.trainer.global_step
            log.info(f"preempted after {steps} steps: started again, it goes on from {folder.last}")
            cluster.requeue()
        except Diverged as error:
            start = go_back(config, folder, training.divergence, training.module, str(error))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            unfit = str(error).partition("\n")[0] or type(error).__name__
        if unfit:  # not where the error is at hand, which keeps the failed step's memory
            raise OutsideError(out_of_memory(training.experiment, training.trainer, unfit))
    tested = RunFolder(training.trainer.strategy.broadcast(folder.path)).checkpoint()
    network.load_state_dict(read_state(tested))
    return tested


def best_validation(training: Training) -> float | None:
    """The first metric's best value in validation; None where no validation chose weights."""
    best = training.trainer.checkpoint_callback.best_model_score
    return float(best) if training.experiment.trainable and best is not None else None


def objective_of(training: Training) -> float:
    """The first metric's best validation value; without one, its mean over the test."""
    best = best_validation(training)
    if best is not None:
        return best
    label = training.experiment.metrics[0].label
    return float(training.trainer.callback_metrics.get(f"test/{label}", float("nan")))


def record(training: Training, weights: Path | None, contained: Overlaps) -> tuple[RunMetadata, list[dict], list[Path]]:
    """Rows to the run folder, the tables to the screen, the pictures to the run folder; returns what was recorded."""
    experiment, folder, config = training.experiment, training.folder, training.experiment.config
    metadata = RunMetadata(
        run=f"{config.name}/{folder.name}",
        experiment=config.name,
        task=config.task.name,
        model=config.model.name,
        seed=config.seed,
        budget=config.budget.name,
        recipe=recipe_name(config),
        patches=training.trainer.global_step * experiment.data.batch_size,
        precision=training.module.precision,
        device=training.trainer.strategy.root_device.type,
        checkpoint_sha256=sha256(weights) if weights else "",
    )
    tests, keep = experiment.data.tests, training.crops.keep
    scores, file = training.module.scores, folder.results
    rows = experiment.record(scores, metadata, tests, contained, file, keep, same=store.OF_A_RUN)
    for absent in experiment.data.absent.values():
        log.warning(f"not tested  {absent}")
    for line in margins(store.means(rows), metadata.model):
        log.info(line)
    pictures = draw(training, metadata.run, rows)
    for picture in pictures:
        log.info(f"{picture.stem:<11} {picture}")
    return metadata, rows, pictures


def draw(training: Training, title: str, rows: Sequence[dict]) -> list[Path]:
    """The sheets, restored images, the metric over training, the gain over BM3D, and the feature maps asked for."""
    folder, gallery, layers = training.folder.path, training.gallery, layers_to_draw(training.experiment.config)
    pictures = draw_crops(training.crops, folder)
    if not installed():
        log.info("no other pictures: matplotlib is not installed")
        return pictures
    pictures += figures.draw(folder, gallery, title)
    if gain := draw_gain(rows, folder):
        pictures.append(gain)
    if layers and gallery.pictures:
        pictures.append(folder / figures.MAPS)
        network, picture = training.experiment.network, gallery.pictures[0]
        network = LumaOnly(network) if training.experiment.settings[0].luma_only else network
        figures.feature_maps(network, picture, layers, title, pictures[-1])
    return pictures

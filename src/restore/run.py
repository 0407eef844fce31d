"""Train one network on one task, validate it, test it: ``python -m restore.run task=denoise model=red30``."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import warnings
from functools import partial
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from lightning import Trainer, seed_everything
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import nn

from restore.checkpoint import digest, load_weights, read_state
from restore.config.build import build, build_data, build_network, build_protocols, build_settings, check_optimizer
from restore.config.command import command
from restore.data.datamodule import RestorationData
from restore.data.overlap import overlaps
from restore.errors import RequestError
from restore.jobs.sweep import sweep
from restore.models.cost import Cost, count_cost
from restore.results import figures, store
from restore.results import rows as conclusion
from restore.results.grid import short
from restore.results.rows import Gallery, RunMetadata
from restore.runfolder import RunFolder
from restore.tracking.logger import GuardedLogger
from restore.tracking.samples import SampleImages
from restore.training import cluster
from restore.training.budget import Budget, Preempted, seconds
from restore.training.hardware import device_kind, disable_tf32, has_bf16_units, keep_freed_memory, matrix_peak
from restore.training.module import RestorationModule
from restore.training.progress import TrainingProgress, clock
from restore.training.throughput import Throughput
from restore.training.trainer import make_trainer, moving_average

log = logging.getLogger("restore")


def run(config: DictConfig) -> float:
    """One job: plan, fit, test, record. Returns the best validation PSNR (the test's for a fixed network)."""
    silence_warnings()
    keep_freed_memory()
    disable_tf32()
    folder = Path(HydraConfig.get().runtime.output_dir).resolve()
    RunFolder(folder).create()
    seed_everything(config.seed, verbose=False)
    data: RestorationData = build_data(config)
    network = build_network(config.model)
    if config.init:
        network = load_weights(network, config.init, config.model.name)
    settings, protocols = build_settings(config.task), build_protocols(config)
    conclusion.check_baselines(config.baselines, settings)
    figures.layers(network, config.feature_maps)
    data.read_tests()
    trainable = any(parameter.requires_grad for parameter in network.parameters())
    optimizer = build(config.optim.optimizer)
    if trainable:
        check_optimizer(optimizer, network)
    data.read_training()
    cost = count_cost(network, data.channels, data.patch_size, data.patch_size)
    check_disk(folder, cost)

    limits = config.trainer
    last = folder / "checkpoints" / "last.ckpt"
    budget = Budget(limits.max_steps, seconds(limits.max_time), limits.validations, checkpoint=last)
    kind = device_kind(config.accelerator)
    peak = matrix_peak(kind, str(limits.precision))
    throughput = Throughput(cost.macs, data.batch_size, peak, folder / "history.csv")
    callbacks = [throughput, TrainingProgress(budget, throughput), SampleImages()]
    if config.optim.ema:
        callbacks.append(moving_average(config.optim.ema))
    logger = make_logger(config, folder)
    chosen = {key: limits[key] for key in ("devices", "num_nodes", "strategy", "precision")}
    chosen |= {"accelerator": config.accelerator, "log_every_n_steps": limits.log_every_n_steps}
    trainer = make_trainer(folder, budget, callbacks, logger, clip=config.optim.clip, **chosen)
    data.check_devices(trainer.world_size)
    channels_last = has_bf16_units(kind) if limits.channels_last == "auto" else bool(limits.channels_last)
    gallery = Gallery()
    module = RestorationModule(
        network,
        loss=build(config.optim.loss),
        optimizer=optimizer,
        schedule=build(config.optim.schedule),
        settings=settings,
        protocols=protocols,
        channels_last=channels_last,
        precision=str(config.precision),
        keep=gallery.keep,
    )
    found = None
    if rank_zero_only.rank == 0:
        tell_plan(config, data, network, cost, budget, channels_last, trainer.world_size, folder)
        found, said = overlaps(data.everything_read(), data.tests, config.paths.cache, config.strict)
        log.info(f"overlap     of training and test images: {', '.join(said) or 'none'}")

    checkpoint = None
    if trainable:
        again = cluster.restarted() or HydraConfig.get().mode == RunMode.MULTIRUN  # a grid's folder is its job's alone
        if limits.compile:
            network.compile()  # in place, so that checkpoints keep their names
        resumes = config.resume or (again and last.is_file())
        try:
            trainer.fit(module, datamodule=data, ckpt_path=last if resumes else None, weights_only=True)
        except Preempted:
            log.info(f"preempted after {trainer.global_step} steps: started again, it goes on from {last}")
            cluster.requeue()
        checkpoint = RunFolder(trainer.strategy.broadcast(folder)).checkpoint()
        network.load_state_dict(read_state(checkpoint))
    trainer.test(module, datamodule=data, verbose=False)
    objective = trainer.callback_metrics["test/psnr"]
    if trainable and trainer.checkpoint_callback.best_model_score is not None:
        objective = trainer.checkpoint_callback.best_model_score
    if trainer.is_global_zero:
        facts = RunMetadata(
            run=f"{config.name}/{folder.name}",
            experiment=config.name,
            task=config.task.name,
            model=config.model.name,
            seed=config.seed,
            budget=config.budget.name,
            patches=trainer.global_step * data.batch_size,
            precision=module.precision,
            checkpoint_sha256=digest(checkpoint) if checkpoint else "",
        )
        conclude(config, folder, facts, data, module, gallery, found)
        log_summary(folder, budget, trainer, throughput, float(objective))
    if logger:
        logger.finish()
    return float(objective)


def conclude(
    config: DictConfig,
    folder: Path,
    facts: RunMetadata,
    data: RestorationData,
    module: RestorationModule,
    gallery: Gallery,
    seen: dict[str, dict[str, str]] | None,
) -> None:
    """Rows to ``results.csv``, the tables to the screen, the pictures to the run folder."""
    found = conclusion.rows(module.scores, facts, seen)
    beside = conclusion.classical_rows(config.baselines, data.tests, module.protocols, module.settings, facts, seen)
    store.append(folder / "results.csv", [*beside, *found])
    log.info("\n" + conclusion.tables([*beside, *found], module.protocols, module.settings) + "\n")
    for line in conclusion.margins(store.means([*beside, *found]), facts.model):
        log.info(line)
    if importlib.util.find_spec("matplotlib") is None:
        log.info("no pictures: matplotlib is not installed")
        return
    pictures = conclusion.draw(folder, gallery, facts.run)
    if config.feature_maps and gallery.pictures:
        pictures.append(folder / "maps.png")
        figures.feature_maps(module.network, gallery.pictures[0], config.feature_maps, facts.run, pictures[-1])
    for picture in pictures:
        log.info(f"{picture.stem:<11} {picture}")


def log_summary(folder: Path, budget: Budget, trainer: Trainer, throughput: Throughput, objective: float) -> None:
    """The last line of every run, and its ``result.json``."""
    pace, metrics = throughput.average, trainer.callback_metrics
    state = "interrupted" if budget.reason == "interrupted" else "finished"
    test = float(metrics["test/psnr"])
    write = {"state": state, "objective": objective, "test_psnr": test, "steps": trainer.global_step}
    write |= {"seconds": round(budget.elapsed, 1), "patches_per_second": round(pace.patches_per_second, 1)}
    RunFolder(folder).write_result(**write)
    log.info(
        f"{state}: {trainer.global_step} steps in {clock(budget.elapsed)}, {pace.patches_per_second:.0f} patches/s, "
        f"{pace.flops / 1e9:.0f} GFLOP/s, {pace.share_of_peak:.0%} of matrix peak, val {objective:.2f} dB, "
        f"test {test:.2f} dB, {folder}"
    )


def tell_plan(
    config: DictConfig,
    data: RestorationData,
    network: nn.Module,
    cost: Cost,
    budget: Budget,
    channels_last: bool,
    world_size: int,
    folder: Path,
) -> None:
    """What is trained on what, what it costs, when it ends and where it goes."""
    task, size = OmegaConf.to_container(config.task, resolve=True), data.patch_size
    colour = "gray" if data.channels == 1 else "colour"
    families = task["test"] if isinstance(task["test"], list) else [task["test"]]
    strengths = [f"{f['parameter']} {task[f['parameter']]}" for f in families if f["parameter"]]
    limit = f" or {clock(budget.max_time)}" if budget.max_time else ""
    layout = ", channels-last" if channels_last else ""
    devices = f"{world_size} × {device_kind(config.accelerator)}"
    log.info(f"task        {', '.join([task['name'], *strengths, colour])}")
    log.info(f"model       {config.model.name}: {cost.parameters:,} parameters, receptive field {cost.receptive_field}")
    log.info(f"cost        {cost.macs / 1e9:.3f} GMAC per {size}×{size} patch forward, three times that to train")
    log.info(
        f"data        {data.summary()}; tested on {', '.join(data.test_sets)} by protocol {', '.join(config.protocols)}"
    )
    log.info(
        f"training    {config.optim.name}, batches of {data.batch_size}, {config.trainer.precision}{layout}, {devices}"
    )
    log.info(f"budget      {config.budget.name}: {budget.max_steps} steps{limit}, whichever is first")
    for bad in [*data.training.bad, *(bad for images in data.tests for bad in images.bad)]:
        log.warning(f"left out    {bad}")
    log.info(f"run folder  {folder}")


def make_logger(config: DictConfig, folder: Path) -> GuardedLogger | None:
    """The chosen logger behind its guard, told the whole configuration; None where there is none or it fails."""
    if not config.logger.get("_target_"):
        return None
    with open_dict(config):
        config.logger.save_dir = str(folder)
        if "name" in config.logger and config.logger.name is None:
            config.logger.name = run_name(config.name, folder.name, in_sweep=bool(config.sweep.name))
        if "group" in config.logger and config.logger.group is None:
            config.logger.group = config.sweep.name or config.name
        if "id" in config.logger and config.logger.id is None:
            config.logger.id = RunFolder(folder).identity
    try:
        logger = GuardedLogger(build(config.logger))
    except RequestError:
        raise
    except Exception as error:  # whatever a tracking service throws
        log.warning(f"tracking could not start, training goes on without it: {error}")
        return None
    logger.log_hyperparams(OmegaConf.to_container(config, resolve=True))
    return logger


def run_name(experiment: str, folder: str, in_sweep: bool) -> str:
    """What a tracking service shows: ``experiment/date``, or in a sweep what tells its jobs apart, first.

    Example:
        >>> run_name("red_skip_step", "model.skip_step=2,seed=0", in_sweep=True)
        'skip_step=2,seed=0 red_skip_step'
    """
    if not in_sweep:
        return f"{experiment}/{folder}"
    return f"{short(folder)} {experiment}"


def check_disk(folder: Path, cost: Cost) -> None:
    """Room for two checkpoints (weights and two moments each, and a copy while writing), pictures and logs."""
    needed = cost.parameters * 4 * 3 * 4 + 50_000_000
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RequestError(
            f"the disk of {folder} has {free / 1e6:.0f} MB free, and this run needs {needed / 1e6:.0f} MB"
        )


def silence_warnings() -> None:
    """Leave out what Lightning says about things that are so on purpose."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    if rank_zero_only.rank != 0:
        log.setLevel(logging.WARNING)
    so = (
        ".*does not have many workers.*",
        ".*exists and is not empty.*",
        ".*isinstance.treespec.*",
        ".*srun. command.*",
    )
    for message in so:
        warnings.filterwarnings("ignore", message)


if __name__ == "__main__":
    command("config", run, partial(sweep, module="restore.run"))

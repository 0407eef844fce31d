"""Score a run or a weights file on test sets: ``python -m restore.evaluate run=<folder> test_sets=[set12,bsd68]``."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from restore.checkpoint import digest, load_weights
from restore.config.build import build_data, build_network, build_protocols, build_settings
from restore.config.command import command
from restore.config.compose import lay_over, run_config
from restore.data import datasets
from restore.data.datamodule import RestorationData
from restore.data.overlap import overlaps
from restore.errors import RequestError
from restore.evaluation.score import score_set
from restore.results import rows as conclusion
from restore.results import store
from restore.results.rows import RunMetadata
from restore.runfolder import SHIPPED, RunFolder
from restore.training.hardware import device_kind, disable_tf32, keep_freed_memory

log = logging.getLogger("restore")


def evaluate(config: DictConfig) -> float:
    """Restore and score every image of every set by every protocol; returns the mean PSNR of all."""
    keep_freed_memory()
    task, model, run = what_is_scored(config)
    settings, protocols = build_settings(task), build_protocols(config)
    conclusion.check_baselines(config.baselines, settings)
    network = build_network(model)
    weights = run or config.weights
    if weights:
        network = load_weights(network, weights_path(weights, config.paths.weights), model.name)
    elif any(True for _ in network.parameters()):
        raise RequestError(f"model={model.name} has weights to be given: run=<run folder> or weights=<file>")
    listings = [datasets.find(str(name), config.paths.data, task.channels, training=False) for name in config.test_sets]
    tests = [datasets.read(listing, task.channels, config.on_bad_image, "as in file") for listing in listings]
    for bad in (bad for images in tests for bad in images.bad):
        log.warning(f"left out    {bad}")
    seen = overlaps_with_training(config, run, tests)

    if hasattr(network, "merged"):
        network = network.merged()
    disable_tf32()
    device = torch.device(device_kind(config.accelerator))
    network = network.to(device, memory_format=torch.channels_last).eval()
    scores = [
        score
        for images in tests
        for protocol in protocols
        for setting in settings
        for score in score_set(network, images, protocol, setting, str(config.precision), device)
    ]
    training = run_config(run) if run else None
    facts = RunMetadata(
        run=f"{training.name}/{run.name}" if run else "",
        experiment=training.name if run else "",
        task=task.name,
        model=model.name,
        seed=training.seed if run else 0,
        budget=training.budget.name if run else "",
        patches=trained_patches(run) if run else 0,
        precision=str(config.precision),
        checkpoint_sha256=digest(weights_path(weights, config.paths.weights)) if weights else "",
    )
    found = conclusion.rows(scores, facts, seen)
    beside = conclusion.classical_rows(config.baselines, tests, protocols, settings, facts, seen)
    own = run and run.parent != SHIPPED  # what comes with the package stays as it is
    file = Path(config.results) if config.results else (run if own else Path()) / "results.csv"
    store.append(file, [*beside, *found])
    log.info(conclusion.tables([*beside, *found], protocols, settings))
    log.info(f"\n{len(beside) + len(found)} rows added to {file}")
    return sum(score.psnr for score in scores) / len(scores)


def what_is_scored(config: DictConfig) -> tuple[DictConfig, DictConfig, Path | None]:
    """Task, model and run folder: a run's own, with what the command line says of the task laid over."""
    if not config.run:
        return config.task, config.model, None
    run = RunFolder.find(config.run).path
    training = run_config(run)
    said = HydraConfig.get().overrides.task
    if any(word.startswith(("model=", "model.", "weights=")) for word in said):
        raise RequestError("run=<folder> brings its own network: leave model= and weights= out")
    if not any(word.startswith("task=") for word in said):
        training = lay_over(training, said, "task")
        return training.task, training.model, run
    # another task: the network keeps the channels it was trained with
    if config.task.channels != training.task.channels:
        raise RequestError(
            f"the run was trained on {training.task.channels} channels, and the task has {config.task.channels}"
        )
    OmegaConf.resolve(training.model)
    return config.task, training.model, run


def weights_path(weights: str | Path, folder: str | None) -> Path:
    """A run folder's best checkpoint; a file as given, or of that name in `paths.weights`."""
    path = Path(weights).expanduser()
    if path.is_dir():
        return RunFolder(path).checkpoint()
    if not path.is_file() and folder and (Path(folder) / path).is_file():
        return Path(folder) / path
    return path


def overlaps_with_training(config: DictConfig, run: Path | None, tests: list) -> dict[str, dict[str, str]] | None:
    """Test images that the run was trained on, by set; None where its training images are not known or not here."""
    if run is None:
        return None
    data: RestorationData = build_data(run_config(run), root=config.paths.data)
    try:
        data.read_training()
    except RequestError as error:
        log.warning(f"overlap     not checked: {error}")
        return None
    found, said = overlaps(data.everything_read(), tests, config.paths.cache, config.strict)
    log.info(f"overlap     with the training images: {', '.join(said) or 'none'}")
    return found


def trained_patches(run: Path) -> int:
    checkpoint = torch.load(RunFolder(run).checkpoint(), map_location="cpu", weights_only=True)
    return checkpoint.get("global_step", 0) * run_config(run).data.batch_size


if __name__ == "__main__":
    command("evaluate", evaluate)

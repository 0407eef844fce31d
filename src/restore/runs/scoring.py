"""An evaluation: what is scored, with which weights, on what, and what is known of its training."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from restore.checkpoint import load_weights, trained_steps, weights_file
from restore.config.build import build_data, test_channels
from restore.config.checks import check_task
from restore.config.compose import lay_over, run_config
from restore.config.experiment import Experiment, Overlaps, recipe_name
from restore.config.methods import identity_of
from restore.config.trust import Trust
from restore.data import datasets
from restore.data.datasets import Images
from restore.data.overlap import log_overlaps
from restore.errors import RequestError
from restore.released import identify
from restore.remote import sha256
from restore.results import store
from restore.results.crops import Crops
from restore.results.gain import draw_gain
from restore.results.pyplot import installed
from restore.results.rows import RunMetadata
from restore.results.sheets import draw_crops
from restore.runfolder import RunFolder

log = logging.getLogger("restore")


def what_is_scored(config: DictConfig, run: RunFolder | None) -> DictConfig:
    """The configuration; of a run, with its own task and model, and what the command line says of the task laid over."""
    if run is None:
        return config
    training = run_config(run, trust_of(config))
    words = HydraConfig.get().overrides.task
    if any(word.startswith(("model=", "model.", "weights=")) for word in words):
        raise RequestError("run=<folder> brings its own network: leave model= and weights= out")
    if any(word.startswith("task=") for word in words):  # the network keeps the channels it was trained with
        task, channels, trained_channels = config.task, config.task.channels, training.task.channels
        if channels != trained_channels:
            raise RequestError(f"the run was trained on {trained_channels} channels, and the task has {channels}")
    else:
        training = lay_over(training, words, "task")
        if any(word.lstrip("+~").startswith("task.") for word in words):
            check_task(training)
        task = training.task
    scored = config.copy()
    with open_dict(scored):
        if scored.data.range is None:
            scored.data.range = training.data.get("range")
        scored.task, scored.model = (OmegaConf.to_container(group, resolve=True) for group in (task, training.model))
    return scored


def trust_of(config: DictConfig) -> Trust:
    """The word of whoever typed this command on a run folder that may be anybody's."""
    overrides = HydraConfig.get().overrides
    return Trust.of(config.trust, [*overrides.hydra, *overrides.task])


def given_weights(config: DictConfig, run: RunFolder | None, experiment: Experiment) -> Path | None:
    """The file whose weights the network now has; None for a network that has none.

    Raises:
        RequestError: the network has weights, and none are given, or they do not fit.
    """
    name = experiment.config.model.name
    if run is None and not config.weights:
        if any(True for _ in experiment.network.parameters()):
            raise RequestError(f"model={name} has weights to be given: run=<run folder> or weights=<file or name>")
        return None
    file = weights_file(run.path if run else config.weights, config.paths.weights)
    experiment.network = load_weights(experiment.network, file, name)
    return file


def results_file(config: DictConfig, run: RunFolder | None) -> Path:
    """Where the rows go: as asked, else the run's own file (a shipped run stays as it is), else here."""
    if config.results:
        return Path(config.results).expanduser()
    return run.results if run and not run.shipped else Path("results.csv")


def read_tests(config: DictConfig, experiment: Experiment) -> list[Images]:
    """The test sets, as in their files.

    Raises:
        RequestError: no set is named, or one is not here.
    """
    names, channels = list(config.test_sets), test_channels(experiment.config.task)
    listings = [datasets.find(str(name), config.paths.data, channels, training=False) for name in names]
    tests = [
        datasets.read(
            listing, channels, config.on_bad_image, "as in file", config.max_pixels, experiment.config.data.range
        )
        for listing in datasets.told_apart(listings)
    ]
    for bad in (bad for images in tests for bad in images.bad):
        log.warning(f"left out    {bad}")
    return tests


def overlaps_with_training(config: DictConfig, run: RunFolder | None, tests: list[Images]) -> Overlaps:
    """Test images that the run was trained on, by set; None where its training images are not known or not here."""
    if run is None:
        return None
    data = build_data(run_config(run, trust_of(config)), root=config.paths.data)
    try:
        data.read_training()
    except RequestError as error:
        log.warning(f"overlap     not checked: {error}")
        return None
    return log_overlaps(data.everything_read(), tests, config.paths.cache, config.strict)


def metadata_of(
    experiment: Experiment, run: RunFolder | None, weights: Path | None, precision: str, device: torch.device
) -> RunMetadata:
    """The columns that all rows share; what a run folder knows of its training."""
    config = experiment.config
    shared = {"task": config.task.name, "model": config.model.name, "precision": precision, "device": device.type}
    shared["checkpoint_sha256"] = sha256(weights) if weights else ""
    if run is None:
        entry = identify(weights) if weights else None
        shared |= identity_of(entry) if entry else {"run": ""}
        return RunMetadata(experiment="", seed=0, budget="", patches=0, **shared)
    training = run_config(run, trust_of(config))
    patches = trained_steps(run) * training.data.batch_size
    shared |= {"budget": training.budget.name, "recipe": recipe_name(training)}
    name = f"{training.name}/{run.name}"
    return RunMetadata(run=name, experiment=training.name, seed=training.seed, patches=patches, **shared)


def draw(crops: Crops, file: Path) -> list[Path]:
    """The pictures that are drawn beside a results file: the sheets, and the gain over BM3D where it is known."""
    gain = draw_gain(store.read(file), file.parent) if installed() else None
    return [*draw_crops(crops, file.parent), *([gain] if gain else [])]

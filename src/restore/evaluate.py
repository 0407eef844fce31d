"""Score a run, a weights file or the authors' own files on test sets.

    python -m restore.evaluate run=<folder> test_sets=[set12,bsd68]
    python -m restore.evaluate released=[tnrd_25,csf_25] test_sets=[set12,bsd68]

A released file brings its own task; a run brings its own, unless the words say another.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from restore.config.command import command
from restore.config.compose import run_config
from restore.config.experiment import Experiment
from restore.config.resolvers import to_plain
from restore.config.tracking import evaluation_tracking, tracked
from restore.evaluation.score import Restoration
from restore.models.fusion import merge_batch_norm
from restore.results import store
from restore.results.crops import Crops
from restore.results.released import released_table
from restore.runfolder import RunFolder
from restore.runs import scoring
from restore.runs.released import evaluations
from restore.runs.sizes import check_images
from restore.runs.tracked import track_evaluation
from restore.tracking.panels import TestedImages
from restore.training.hardware import device_kind, disable_tf32, keep_freed_memory, slow_precision

if TYPE_CHECKING:
    from restore.tracking.logger import GuardedLogger

log = logging.getLogger("restore")


def evaluate(config: DictConfig) -> float:
    """Score what is asked for, the authors' files that ``released`` names one after the other.

    Returns:
        The first metric's mean over all images.
    """
    if not config.released:
        return evaluate_network(config)
    means = [evaluate_network(each) for each in evaluations(config, HydraConfig.get().overrides.task)]
    log.info("\n" + released_table(store.read(scoring.results_file(config, None))))
    return sum(means) / len(means)


def evaluate_network(config: DictConfig) -> float:
    """Restore and score every image of every set by every protocol; returns the first metric's mean over all."""
    run = RunFolder.find(config.run) if config.run else None
    training = run_config(run, scoring.trust_of(config)) if run else None
    scored = scoring.what_is_scored(config, run)
    facts = evaluation_tracking(scored, str(scoring.results_file(config, run).parent), run, training)
    with tracked(scored, facts) as logger:
        return score(config, scored, run, logger)


def score(config: DictConfig, scored: DictConfig, run: RunFolder | None, logger: GuardedLogger | None) -> float:
    """The same, told to a logger; `scored` is the configuration with the run's own task and network."""
    keep_freed_memory()
    disable_tf32()
    experiment = Experiment.build(scored)
    weights = scoring.given_weights(config, run, experiment)
    file = scoring.results_file(config, run)
    store.check_header(file)
    tests = scoring.read_tests(config, experiment)
    check_images(experiment, tests, experiment.config.task.channels)
    contained = scoring.overlaps_with_training(config, run, tests)
    device = torch.device(device_kind(config.accelerator))
    if warning := slow_precision(device.type, str(config.precision)):
        log.warning(warning)
    network = merge_batch_norm(experiment.network).to(device, memory_format=torch.channels_last).eval()
    crops = Crops(file.parent, to_plain(config.sheets), tests)
    tested = TestedImages()

    def keep(restoration: Restoration) -> None:
        crops.keep(experiment.config.model.name, restoration)
        if logger:
            tested.keep(restoration)

    scores = experiment.score(network, tests, str(config.precision), device, keep)
    metadata = scoring.metadata_of(experiment, run, weights, str(config.precision), device)
    rows = experiment.record(scores, metadata, tests, contained, file, crops.keep)
    log.info(f"{len(rows)} rows added to {file}")
    pictures = scoring.draw(crops, file)
    for picture in pictures:
        log.info(picture)
    if logger:
        channels = experiment.config.task.channels
        track_evaluation(logger, experiment.network, channels, metadata, rows, tested, pictures, run)
    label = experiment.metrics[0].label
    values = [score.value for score in scores if score.metric == label]
    return sum(values) / len(values) if values else float("nan")


if __name__ == "__main__":
    command("evaluate", evaluate)

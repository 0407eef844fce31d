"""What a logger is told of a training when it has been tested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restore import __version__
from restore.models.cost import Cost
from restore.results import store
from restore.results.rows import RunMetadata
from restore.runfolder import RunFolder
from restore.runs.tracked import cost_summary, send_pictures, weights_summary
from restore.runs.training import Training, best_validation
from restore.tracking.logger import GuardedLogger
from restore.tracking.record import send_rows


def track_training(
    logger: GuardedLogger,
    training: Training,
    cost: Cost,
    metadata: RunMetadata,
    rows: Sequence[dict],
    pictures: Sequence[Path],
) -> None:
    """Numbers, tables, pictures and checkpoints of a training, and where its weights came from."""
    folder, data, start = training.folder, training.experiment.data, training.experiment.start
    step, objective = training.trainer.global_step, best_validation(training)
    trained = {"train/patches": metadata.patches, "train/steps": step}
    logger.log_summary(trained | cost_summary(cost, data.patch_size) | weights_summary(metadata), step)
    if objective is not None:
        logger.log_metrics({"objective": objective}, step)  # what a W&B sweep looks for
    send_rows(logger, rows, metadata, step)
    send_pictures(logger, training.tested, pictures, step)
    if start and (source := RunFolder(start)).config.is_file():
        logger.log_source(source)
    made = {"run_folder": str(folder), "run": metadata.run, "seed": metadata.seed, "init": str(start or "")}
    made |= {"patches": metadata.patches, "steps": step, "objective": objective}
    made |= {"sha256_tested": metadata.checkpoint_sha256, "commit": store.commit(), "restore": __version__}
    logger.log_checkpoints(folder, made)
    logger.finalize("success")

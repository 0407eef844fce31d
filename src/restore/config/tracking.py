"""The logger of a command, told what its run is called."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from restore.config.build import build
from restore.config.resolvers import to_plain
from restore.errors import RequestError
from restore.results.grid import short
from restore.runfolder import RunFolder

if TYPE_CHECKING:
    from restore.tracking.logger import GuardedLogger

log = logging.getLogger("restore")


def build_logger(config: DictConfig, folder: RunFolder) -> GuardedLogger | None:
    """The chosen logger of a training behind its guard, told the whole configuration; None for none, or if it fails."""
    logger = start_logger(config, tracking_of(config, folder))
    if logger and not logger.takes_images:
        log.info(f"logger      {type(logger.inner).__name__} takes no pictures of the validation")
    return logger


def start_logger(
    config: DictConfig, tracking: Mapping[str, Any], hyperparameters: Mapping[str, Any] | None = None
) -> GuardedLogger | None:
    """The chosen logger behind its guard; None where there is none or it fails.

    A logger's YAML may use ``${tracking.folder}``, ``name``, ``id``, ``group``, ``job_type`` and ``tags``: any
    Lightning logger can so be named, and continued by a resumed run.

    Args:
        tracking: those values.
        hyperparameters: what it is told in place of the whole configuration.
    """
    told = OmegaConf.merge(config, {"tracking": dict(tracking)})
    if not told.logger.get("_target_"):
        return None
    from restore.tracking.logger import GuardedLogger  # with it comes Lightning, which not every command needs

    try:
        logger = GuardedLogger(build(told.logger))
    except RequestError:
        raise
    except Exception as error:  # whatever a tracking service throws
        log.warning(f"tracking could not start, training goes on without it: {error}")
        return None
    logger.log_hyperparams(to_plain(told) if hyperparameters is None else dict(hyperparameters))
    return logger


@contextmanager
def tracked(
    config: DictConfig, tracking: Mapping[str, Any], hyperparameters: Mapping[str, Any] | None = None
) -> Iterator[GuardedLogger | None]:
    """The same for as long as a command is at work, and ended with it."""
    logger = start_logger(config, tracking, hyperparameters)
    status = "failed"
    try:
        yield logger
        status = "success"
    finally:
        if logger:
            logger.finalize(status)
            logger.finish(failed=status == "failed")


def tracking_of(config: DictConfig, folder: RunFolder) -> dict[str, Any]:
    """What a tracking service shows a training under, where its files go, and what it knows it by after a resume."""
    return {
        "folder": str(folder),
        "name": run_name(config.name, folder.name, in_sweep=bool(config.sweep.name)),
        "id": folder.identity,
        "group": config.sweep.name or config.name,
        "job_type": "train",
        "tags": [config.task.name, config.model.name, config.budget.name],
    }


def evaluation_tracking(
    config: DictConfig, place: str, run: RunFolder | None, training: DictConfig | None
) -> dict[str, Any]:
    """The same of an evaluation, which is a run of its own, in the group of the run that it scores.

    Args:
        config: of what is scored.
        place: the folder of its results file.
        training: the configuration of the run that is scored; None where a weights file is, or a method.
    """
    name, group = f"evaluate {config.model.name}", config.task.name
    if run and training:
        in_sweep = bool(training.sweep.name) if "sweep" in training else False
        name = f"evaluate {run_name(training.name, run.name, in_sweep)}"
        group = training.sweep.name if in_sweep else training.name
    return {
        "folder": place,
        "name": name,
        "id": None,
        "group": group,
        "job_type": "evaluate",
        "tags": [config.task.name, config.model.name],
    }


def report_tracking(name: str, place: Path, sweep: RunFolder | None, experiment: str = "") -> dict[str, Any]:
    """The same of a report: that of a sweep is the sweep's own run, which the sweep begins and `restore.report` adds to."""
    return {
        "folder": str(place),
        "name": f"report {name}",
        "id": (sweep.known_identity or None) if sweep else None,
        "group": name,
        "job_type": "report",
        "tags": [experiment] if experiment else [],
    }


def run_name(experiment: str, folder: str, in_sweep: bool) -> str:
    """``experiment/date``, or in a sweep what tells its jobs apart, first.

    Example:
        >>> run_name("red_skip_step", "model.skip_step=2,seed=0", in_sweep=True)
        'skip_step=2,seed=0 red_skip_step'
    """
    return f"{short(folder)} {experiment}" if in_sweep else f"{experiment}/{folder}"

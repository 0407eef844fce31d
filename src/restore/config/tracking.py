"""The logger of a run, told what the run is called."""

from __future__ import annotations

import logging

from omegaconf import DictConfig, OmegaConf

from restore.config.build import build
from restore.config.resolvers import to_plain
from restore.errors import RequestError
from restore.results.grid import short
from restore.runfolder import RunFolder
from restore.tracking.logger import GuardedLogger

log = logging.getLogger("restore")


def build_logger(config: DictConfig, folder: RunFolder) -> GuardedLogger | None:
    """The chosen logger behind its guard, told the whole configuration; None where there is none or it fails.

    A logger's YAML may use ``${tracking.folder}``, ``name``, ``id`` and ``group``: any Lightning logger
    can so be named, and continued by a resumed run.
    """
    told = OmegaConf.merge(config, {"tracking": tracking_of(config, folder)})
    if not told.logger.get("_target_"):
        return None
    try:
        logger = GuardedLogger(build(told.logger))
    except RequestError:
        raise
    except Exception as error:  # whatever a tracking service throws
        log.warning(f"tracking could not start, training goes on without it: {error}")
        return None
    logger.log_hyperparams(to_plain(told))
    if not logger.takes_images:
        log.info(f"logger      {type(logger.inner).__name__} takes no pictures of the validation")
    return logger


def tracking_of(config: DictConfig, folder: RunFolder) -> dict[str, str]:
    """What a tracking service shows a run under, where its files go, and what it knows it by after a resume."""
    return {
        "folder": str(folder),
        "name": run_name(config.name, folder.name, in_sweep=bool(config.sweep.name)),
        "id": folder.identity,
        "group": config.sweep.name or config.name,
    }


def run_name(experiment: str, folder: str, in_sweep: bool) -> str:
    """``experiment/date``, or in a sweep what tells its jobs apart, first.

    Example:
        >>> run_name("red_skip_step", "model.skip_step=2,seed=0", in_sweep=True)
        'skip_step=2,seed=0 red_skip_step'
    """
    return f"{short(folder)} {experiment}" if in_sweep else f"{experiment}/{folder}"

"""A W&B run as Lightning's WandbLogger makes it, offline unless asked, and never asking back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

from lightning.pytorch.loggers import Logger

from restore.errors import unknown_name

log = logging.getLogger(__name__)


def wandb_logger(
    save_dir: str,
    project: str = "restore",
    mode: Literal["offline", "online", "disabled"] = "offline",
    name: str | None = None,
    group: str | None = None,
    job_type: str = "train",
    tags: Sequence[str] = (),
    id: str | None = None,
) -> Logger:
    """A WandbLogger that neither prompts nor waits for long.

    ``mode=online`` without an API key, where W&B would ask on the terminal, and with a server that
    does not answer within 20 seconds, where W&B would wait for nearly two minutes, goes on offline
    and says how to upload later.

    Args:
        save_dir: the run folder; W&B's files go to its ``wandb`` folder.
        mode: ``offline``, ``online`` or ``disabled``.
        id: of a run to be continued.

    Raises:
        RequestError: an unknown mode.
    """
    if mode not in ("offline", "online", "disabled"):
        raise unknown_name("logger.mode", mode, ["offline", "online", "disabled"])
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    wandb.setup(wandb.Settings(silent=True))
    if mode == "online" and not wandb.api.api_key:
        log.warning(
            "logger.mode=online needs a W&B API key (wandb login, or WANDB_API_KEY): this run is logged offline"
        )
        mode = "offline"
    common = {"save_dir": save_dir, "project": project, "name": name, "group": group, "job_type": job_type, "id": id}
    common |= {"tags": list(tags), "log_model": False, "resume": "allow" if id else None}

    def start(mode: str) -> WandbLogger:
        settings = wandb.Settings(init_timeout=20, x_disable_stats=True)
        logger = WandbLogger(**common, offline=mode == "offline", mode=mode, settings=settings)
        run = logger.experiment
        if hasattr(run, "define_metric"):
            run.define_metric("val/psnr", summary="max")
            run.define_metric("val/ssim", summary="max")
        return logger

    try:
        return start(mode)
    except Exception as error:
        if mode != "online":
            raise
        log.warning(f"W&B cannot be reached ({str(error).splitlines()[0]}): this run is logged offline")
        wandb.teardown()
        return start("offline")

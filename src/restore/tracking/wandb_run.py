"""A W&B run as Lightning's WandbLogger makes it, offline unless asked, and never asking back."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from lightning.pytorch.loggers import WandbLogger

from restore.bounds import Count
from restore.errors import unknown_name
from restore.results.quantities import known_quantities
from restore.runfolder import RunFolder

log = logging.getLogger(__name__)

Mode = Literal["offline", "online", "disabled"]
MOST_ROWS = 10_000  # of a table; W&B's own bound on what it shows


class WandbRun(WandbLogger):
    """Lightning's logger, and what it has no method for: the summary, tables, checkpoints and where they come from.

    Args:
        checkpoints: whether `log_checkpoints` does anything.
        arguments: of Lightning's.
    """

    def __init__(self, checkpoints: bool = False, **arguments: Any):
        super().__init__(log_model=False, **arguments)
        self.checkpoints = checkpoints

    def log_summary(self, values: Mapping[str, Any]) -> None:
        """Set values of the run's summary, which no step belongs to."""
        self.experiment.summary.update(dict(values))

    def log_rows(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A W&B Table of the first `MOST_ROWS` rows; what is left out is said."""
        if len(rows) > MOST_ROWS:
            log.info(f"tracking    {key} has its first {MOST_ROWS:,} of {len(rows):,} rows at W&B")
        self.log_table(key, columns=[*columns], data=[[*row] for row in rows[:MOST_ROWS]])

    def log_checkpoints(self, folder: RunFolder, metadata: Mapping[str, Any]) -> None:
        """Versions of the artifact ``model-<id>``, aliases ``last`` and ``best``: weights and what they are read with.

        Args:
            metadata: of the run that they are of.
        """
        if not self.checkpoints:
            return
        import wandb

        # the best one is the newest version: what asks for "latest" gets it
        for alias, file in (("last", folder.last), ("best", folder.best)):
            if not file.is_file():
                continue
            artifact = wandb.Artifact(
                artifact_name(folder), type="model", metadata=dict(metadata) | {"checkpoint": alias}
            )
            artifact.add_file(str(file), name=f"checkpoints/{file.name}")
            for each in (folder.config, folder.overrides):
                if each.is_file():
                    artifact.add_file(str(each), name=str(each.relative_to(folder.path)))
            self.experiment.log_artifact(artifact, aliases=[alias])

    def log_source(self, source: RunFolder) -> None:
        """Say which run's weights this one takes: as a line of the summary, and, online, as a use of its artifact."""
        name = f"{artifact_name(source)}:best"
        self.log_summary({"lineage/from": str(source), "lineage/artifact": name})
        if not self.checkpoints or self.experiment.offline:
            return
        try:
            self.experiment.use_artifact(name)
        except Exception as error:  # it was never uploaded, or to another project: nothing of the run depends on it
            log.info(f"tracking    {name} is not at W&B, and so no line leads to it ({str(error).splitlines()[0]})")


def artifact_name(folder: RunFolder) -> str:
    """What a run's checkpoints are called at W&B.

    Example:
        >>> artifact_name(RunFolder("/nowhere/at/all"))
        'model-unknown'
    """
    return f"model-{folder.known_identity or 'unknown'}"


def wandb_logger(
    save_dir: str,
    project: str = "restore",
    mode: Mode = "offline",
    name: str | None = None,
    group: str | None = None,
    job_type: str = "train",
    tags: Sequence[str] = (),
    id: str | None = None,
    entity: str | None = None,
    system_metrics: bool = True,
    checkpoints: bool = False,
    finish_timeout: Count = 120,
) -> WandbRun:
    """A WandbLogger that neither prompts nor waits for long.

    ``mode=online`` without an API key, where W&B would ask on the terminal, and with a server that
    does not answer within 20 seconds, where W&B would wait for nearly two minutes, goes on offline
    and says how to upload later.

    Args:
        save_dir: the run folder; W&B's files go to its ``wandb`` folder.
        mode: ``offline``, ``online`` or ``disabled``.
        id: of a run to be continued. An agent of a W&B sweep gives its runs theirs.
        entity: a user or team; W&B's default without one.
        system_metrics: whether the machine's load, memory and temperature are sampled.
        checkpoints: whether the best and the last checkpoint become artifacts.
        finish_timeout: seconds that the end of a run waits for uploads to a server that does not answer any more;
            what is left lies in the run folder, for ``wandb sync``.

    Raises:
        RequestError: an unknown mode.
    """
    if mode not in ("offline", "online", "disabled"):
        raise unknown_name("logger.mode", mode, ["offline", "online", "disabled"])
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    if mode == "online" and not wandb.api.api_key:
        log.warning(
            "logger.mode=online needs a W&B API key (wandb login, or WANDB_API_KEY): this run is logged offline"
        )
        mode = "offline"
    common = {"save_dir": save_dir, "project": project, "name": name, "group": group, "job_type": job_type, "id": id}
    common |= {"tags": list(tags), "entity": entity, "resume": "allow" if id else None}
    bounds = {"finish_timeout": float(finish_timeout)}  # which older versions of wandb do not know

    def start(mode: Mode) -> WandbRun:
        known = {key: value for key, value in bounds.items() if key in wandb.Settings.model_fields}
        settings = wandb.Settings(init_timeout=20, x_disable_stats=not system_metrics, **known)
        logger = WandbRun(checkpoints, **common, offline=mode == "offline", mode=mode, settings=settings)
        run = logger.experiment
        if hasattr(run, "define_metric"):
            for each in known_quantities():
                run.define_metric(f"val/{each.name}", summary="max" if each.higher_is_better else "min")
        return logger

    try:
        return start(mode)
    except Exception as error:
        if mode != "online":
            raise
        log.warning(f"W&B cannot be reached ({str(error).splitlines()[0]}): this run is logged offline")
        wandb.teardown()
        return start("offline")

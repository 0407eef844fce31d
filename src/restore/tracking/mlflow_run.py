"""An MLflow run in a database of this machine, found again by a run that goes on."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger, MLFlowLogger
from lightning.pytorch.loggers.logger import DummyLogger
from lightning.pytorch.utilities import rank_zero_only

from restore.errors import RequestError

TAG = "restore.id"  # of an MLflow run: the identity of its run folder


class MlflowRun(MLFlowLogger):
    """Lightning's logger under names that MLflow takes: ``test/set12/sigma=25/…`` is ``test/set12/sigma_25/…`` there.

    A run that is gone on with keeps the parameters that it began with: MLflow lets none of them change.

    Args:
        run_id: of a run to be gone on with.
        arguments: of Lightning's.
    """

    def __init__(self, run_id: str | None = None, **arguments: Any):
        super().__init__(run_id=run_id, **arguments)
        self.goes_on = run_id is not None

    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:  # type: ignore[override]
        if not self.goes_on:
            super().log_hyperparams(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        super().log_metrics({allowed(key): value for key, value in metrics.items()}, step)


def allowed(key: str) -> str:
    """A metric's name with an underscore for each run of letters that MLflow refuses.

    Example:
        >>> allowed("test/set12/sigma=25/dncnn+border=0/psnr")
        'test/set12/sigma_25/dncnn_border_0/psnr'
    """
    return re.sub(r"[^\w/. -]+", "_", key, flags=re.ASCII)


def mlflow_logger(store: str, experiment: str, name: str | None = None, id: str | None = None) -> Logger:
    """A logger whose run is shown under a name, and gone on with where one of that identity is in the store.

    Args:
        store: a file for a SQLite database, which is made where there is none, or the address of a server.
        experiment: MLflow's, that the run is of.
        id: of the run folder; kept as the tag ``restore.id``.

    Raises:
        RequestError: MLflow is not installed.
    """
    try:
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise RequestError("logger=mlflow needs MLflow: pip install -e '.[mlflow]'") from error
    if rank_zero_only.rank != 0:  # one process writes, and makes the database where there is none
        return DummyLogger()
    address = store if "://" in store else f"sqlite:///{Path(store).expanduser().resolve()}"
    if address.startswith("sqlite:///"):
        Path(address.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(address)
    known = client.get_experiment_by_name(experiment)
    runs = client.search_runs([known.experiment_id], f"tags.`{TAG}` = '{id}'") if known and id else []
    run = runs[0].info.run_id if runs else None
    if run:
        client.update_run(run, status="RUNNING")
    logger = MlflowRun(
        experiment_name=experiment, run_name=name, tracking_uri=address, tags={TAG: id} if id else {}, run_id=run
    )
    logger.run_id  # noqa: B018 (makes the run: a store that cannot be written is found before anything is trained)
    return logger

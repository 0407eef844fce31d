"""A logger that cannot hurt: what fails in tracking is said once, and training goes on."""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import Logger
from PIL import Image

from restore.runfolder import RunFolder

log = logging.getLogger(__name__)


class GuardedLogger(Logger):
    """Hands every call to another logger, and drops that logger at its first failure.

    Args:
        inner: any Lightning logger.
    """

    def __init__(self, inner: Logger):
        super().__init__()
        self.inner: Logger | None = inner

    def guarded(self, call: Callable[[Logger], Any]) -> Any:
        """``call(inner)``, or None once the inner logger has failed."""
        if self.inner is None:
            return None
        try:
            return call(self.inner)
        except Exception as error:  # whatever a tracking service throws
            log.warning(f"tracking with {type(self.inner).__name__} stopped, training goes on: {error}")
            self.inner = None
            return None

    @property
    def name(self) -> str | None:
        return self.guarded(lambda inner: inner.name)

    @property
    def version(self) -> int | str | None:
        return self.guarded(lambda inner: inner.version)

    @property
    def save_dir(self) -> str | None:
        return self.guarded(lambda inner: inner.save_dir)

    @property
    def experiment(self) -> Any:
        return self.guarded(lambda inner: inner.experiment)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.guarded(lambda inner: inner.log_metrics(metrics, step))

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        self.guarded(lambda inner: inner.log_hyperparams(params, *args, **kwargs))

    @property
    def takes_images(self) -> bool:
        """Whether the inner logger shows pictures: W&B's and TensorBoard's do, CSV does not."""
        return bool(self.guarded(lambda inner: hasattr(inner, "log_image") or hasattr(inner.experiment, "add_image")))

    def log_image(self, key: str, images: list, step: int, caption: list[str]) -> None:
        """Pictures, for a logger that takes them."""
        self.guarded(lambda inner: _log_image(inner, key, images, step, caption))

    def log_pictures(self, files: Sequence[Path], step: int) -> None:
        """Picture files, each under ``figures/`` and its name, for a logger that takes pictures."""
        for file in files if self.takes_images else ():
            with Image.open(file) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            self.log_image(f"figures/{file.stem}", [pixels], step, [file.name])

    def log_summary(self, values: Mapping[str, Any], step: int) -> None:
        """What a run reached: W&B's summary takes it as it is, any other logger the numbers in it, at that step."""
        self.guarded(lambda inner: _log_summary(inner, values, step))

    def log_rows(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table, for a logger that has tables."""
        self._where_known("log_rows", key, columns, rows)

    def log_checkpoints(self, folder: RunFolder, metadata: Mapping[str, Any]) -> None:
        """The best and the last checkpoint of a run, for a logger that keeps such where it was asked to."""
        self._where_known("log_checkpoints", folder, metadata)

    def log_source(self, source: RunFolder) -> None:
        """The run whose weights are taken, for a logger that draws such lines."""
        self._where_known("log_source", source)

    def _where_known(self, method: str, *arguments: Any) -> None:
        self.guarded(lambda inner: getattr(inner, method, lambda *_: None)(*arguments))

    def finish(self, failed: bool = False) -> None:
        """End the run at the service, so that a next one in this process starts its own."""
        self.guarded(lambda inner: _finish(inner, failed))

    def save(self) -> None:
        self.guarded(lambda inner: inner.save())

    def finalize(self, status: str) -> None:
        self.guarded(lambda inner: inner.finalize(status))


def _finish(inner: Logger, failed: bool) -> None:
    if hasattr(inner.experiment, "finish"):
        inner.experiment.finish(exit_code=int(failed))
    else:
        inner.save()


def _log_summary(inner: Logger, values: Mapping[str, Any], step: int) -> None:
    if hasattr(inner, "log_summary"):
        inner.log_summary(values)
    else:
        numbers = {key: float(value) for key, value in values.items() if isinstance(value, Real)}
        inner.log_metrics(numbers, step)


def _log_image(inner: Logger, key: str, images: list, step: int, caption: list[str]) -> None:
    if hasattr(inner, "log_image"):
        inner.log_image(key=key, images=images, step=step, caption=caption)
    else:
        for image, text in zip(images, caption, strict=True):
            inner.experiment.add_image(f"{key}/{text.split(' ')[0]}", image, step, dataformats="HWC")

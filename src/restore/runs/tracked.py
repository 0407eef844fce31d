"""What loggers are told of an evaluation, a sweep and a report, each when it has its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig
from torch import nn

from restore.config.compose import compose
from restore.config.tracking import report_tracking, tracked
from restore.models.cost import Cost, count_cost
from restore.results import store
from restore.results.rows import RunMetadata
from restore.runfolder import RunFolder
from restore.tracking.panels import TestedImages
from restore.tracking.record import send_rows, send_tables
from restore.tracking.text_tables import text_tables

if TYPE_CHECKING:
    from restore.tracking.logger import GuardedLogger

SIDE = 48  # pixels of the image that an evaluated network's cost is counted on; strides of 2, 3 and 4 divide it
LOGGER_KEYS = ("logger", "logger.mode", "logger.project", "logger.entity")  # words of `restore.report`


def track_evaluation(
    logger: GuardedLogger,
    network: nn.Module,
    channels: int,
    metadata: RunMetadata,
    rows: Sequence[dict],
    tested: TestedImages,
    pictures: Sequence[Path],
    run: RunFolder | None,
) -> None:
    """The same of what was scored.

    Args:
        channels: of the network's images.
        run: whose weights were scored.
    """
    step = 0
    trained = {"train/patches": metadata.patches} if metadata.patches else {}
    logger.log_summary(trained | cost_summary(count_cost(network, channels, SIDE, SIDE), SIDE), step)
    logger.log_summary(weights_summary(metadata), step)
    send_rows(logger, rows, metadata, step)
    send_pictures(logger, tested, pictures, step)
    if run:
        logger.log_source(run)


def send_pictures(logger: GuardedLogger, tested: TestedImages, pictures: Sequence[Path], step: int) -> None:
    """Panels of tested images, and the figures that were drawn, to a logger that takes them."""
    if logger.takes_images:
        tested.send(logger, step)
        logger.log_pictures(pictures, step)


def cost_summary(cost: Cost, side: int) -> dict[str, float]:
    """Parameters, GMAC for a pixel of an image of that side, and the receptive field in pixels, 0 for the whole image."""
    return {
        "network/parameters": cost.parameters,
        "network/gmac_per_pixel": cost.macs / side**2 / 1e9,
        "network/receptive_field": cost.receptive_field,
    }


def weights_summary(metadata: RunMetadata) -> dict[str, str]:
    """Which weights were scored, by their hash; nothing of a network that has none."""
    return {"checkpoint/sha256": metadata.checkpoint_sha256} if metadata.checkpoint_sha256 else {}


# -- reports ---------------------------------------------------------------------------------------


def track_sweep(config: DictConfig, folder: RunFolder, text: str, states: Mapping[str, int]) -> None:
    """A run of job type report for a sweep: how its jobs ended, and all their rows.

    Args:
        config: what its jobs share.
        text: the summary, with its table.
        states: how many jobs ended so.
    """
    folder.create()
    rows = store.read(folder.results) if folder.results.is_file() else []
    facts = report_tracking(folder.name, folder.path, folder, config.name)
    with tracked(config, facts, {"sweep": folder.name, "experiment": config.name}) as logger:
        if logger:
            logger.log_summary({f"jobs/{state}": count for state, count in states.items()}, 0)
            _send_report(logger, text, rows, ())


def track_report(
    words: Mapping[str, str],
    name: str,
    text: str,
    rows: Sequence[dict],
    pictures: Sequence[Path],
    sweep: RunFolder | None,
    out: Path,
) -> None:
    """A run of job type report for what `restore.report` printed: its tables, the rows of a sweep, the pictures.

    Args:
        words: those of `LOGGER_KEYS` that were typed, ``logger`` among them.
        name: of the sweep, or of the tables.
        sweep: whose own run it adds to, where the sweep began one.
        out: where the report was written; takes the logger's files.

    Raises:
        RequestError: there is no such logger.
    """
    config = compose("evaluate", [f"{key}={value}" for key, value in words.items()])
    experiment = str(rows[0]["experiment"]) if rows else ""
    facts = report_tracking(name, out, sweep, experiment)
    with tracked(config, facts, {"report": name, "experiment": experiment}) as logger:
        if logger:
            _send_report(logger, text, rows, pictures)


def _send_report(logger: GuardedLogger, text: str, rows: Sequence[dict], pictures: Sequence[Path]) -> None:
    for number, (title, header, lines) in enumerate(text_tables(text), start=1):
        cells: list[list[Any]] = [[title, *line] for line in lines]
        logger.log_rows(f"report/table_{number}", ["table", *header], cells)
    if rows:
        send_tables(logger, rows)
    logger.log_pictures(pictures, 0)

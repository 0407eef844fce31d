"""``degrade=true``: clean images are degraded by a network's task, restored and scored."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping

import torch
from omegaconf import DictConfig, open_dict

from restore import atomic, photos
from restore.application.files import Job, Jobs
from restore.application.network import TrainedNetwork
from restore.colour import to_luma
from restore.config.build import build_protocols, build_settings, test_channels
from restore.config.compose import compose
from restore.config.experiment import check_told
from restore.config.metrics import build_metrics
from restore.data.datasets import WholeImage
from restore.errors import OutsideError, RequestError
from restore.evaluation.score import Restoration, score_image
from restore.files import printable
from restore.image import to_levels
from restore.photos import Photo

log = logging.getLogger("restore")
RECORD = "scores.csv"
COLUMNS = ("file", "setting", "protocol", "metric", "value", "value_input")
GAP = 8  # white pixels between two pictures


def run_trials(
    jobs: Jobs, trained: TrainedNetwork, strengths: Mapping[str, float], precision: str = "32", max_pixels: int = 10**8
) -> None:
    """Write degraded | restored | clean of every file and setting, ``<name>_<setting>.png``, and their scores.

    Scored as `restore.evaluate` does by its first protocol, on the 8 bits that its sets have.

    Args:
        strengths: of the task, ``{"sigma": 25}``; those of its tables where it is empty.

    Raises:
        RequestError: the output is no folder, or the task has no such strength.
        OutsideError: some files could not be read; the others were restored.
    """
    if jobs.folder is None:
        raise RequestError("degrade=true writes several files: output=<folder>")
    task = _with_strengths(trained.config.task, strengths)
    scoring = compose("evaluate", [])
    protocol, metrics = build_protocols(scoring)[0], build_metrics(scoring)
    settings = build_settings(task)
    check_told(trained.network, settings, trained.name)
    device = next((parameter.device for parameter in trained.network.parameters()), torch.device("cpu"))
    rows, failures = [], []
    for index, job in enumerate(jobs.jobs):
        name = printable(job.source.name)
        try:
            photo = photos.read(job.source, max_pixels)
        except RequestError as error:
            log.error(str(error))
            failures.append(name)
            continue
        if photo.bits > 8:
            log.info(f"{name}: {photo.bits} bits, rounded to 8 to be scored")
        levels = to_luma(to_levels(photo.to_unit()), test_channels(task), task.luma).to(device)
        for setting in settings:
            image = WholeImage("your own", job.source.stem, index, levels)
            restoration = score_image(trained.network, image, protocol, setting, metrics, precision)
            _draw(job, setting.name, restoration)
            for score in restoration.scores:
                values = (score.protocol, score.metric, f"{score.value:.4f}", f"{score.value_input:.4f}")
                rows.append(dict(zip(COLUMNS, (name, setting.name, *values), strict=True)))
            said = ", ".join(f"{s.metric} {s.value_input:.4g} → {s.value:.4g}" for s in restoration.scores)
            log.info(f"{name}, {setting.name}: {said}")
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic.write(jobs.folder / RECORD, text.getvalue())
    log.info(f"scores by protocol {protocol.name}: {jobs.folder / RECORD}")
    if failures:
        raise OutsideError(f"{len(failures)} of {len(jobs.jobs)} files were not read: {', '.join(failures[:5])}")


def _with_strengths(task: DictConfig, strengths: Mapping[str, float]) -> DictConfig:
    """A run's task with other strengths; what follows from them in it follows."""
    changed = task.copy()
    changed._set_parent(task._get_parent())
    with open_dict(changed):
        for key, value in strengths.items():
            if key not in changed:
                raise RequestError(f"{key}=: the task {task.name} has no such strength")
            changed[key] = int(value) if float(value).is_integer() else value
            if f"test_{key}" in changed:
                changed[f"test_{key}"] = [changed[key]]
    return changed


def _draw(job: Job, setting: str, restoration: Restoration) -> None:
    states = (restoration.pair.degraded, restoration.restored, restoration.pair.clean)
    gap = torch.ones(1, states[0].shape[1], states[0].shape[2], GAP)
    degraded, restored, clean = (state.float().cpu().clamp(0, 1) for state in states)
    strip = torch.cat([degraded, gap, restored, gap, clean], dim=3)
    levels = to_levels(strip)[0].permute(1, 2, 0).numpy()
    label = "".join(c if c.isalnum() or c in "=.-" else "_" for c in setting)
    target = job.target.with_name(f"{job.target.stem}_{label}.png")
    target.parent.mkdir(parents=True, exist_ok=True)
    photos.write(Photo(levels[..., 0].copy() if levels.shape[2] == 1 else levels.copy()), target)

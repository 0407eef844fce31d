"""A grid: the jobs that a request stands for, and what they will cost."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from restore.config.build import build_network
from restore.config.compose import compose
from restore.config.loading import parse
from restore.config.overrides import composable
from restore.errors import RequestError
from restore.jobs.job import Job
from restore.models.cost import Cost, count_cost
from restore.results.tables import markdown
from restore.runfolder import RunFolder
from restore.training.durations import clock, seconds
from restore.training.hardware import device_kind, matrix_peak

RESOURCES = ("hydra/launcher=", "hydra.launcher.")  # where a job runs; no part of what it is


def expand(config_name: str, arguments: Sequence[str]) -> tuple[list[Job], DictConfig]:
    """The jobs of a request, in the order of its words, and the configuration they share.

    The grid is that of the command line and of the experiment's ``hydra.sweeper.params``; a key on
    the command line replaces the experiment's.

    Raises:
        RequestError: the words cannot be read or composed.
    """
    overrides = [parse(word) for word in arguments if not word.startswith("-")]
    words = [override.input_line for override in overrides if not override.is_sweep_override()]
    # a key that is added (a range in place of a set: `restore.config.overrides.normalise_overrides`) others refer to
    added = [o for o in overrides if o.is_sweep_override() and o.is_add()]
    first = [f"{o.get_key_element()}={next(o.sweep_string_iterator())}" for o in added]
    shared = compose(config_name, composable([*words, *first]), hydra_too=True)
    axes = grid_axes(overrides, shared)
    resources = [word for word in words if word.startswith(RESOURCES)]
    constants = [word for word in words if not word.startswith((*RESOURCES, "sweep."))]
    name = sweep_name(shared.name, constants, axes, overrides)
    root = (Path(shared.paths.runs) / "sweeps" / name).resolve()
    jobs = []
    for values in itertools.product(*axes.values()):
        own = [f"{key}={value}" for key, value in zip(axes, values, strict=True)]
        folder = RunFolder(root / folder_name(own))
        jobs.append(Job([*constants, *own, f"sweep.name='{name}'"], own, folder, resources))
    return jobs, shared


def grid_axes(overrides: Sequence[Override], shared: DictConfig) -> dict[str, list[str]]:
    """The keys that differ from job to job, with their values: those typed, then the experiment's."""
    axes = {o.get_key_element(): list(o.sweep_string_iterator()) for o in overrides if o.is_sweep_override()}
    typed = {override.key_or_group for override in overrides}
    for key, values in (shared.hydra.sweeper.get("params") or {}).items():
        if key.lstrip("+~") not in typed:
            override = parse(f"{key}={values}")
            axes[key] = list(override.sweep_string_iterator()) if override.is_sweep_override() else [str(values)]
    return axes


def sweep_name(
    experiment: str, constants: Sequence[str], axes: Mapping[str, Sequence[str]], overrides: Sequence[Override]
) -> str:
    """The grid's name, which depends on the request alone: the experiment's as it stands, else with a hash."""
    request = "\n".join(sorted([*constants, *(f"{key}={','.join(values)}" for key, values in axes.items())]))
    tag = hashlib.sha256(request.encode()).hexdigest()[:10]
    experiments = [word for word in constants if word.startswith("experiment=")]
    if not experiments:
        return tag
    unchanged = experiments == list(constants) and not set(axes) & {override.key_or_group for override in overrides}
    return experiment if unchanged else f"{experiment}-{tag}"


def folder_name(own: Sequence[str]) -> str:
    """The job's own overrides as a file name."""
    name = ",".join(word.lstrip("+") for word in own).replace("/", "_").replace("'", "").replace('"', "") or "job"
    return name if len(name) <= 150 else f"{name[:120]}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


# -- what it will cost -----------------------------------------------------------------------------


def listing(config_name: str, jobs: Sequence[Job]) -> str:
    """Each job with its parameters, receptive field, GMAC per patch and estimated time, and the sum of the times."""
    rows, total = [], 0.0
    for job in jobs:
        cost, duration = job_cost(config_name, job)
        total += duration if job.state != "finished" else 0.0
        numbers = [f"{cost.parameters:,}", str(cost.receptive_field or "whole image"), f"{cost.macs / 1e9:.3f}"]
        rows.append([job.name, *numbers, clock(duration), job.state])
    table = markdown(("job", "parameters", "receptive field", "GMAC per patch", "time at most", "state"), rows)
    return f"{table}\n\n{len(jobs)} jobs, {clock(total)} left at most, in {jobs[0].folder.path.parent}"


def job_cost(config_name: str, job: Job) -> tuple[Cost, float]:
    """What the job's network costs, and the seconds it may take.

    Raises:
        RequestError: its network cannot be built; the sentence names the job.
    """
    config = compose(config_name, composable(job.words))
    try:
        network = build_network(config.model)
    except RequestError as error:
        raise RequestError(f"{job.name}: {error}") from error
    cost = count_cost(network, config.task.channels, config.data.patch_size, config.data.patch_size)
    return cost, estimated_seconds(config, cost.macs) if cost.parameters else 0.0


def estimated_seconds(config: DictConfig, macs: int) -> float:
    """The run's time limit, or its work at half of the measured matrix peak, whichever is less."""
    precision = str(config.trainer.precision)
    flops = 6.0 * macs * config.data.batch_size * config.trainer.max_steps
    work = flops / (0.5 * matrix_peak(device_kind(config.accelerator), precision))
    return min(work, seconds(config.trainer.max_time) or work)

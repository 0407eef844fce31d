"""A grid: the jobs that a request stands for, and what they will cost."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from restore.config.build import build_network
from restore.config.compose import compose
from restore.errors import RequestError
from restore.jobs.job import Job
from restore.models.cost import count_cost
from restore.results.tables import markdown
from restore.runfolder import RunFolder
from restore.training.budget import seconds
from restore.training.hardware import device_kind, matrix_peak
from restore.training.progress import clock


def expand(config_name: str, arguments: Sequence[str]) -> tuple[list[Job], DictConfig]:
    """The jobs of a request, in the order of its words, and the configuration they share.

    The grid is that of the command line and of the experiment's ``hydra.sweeper.params``; a key on
    the command line replaces the experiment's.

    Raises:
        RequestError: the words cannot be read or composed.
    """
    parser = OverridesParser.create()
    parsed = [parser.parse_override(word) for word in arguments if not word.startswith("-")]
    fixed = [o.input_line for o in parsed if not o.is_sweep_override()]
    shared = compose(config_name, [w for w in fixed if not w.startswith("hydra")], hydra_too=True)
    swept = {o.get_key_element(): list(o.sweep_string_iterator()) for o in parsed if o.is_sweep_override()}
    given = {o.key_or_group for o in parsed}
    for key, values in (shared.hydra.sweeper.get("params") or {}).items():
        if key.lstrip("+~") not in given:
            override = parser.parse_override(f"{key}={values}")
            swept[key] = list(override.sweep_string_iterator()) if override.is_sweep_override() else [str(values)]
    chosen = [word for word in fixed if word.startswith("experiment=")]
    placed = [word for word in fixed if word.startswith(("hydra/launcher=", "hydra.launcher."))]
    elsewhere = [*placed, *(word for word in fixed if word.startswith("sweep."))]  # where and how, not what
    fixed = [word for word in fixed if word not in elsewhere]
    asked = "\n".join(sorted([*fixed, *(f"{key}={','.join(values)}" for key, values in swept.items())]))
    tag = hashlib.sha256(asked.encode()).hexdigest()[:10]
    plain_experiment = len(chosen) == 1 and len(fixed) == 1 and not set(swept) & given
    sweep_name = shared.name if plain_experiment else f"{shared.name}-{tag}" if chosen else tag
    root = (Path(shared.paths.runs) / "sweeps" / sweep_name).resolve()
    jobs = []
    for values in itertools.product(*swept.values()):
        own = [f"{key}={value}" for key, value in zip(swept, values, strict=True)]
        words = [*fixed, *own, f"sweep.name='{sweep_name}'"]
        jobs.append(Job(words, own, RunFolder(root / folder_name(own)), placed))
    return jobs, shared


def folder_name(own: Sequence[str]) -> str:
    """The job's own overrides as a file name."""
    name = ",".join(word.lstrip("+") for word in own).replace("/", "_").replace("'", "").replace('"', "") or "job"
    return name if len(name) <= 150 else f"{name[:120]}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def listing(config_name: str, jobs: Sequence[Job]) -> str:
    """Each job with its parameters, receptive field, GMAC per patch and estimated time, and the sum of the times."""
    rows, total = [], 0.0
    for job in jobs:
        config = compose(config_name, [word for word in job.words if not word.startswith("hydra")])
        try:
            network = build_network(config.model)
        except RequestError as error:
            raise RequestError(f"{job.name}: {error}") from error
        cost = count_cost(network, *(config[g][k] for g, k in SIZES))
        estimate = estimated_seconds(config, cost.macs) if cost.parameters else 0.0
        total += estimate if job.state != "finished" else 0.0
        numbers = [f"{cost.parameters:,}", str(cost.receptive_field), f"{cost.macs / 1e9:.3f}"]
        rows.append([job.name, *numbers, clock(estimate), job.state])
    table = markdown(("job", "parameters", "receptive field", "GMAC per patch", "time at most", "state"), rows)
    return f"{table}\n\n{len(jobs)} jobs, {clock(total)} left at most, in {jobs[0].folder.path.parent}"


SIZES = (("task", "channels"), ("data", "patch_size"), ("data", "patch_size"))


def estimated_seconds(config: DictConfig, macs: int) -> float:
    """The run's time limit, or its work at half of the measured matrix peak, whichever is less."""
    precision = str(config.trainer.precision)
    flops = 6.0 * macs * config.data.batch_size * config.trainer.max_steps
    work = flops / (0.5 * matrix_peak(device_kind(config.trainer.accelerator), precision))
    return min(work, seconds(config.trainer.max_time) or work)

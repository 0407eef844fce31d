"""What is known of the network behind a row of results: its configuration, what it costs, and what it was trained on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from restore.config.build import build_network
from restore.config.compose import compose, run_config
from restore.config.loading import configuration
from restore.config.overrides import normalise_overrides
from restore.config.resolvers import to_plain
from restore.errors import RequestError
from restore.models.cost import Cost, count_cost
from restore.models.fusion import merge_batch_norm
from restore.released import find, is_released
from restore.results.grid import without_seed
from restore.results.records import Record
from restore.runfolder import RunFolder, shipped_runs

WORDS = re.compile(r",(?=[\w./@]+=)")  # between the words of a job's name
STRENGTHS = {  # the degradation that a setting's parameter is of
    "sigma": "noise.GaussianNoise",
    "scale": "bicubic.BicubicDownUp",
    "quality": "jpeg.JPEG",
    "kernel": "blur.Blur",
    "font_size": "overlay.Text",
}
MIX = "mix.Mix"


class KnownNetworks:
    """Looks up the networks of rows, each once: seeds of one point of a grid have one configuration.

    A configuration is that of the run's folder where it is here, of a run that comes with the package, or of an
    authors' file; of a kept record it is composed again from the experiment and the job's name. Where none of them is
    there nothing is known, and nothing guessed.

    Args:
        records: that the rows are of.
    """

    def __init__(self, records: Sequence[Record]):
        self._folders: dict[tuple[str, str], list[Path]] = {}
        for record in records:
            for run in dict.fromkeys((row["experiment"], row["run"]) for row in record.rows):
                self._folders.setdefault(run, []).append(record.folder)
        self._configs: dict[tuple[str, str, str], DictConfig | None] = {}
        self._costs: dict[tuple[str, str, str, str], Cost | None] = {}

    def config(self, row: Mapping[str, Any]) -> DictConfig | None:
        """The configuration that the network was trained with; None for a classical method, or where it is not known."""
        key = (row["method_kind"], row["experiment"], without_seed(row["run"]))
        if key not in self._configs:
            self._configs[key] = self._find(row)
        return self._configs[key]

    def _find(self, row: Mapping[str, Any]) -> DictConfig | None:
        kind, run = row["method_kind"], row["run"]
        if kind not in ("network", "released"):
            return None
        try:
            if kind == "released":
                entry = find(run)
                return compose("evaluate", normalise_overrides([f"model={entry.network}", *entry.words]))
            name = run.rpartition("/")[2]
            places = [
                place for folder in self._folders.get((row["experiment"], run), ()) for place in (folder, folder / run)
            ]
            for place in places:
                if RunFolder(place).config.is_file():
                    return run_config(RunFolder(place))
            if name in shipped_runs():
                return run_config(name)
            words = [word for word in WORDS.split(run) if re.match(r"[\w./@]+=", word)]
            if ",".join(words) == run and (configuration() / "experiment" / f"{row['experiment']}.yaml").is_file():
                budget = [f"budget={row['budget']}"] if row["budget"] else []
                recipe = [f"recipe={row['recipe']}"] if row["recipe"] else []
                return compose(
                    "config", normalise_overrides([f"experiment={row['experiment']}", *budget, *recipe, *words])
                )
        except (RequestError, OmegaConfBaseException):
            pass
        return None

    def cost(self, row: Mapping[str, Any]) -> Cost | None:
        """Parameters and multiply-accumulates a pixel, batch norm folded in; None where the network is not known."""
        key = (row["method_kind"], row["experiment"], without_seed(row["run"]), str(row["channels"]))
        if key not in self._costs:
            self._costs[key] = self._count(row)
        return self._costs[key]

    def _count(self, row: Mapping[str, Any]) -> Cost | None:
        config = self.config(row)
        if config is None or config.model.name != row["model"]:
            return None
        side = 2**3 * 3**2  # which strides of 2 and 3 divide
        try:
            with torch.random.fork_rng(devices=[]):
                network = merge_batch_norm(build_network(config.model))
            whole = count_cost(network, int(config.task.channels), side, side)
        except (RequestError, OmegaConfBaseException, RuntimeError, ValueError, TypeError):
            return None
        return Cost(whole.parameters, round(whole.macs / side**2), whole.receptive_field)

    def trained_on(self, row: Mapping[str, Any]) -> bool | None:
        """Whether the setting of a row is one that its network was trained on; None where that is not known.

        A network of a range of strengths was trained on each of them, whatever else its task mixes; one of a chain was
        trained on no single link of it.
        """
        if row["method_kind"] == "released":
            return find(row["run"]).fits(row["setting"], int(row["channels"])) if is_released(row["run"]) else None
        config = self.config(row)
        parameter, _, value = row["setting"].partition("=")
        if config is None or parameter not in STRENGTHS:
            return None
        return includes(to_plain(config.task.degradation), parameter, value)


def includes(degradation: Mapping[str, Any], parameter: str, value: str) -> bool:
    """Whether a degradation, or a part of a mixture, is of the parameter's kind and draws the value.

    Example:
        >>> noise = {"_target_": "restore.degradations.noise.GaussianNoise", "sigma": [0, 55]}
        >>> includes(noise, "sigma", "25"), includes(noise, "sigma", "70"), includes(noise, "quality", "10")
        (True, False, False)
    """
    target = str(degradation.get("_target_", ""))
    if target.endswith(MIX):
        return any(includes(part, parameter, value) for part in degradation["parts"])
    return target.endswith(STRENGTHS[parameter]) and _draws(degradation.get(parameter), value)


def _draws(strength: Any, value: str) -> bool:
    if isinstance(strength, Mapping):
        return any(_draws(each, value) for each in strength["set"])
    try:
        number = float(value)
        if isinstance(strength, Sequence) and not isinstance(strength, str):
            return float(strength[0]) <= number <= float(strength[1])
        return float(strength) == number
    except (TypeError, ValueError):
        return str(strength) == value

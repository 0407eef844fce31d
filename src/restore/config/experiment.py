"""What a configuration stands for, built once: `restore.run` and `restore.evaluate` share it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from restore.conditions import Network, told
from restore.config.build import build_data, build_network, build_protocols, build_settings
from restore.config.metrics import build_metrics
from restore.data.datasets import Images
from restore.errors import RequestError
from restore.evaluation.baselines import Baseline
from restore.evaluation.metrics import Metric
from restore.evaluation.protocol import Protocol, Setting, settings_of
from restore.evaluation.score import Restoration, Score, score_set, sort_scores
from restore.results import store
from restore.results.report import report
from restore.results.rows import RunMetadata, result_rows

if TYPE_CHECKING:
    from restore.data.datamodule import RestorationData

log = logging.getLogger("restore")

Overlaps = dict[str, dict[str, str]] | None
Keep = Callable[[str, Restoration], None]  # called with a method's name and each image it restored


@dataclass
class Experiment:
    """A network, what corrupts its test images, and how it is scored.

    Attributes:
        config: with the groups ``task`` and ``model`` and the keys of scoring at its top level.
        settings: the corruptions that it is tested with.
        baselines: classical methods that are scored beside it.
    """

    config: DictConfig
    network: nn.Module
    settings: list[Setting]
    protocols: list[Protocol]
    metrics: list[Metric]
    baselines: list[Baseline]

    @classmethod
    def build(cls, config: DictConfig) -> Experiment:
        """Build everything, and refuse what could not be scored before anything is read or trained.

        Raises:
            RequestError: one sentence that says what does not fit.
        """
        settings = build_settings(config.task)
        network = build_network(config.model)
        check_told(network, settings, config.model.name)
        baselines = [Baseline(name) for name in config.baselines]
        for baseline in baselines:
            check_baseline(baseline, settings)
        return cls(config, network, settings, build_protocols(config), build_metrics(config), baselines)

    @cached_property
    def data(self) -> RestorationData:
        """The data module of the configuration's ``data`` group."""
        data = build_data(self.config)
        check_told(self.network, data.degradation, self.config.model.name)
        return data

    @property
    def trainable(self) -> bool:
        return any(parameter.requires_grad for parameter in self.network.parameters())

    def score(
        self,
        network: Network,
        tests: Sequence[Images],
        precision: str,
        device: torch.device,
        keep: Callable[[Restoration], None] | None = None,
    ) -> list[Score]:
        """Every image of every set, by every protocol and in every setting of the set.

        A classical method is scored in the settings that it is for.

        Args:
            keep: called with every restored image, to draw it.
        """
        return [
            score
            for images in tests
            for protocol in self.protocols
            for setting in settings_of(self.settings, images.name)
            if not isinstance(network, Baseline) or network.fits(setting.degradation)
            for score in score_set(network, images, protocol, setting, self.metrics, precision, device, keep)
        ]

    def record(
        self,
        scores: Sequence[Score],
        metadata: RunMetadata,
        tests: Sequence[Images],
        overlaps: Overlaps,
        file: Path,
        keep: Keep | None = None,
    ) -> list[dict]:
        """Rows of the network and of the baselines beside it, stored, and their tables said.

        Args:
            keep: called with each image that a baseline restored, to draw it.
        """
        rows = [*self._baseline_rows(metadata, tests, overlaps, keep), *result_rows(scores, metadata, overlaps)]
        store.append(file, rows)
        log.info("\n" + report(rows, self.protocols, self.settings, self.metrics) + "\n")
        return rows

    def _baseline_rows(
        self, metadata: RunMetadata, tests: Sequence[Images], overlaps: Overlaps, keep: Keep | None
    ) -> list[dict]:
        names, rows = [images.name for images in tests], []
        for baseline in self.baselines:
            keep_its = partial(keep, baseline.name) if keep else None
            scores = self.score(baseline, tests, "32", torch.device("cpu"), keep_its)
            rows += result_rows(sort_scores(scores, names), metadata.of_baseline(baseline.name), overlaps)
        return rows


def recipe_name(config: DictConfig) -> str:
    """The recipe that a run was trained by; runs of before there were others have ours."""
    return str(OmegaConf.select(config, "recipe.name", default="ours"))


def check_baseline(baseline: Baseline, settings: Sequence[Setting]) -> None:
    """Say in which settings a classical method is left out.

    Raises:
        RequestError: it is for none of them.
    """
    others = [setting.name for setting in settings if not baseline.fits(setting.degradation)]
    if len(others) == len(settings):
        baseline.check(settings[0].degradation, settings[0].name)
    if others:
        log.info(f"baselines   {baseline.name} is not for {', '.join(others)}, and left out there")


def check_told(network: Network, degradations: Sequence[Setting] | nn.Module, name: str) -> None:
    """Refuse a network that asks for what a degradation does not give.

    Raises:
        RequestError: names the condition and what there is.
    """
    given = (
        {setting.name: setting.degradation.conditions for setting in degradations}
        if isinstance(degradations, Sequence)
        else {"the task": degradations.conditions}
    )
    for place, conditions in given.items():
        missing = [condition for condition in told(network) if condition not in conditions]
        if missing:
            known = f"only {', '.join(conditions)}" if conditions else "nothing"
            raise RequestError(
                f"model={name} is told {', '.join(missing)}, and of {place} {known} is known: "
                "choose a blind model, or a task of one degradation"
            )

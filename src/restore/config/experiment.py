"""What a configuration stands for, built once: `restore.run` and `restore.evaluate` share it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from restore.conditions import Network, told
from restore.config.build import build_data, build_network, build_protocols, build_settings
from restore.config.methods import ComparedMethod, compared_methods
from restore.config.metrics import build_metrics
from restore.data.datasets import Images
from restore.errors import RequestError
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
        baselines: the methods that are scored beside it.
        start: where a training took its first weights from; None for a start from scratch.
    """

    config: DictConfig
    network: nn.Module
    settings: list[Setting]
    protocols: list[Protocol]
    metrics: list[Metric]
    baselines: list[ComparedMethod]
    start: Path | None = None

    @classmethod
    def build(cls, config: DictConfig) -> Experiment:
        """Build everything, and refuse what could not be scored before anything is read or trained.

        Raises:
            RequestError: one sentence that says what does not fit.
        """
        settings = build_settings(config.task)
        network = build_network(config.model)
        check_told(network, settings, config.model.name)
        methods = compared_methods(config, settings)
        return cls(config, network, settings, build_protocols(config), build_metrics(config), methods)

    @cached_property
    def data(self) -> RestorationData:
        """The data module of the configuration's ``data`` group."""
        data = build_data(self.config, self.settings, aligned=getattr(self.network, "aligned", False))
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

        Args:
            keep: called with every restored image, to draw it.
        """
        return self._score(lambda _: network, tests, precision, device, keep)

    def _score(
        self,
        network_of: Callable[[Setting], Network | None],
        tests: Sequence[Images],
        precision: str,
        device: torch.device,
        keep: Callable[[Restoration], None] | None,
    ) -> list[Score]:
        """The same with a network for each setting, or none."""
        return [
            score
            for images in tests
            for protocol in self.protocols
            for setting in settings_of(self.settings, images.name)
            if (network := network_of(setting)) is not None
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
        same: Sequence[str] = store.MEASUREMENT,
    ) -> list[dict]:
        """Rows of the network and of the methods beside it, stored, and their tables said.

        Args:
            same: columns; earlier rows of the file that are alike in them are replaced.
            keep: called with each image that such a method restored, to draw it.
        """
        rows = [*self._baseline_rows(metadata, tests, overlaps, keep), *result_rows(scores, metadata, overlaps)]
        store.append(file, rows, same)
        log.info("\n" + report(rows, self.protocols, self.settings, self.metrics) + "\n")
        return rows

    def _baseline_rows(
        self, metadata: RunMetadata, tests: Sequence[Images], overlaps: Overlaps, keep: Keep | None
    ) -> list[dict]:
        names, rows = [images.name for images in tests], []
        for method in self.baselines:
            device = method.device(torch.device(metadata.device))
            keep_its = partial(keep, method.shown_as) if keep else None
            scores = self._score(partial(method.network_of, device=device), tests, "32", device, keep_its)
            for setting, its in groupby(sort_scores(scores, names), key=lambda score: score.setting):
                its_metadata = method.metadata_of(setting, metadata)
                own_training = None if its_metadata.method_kind == "released" else overlaps
                rows += result_rows([*its], its_metadata, own_training)
        return rows


def recipe_name(config: DictConfig) -> str:
    """The recipe that a run was trained by; runs of before there were others have ours."""
    return str(OmegaConf.select(config, "recipe.name", default="ours"))


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

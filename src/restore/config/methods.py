"""What is scored beside a network: classical methods, and other papers' networks with their authors' weights."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch
from omegaconf import DictConfig
from torch import nn

from restore.checkpoint import load_weights
from restore.conditions import Network
from restore.config.build import build_network
from restore.config.loading import load
from restore.config.overrides import normalise_overrides
from restore.errors import RequestError, unknown_name
from restore.evaluation.baselines import BASELINES, Baseline
from restore.evaluation.protocol import Setting
from restore.models.fusion import merge_batch_norm
from restore.released import Released, baseline_names, of_baseline
from restore.remote import sha256
from restore.results.crops import AUTHORS
from restore.results.rows import RunMetadata

log = logging.getLogger("restore")


class ComparedMethod(Protocol):
    """A method that ``baselines`` names.

    Attributes:
        shown_as: in pictures.
    """

    name: str
    shown_as: str

    def device(self, beside: torch.device) -> torch.device:
        """Where it computes, beside a network that computes there."""

    def network_of(self, setting: Setting, device: torch.device) -> Network | None:
        """What restores the images of a setting; None where it is not for it."""

    def metadata_of(self, setting: str, beside: RunMetadata) -> RunMetadata:
        """What its rows of a setting say, beside a run that is scored."""


class ClassicalMethod:
    """A method of `restore.evaluation.baselines`, in the settings that it is for.

    Raises:
        RequestError: it is for none of them, or needs a package that is not installed.
    """

    def __init__(self, name: str, settings: Sequence[Setting]):
        self.name, self.shown_as, self.baseline = name, name, Baseline(name)
        others = [setting for setting in settings if not self.baseline.fits(setting.degradation)]
        if others and len(others) == len(settings):
            self.baseline.check(others[0].degradation, others[0].name)
        _log_left_out(name, [setting.name for setting in others])

    def device(self, beside: torch.device) -> torch.device:
        return torch.device("cpu")

    def network_of(self, setting: Setting, device: torch.device) -> Network | None:
        return self.baseline if self.baseline.fits(setting.degradation) else None

    def metadata_of(self, setting: str, beside: RunMetadata) -> RunMetadata:
        return beside.of_baseline(self.name)


class ReleasedMethod:
    """The networks that go by one name in the list of authors' files, each at the strengths it was trained for.

    Args:
        name: as in the list: ``tnrd``, ``csf``, ``srcnn``, ``vdsr``, ``arcnn``, ``red30``, ``ffdnet``, …
        folder: of the files (``paths.weights``).
        absent: what to do about files that are not there: ``stop``, or ``skip`` the settings that they are for.

    Raises:
        RequestError: the list has no file for any of the settings, or the files are not there.
    """

    def __init__(self, name: str, settings: Sequence[Setting], folder: str | None, absent: str = "stop"):
        self.name, self.shown_as = name, name + AUTHORS  # a network of the same name may be trained beside it
        self.files = dict[str, tuple[Released, Path]]()
        self._loaded: dict[Path, nn.Module] = {}
        self._hashes: dict[Path, str] = {}
        entries = {setting.name: _entry_for(name, setting) for setting in settings}
        _log_left_out(name, [setting for setting, entry in entries.items() if entry is None])
        missing = []
        for setting, entry in entries.items():
            if entry:
                try:
                    self.files[setting] = entry, entry.required(folder)
                except RequestError as error:
                    missing.append(error)
        if not any(entries.values()):
            kinds = dict.fromkeys(f"{entry.settings} ({entry.channels} channels)" for entry in of_baseline(name))
            raise RequestError(f"baselines={name} has no file for {', '.join(entries)}: there are {'; '.join(kinds)}")
        if missing and (absent == "stop" or not self.files):
            raise missing[0]
        for error in missing:
            log.warning(f"left out    {error}")

    def device(self, beside: torch.device) -> torch.device:
        return beside

    def network_of(self, setting: Setting, device: torch.device) -> Network | None:
        if setting.name not in self.files:
            return None
        entry, path = self.files[setting.name]
        if path not in self._loaded:
            self._loaded[path] = released_network(entry, path).to(device)
            self._hashes[path] = sha256(path)
        return self._loaded[path]

    def metadata_of(self, setting: str, beside: RunMetadata) -> RunMetadata:
        entry, path = self.files[setting]
        theirs: dict[str, Any] = {"experiment": "", "budget": "", "recipe": "", "seed": 0, "patches": 0}
        theirs |= identity_of(entry) | {"checkpoint_sha256": self._hashes[path]}
        return replace(beside.of_baseline(entry.model), **theirs, device=beside.device)


def compared_methods(config: DictConfig, settings: Sequence[Setting]) -> list[ComparedMethod]:
    """The methods that ``baselines`` names, each for the settings that it can restore.

    One that an experiment names and that cannot be had here is left out, and said; one that is typed has to be had.

    Raises:
        RequestError: an unknown name, or a method that is typed and cannot be had.
    """
    absent, methods = str(config.absent_baselines), list[ComparedMethod]()
    for name in config.baselines:
        if name not in [*BASELINES, *baseline_names()]:
            raise unknown_name("baselines", name, [*BASELINES, *baseline_names()])
        try:
            if name in BASELINES:
                methods.append(ClassicalMethod(name, settings))
            else:
                methods.append(ReleasedMethod(name, settings, config.paths.weights, absent))
        except RequestError as error:
            if absent == "stop":
                raise
            log.warning(f"left out    {error}")
    return methods


def released_network(entry: Released, path: Path) -> nn.Module:
    """The network of an authors' file, ready to restore."""
    config = load("evaluate", normalise_overrides([f"model={entry.model}", *entry.words]))
    return merge_batch_norm(load_weights(build_network(config.model), path, entry.model)).eval()


def identity_of(entry: Released) -> dict[str, str]:
    """What the rows of an authors' file say of where its weights are from, beside their hash."""
    return {"run": entry.name, "method_kind": "released"}


def _entry_for(name: str, setting: Setting) -> Released | None:
    return next((entry for entry in of_baseline(name) if entry.fits(setting.trained_name, setting.channels)), None)


def _log_left_out(name: str, settings: Sequence[str]) -> None:
    if settings:
        log.info(f"baselines   {name} is not for {', '.join(settings)}, and left out there")

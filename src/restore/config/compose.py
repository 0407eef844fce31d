"""The configuration: composed from ``conf/`` and a person's words, or read from a run folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore.degradations.strength import levels_to_test
from restore.errors import RequestError, unknown_name
from restore.runfolder import RunFolder


def configuration() -> Path:
    """The folder of ``config.yaml``: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(folder for folder in (package / "conf", package.parents[1] / "conf") if folder.is_dir())


def register_resolvers() -> None:
    """The few values that YAML cannot write down: they are asked of the machine or computed."""
    from restore.training.cluster import stamp
    from restore.training.hardware import default_precision, device_kind

    resolvers = {
        "default_budget": lambda: "gpu" if device_kind() == "cuda" else "cpu",
        "default_precision": default_precision,
        "steps": lambda patches, batch: -(-int(patches) // max(1, int(batch))),
        "levels_to_test": lambda value, usual, name: levels_to_test(to_plain(value), to_plain(usual), name),
        "at": lambda budget, cpu, gpu, paper: {"cpu": cpu, "gpu": gpu}.get(budget, paper),
        "gpus": lambda accelerator, devices: devices if accelerator in ("gpu", "cuda") else None,
        "run_folder": lambda resume, folder, now: resume or f"{folder}/{stamp(now)}",
    }
    for name, resolver in resolvers.items():
        OmegaConf.register_new_resolver(name, resolver, replace=True)


# -- composing -------------------------------------------------------------------------------------


def compose(config_name: str, overrides: Sequence[str], hydra_too: bool = False) -> DictConfig:
    """The composed configuration, without running anything; with Hydra's own where asked.

    Raises:
        RequestError: it cannot be composed.
    """
    register_resolvers()
    try:
        with hydra.initialize_config_dir(str(configuration()), version_base="1.3"):
            return hydra.compose(config_name, list(overrides), return_hydra_config=hydra_too)
    except (HydraException, OmegaConfBaseException) as error:
        raise RequestError(_sentence(config_name, error)) from error


def _sentence(config_name: str, error: Exception) -> str:
    text = " ".join(f"{error} {error.__cause__ or ''}".split())
    key = re.search(r"[Kk]ey '([^']+)'|Could not override '([^']+)'", text)
    override = re.search(r"Could not override '([^']+)'", text)
    if override or key:
        wrong = override.group(1) if override else key.group(1) or key.group(2)
        keys = _keys(compose(config_name, []))
        return str(unknown_name("key", wrong, keys))
    return text.partition(" full_key:")[0]


def value_sentence(error: OmegaConfBaseException) -> str:
    """What a value of the configuration lacks, without OmegaConf's frame about it."""
    text = " ".join(str(error).split()).partition(" full_key:")[0]
    return re.sub(r"^\w+ raised while resolving interpolation: ", "", text)


def _keys(config: DictConfig, prefix: str = "") -> list[str]:
    keys = []
    for key in config:
        keys.append(prefix + str(key))
        node = OmegaConf.to_container(config, resolve=False)[key]
        if isinstance(node, dict):
            keys += _keys(OmegaConf.create(node), f"{prefix}{key}.")
    return keys


# -- of a run folder -------------------------------------------------------------------------------


def run_config(run: str | Path | RunFolder) -> DictConfig:
    """The configuration that a run folder was made with.

    Raises:
        RequestError: the folder has none, or was made by another version.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder.find(run)
    folder.check()
    register_resolvers()
    return OmegaConf.load(folder.config)


def lay_over(config: DictConfig, words: Iterable[str], group: str) -> DictConfig:
    """A group of a run's configuration with the words of the command line that concern it laid over."""
    changes = [word.lstrip("+") for word in words if word.lstrip("+").startswith(f"{group}.")]
    try:
        return OmegaConf.merge(config, OmegaConf.from_dotlist(changes))
    except OmegaConfBaseException as error:
        raise RequestError(value_sentence(error)) from error


def to_plain(value: Any) -> Any:
    """Lists and dictionaries in place of OmegaConf's, interpolations resolved."""
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value

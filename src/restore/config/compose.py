"""The configuration: composed from ``conf/`` and a person's words, or read from a run folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore.config.loading import load, value_sentence
from restore.config.protocols import complete_protocols
from restore.config.resolvers import register_resolvers
from restore.config.schema import check_values
from restore.errors import RequestError
from restore.runfolder import RunFolder


def compose(config_name: str, words: Sequence[str], hydra_too: bool = False) -> DictConfig:
    """The composed configuration, checked and complete, without running anything; with Hydra's own where asked.

    Raises:
        RequestError: it cannot be composed, or a value in it is none that it may be.
    """
    config = load(config_name, words, hydra_too)
    complete(config, words)
    return config


def complete(config: DictConfig, words: Sequence[str]) -> None:
    """Check the values of what Hydra composed, and write out what its words stand for, in place.

    Raises:
        RequestError: a value is none that it may be.
    """
    try:
        for policy, key in (("absent_sets", "test_sets"), ("absent_baselines", "baselines")):
            if policy in config and any(word.lstrip("+").startswith(f"{key}=") for word in words):
                config[policy] = "stop"  # what is typed has to be there
        check_values(config)
        complete_protocols(config, words)
    except OmegaConfBaseException as error:
        raise RequestError(value_sentence(error)) from error


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

"""The configuration: composed from ``conf/`` and a person's words, or read from a run folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from restore.config.checks import check_values
from restore.config.loading import load, parse, value_sentence
from restore.config.protocols import complete_protocols
from restore.config.recorded import read_config
from restore.config.resolvers import register_resolvers
from restore.config.trust import Trust, check_foreign
from restore.errors import RequestError
from restore.runfolder import RunFolder


def compose(config_name: str, words: Sequence[str], hydra_too: bool = False) -> DictConfig:
    """The composed configuration, checked and complete, without running anything; with Hydra's own where asked.

    Raises:
        RequestError: it cannot be composed, or a value in it is none that it may be.
    """
    config = load(config_name, words, hydra_too)
    complete(config, config_name, words)
    return config


def complete(config: DictConfig, config_name: str, words: Sequence[str]) -> None:
    """Check the values of what Hydra composed, and write out what its words stand for, in place.

    Args:
        config_name: of the command: ``config`` or ``evaluate``.

    Raises:
        RequestError: a value is none that it may be.
    """
    try:
        for policy, key in (("absent_sets", "test_sets"), ("absent_baselines", "baselines")):
            if policy in config and any(word.lstrip("+").startswith(f"{key}=") for word in words):
                config[policy] = "stop"  # what is typed has to be there
        check_values(config, config_name)
        complete_protocols(config, words)
    except OmegaConfBaseException as error:
        raise RequestError(value_sentence(error)) from error


def run_config(run: str | Path | RunFolder, trust: Trust | None = None) -> DictConfig:
    """The configuration that a run folder was made with, which is somebody else's as long as nobody says otherwise.

    Args:
        trust: a person's word on what it may name beyond what `restore.config.trust` allows to all.

    Raises:
        RequestError: the folder has none, it is damaged, was made by another version, or has in it what a run folder
            may not.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder.find(run)
    trust = trust or Trust.of()
    folder.check()
    if not trust.everything:
        folder.check_files()
    register_resolvers()
    config = read_config(folder)
    check_foreign(config, trust, folder.config)
    return config


def lay_over(config: DictConfig, words: Iterable[str], group: str) -> DictConfig:
    """A group of a run's configuration with the words of the command line that concern it laid over."""
    changed = config.copy()
    try:
        with open_dict(changed):
            for word in words:
                if word.lstrip("+").startswith(f"{group}."):
                    override = parse(word)  # by Hydra's grammar: in YAML's, 4:4:4 is a number to base 60
                    OmegaConf.update(changed, override.key_or_group, override.value(), merge=False, force_add=True)
        return changed
    except OmegaConfBaseException as error:
        raise RequestError(value_sentence(error)) from error

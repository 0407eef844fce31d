"""A command that Hydra drives: its words looked at first, its mistakes answered by one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import hydra
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from restore.config.compose import configuration, register_resolvers, value_sentence
from restore.config.overrides import check, check_launcher, normalise_overrides, resumed_arguments
from restore.errors import RequestError, report_errors


def command(config_name: str, task: Callable[[DictConfig], Any], sweep: Callable[..., int] | None = None) -> None:
    """Run a Hydra command: exit code 0 done, 1 something failed along the way, 2 the request was wrong.

    Args:
        sweep: what runs a multirun (``-m``) in Hydra's stead.
    """
    with report_errors():
        sys.argv[1:] = normalise_overrides(resumed_arguments(sys.argv[1:]))
        check_launcher(sys.argv[1:])
        if not {"-h", "--help", "--hydra-help", "--version"} & set(sys.argv):
            check(config_name, sys.argv[1:])
        register_resolvers()
        words = [word for word in sys.argv[1:] if word not in ("-m", "--multirun")]
        if sweep and (len(words) < len(sys.argv) - 1 or "sweep.list=true" in words):
            raise SystemExit(sweep(config_name, words))

    def guarded(config: DictConfig) -> Any:
        with report_errors():
            try:
                return task(config)
            except OmegaConfBaseException as error:
                raise RequestError(value_sentence(error)) from error

    hydra.main(version_base="1.3", config_path=str(configuration()), config_name=config_name)(guarded)()

"""A command that Hydra drives: its words looked at first, its mistakes answered by one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore.config.compose import complete
from restore.config.loading import configuration, value_sentence
from restore.config.overrides import check, check_honoured, normalise_overrides, resumed_arguments
from restore.config.resolvers import register_resolvers
from restore.errors import RequestError, report_errors
from restore.runfolder import RunFolder

Command = Callable[[DictConfig], Any]
STOPPED = 143  # exit code: 128 and SIGTERM's number
HELP = {"-h", "--help", "--hydra-help", "--version"}


def command(config_name: str, task: Command, sweep: Callable[..., int] | None = None) -> None:
    """Run a Hydra command: exit code 0 done, 1 something failed along the way, 2 the request was wrong, 70 a bug, 143 told to stop.

    Args:
        sweep: what runs a multirun (``-m``) in Hydra's stead.
    """
    with report_errors():
        register_resolvers()
        sys.argv[1:] = resumed_arguments(normalise_overrides(sys.argv[1:]))
        if not HELP & set(sys.argv):
            words = [word for word in sys.argv[1:] if word not in ("-m", "--multirun")]
            multirun = len(words) < len(sys.argv) - 1
            check_honoured(words, multirun, own_sweep=sweep is not None)
            check(config_name, words)
            if sweep and (multirun or "sweep.list=true" in words):
                raise SystemExit(sweep(config_name, words))
    main = hydra.main(version_base="1.3", config_path=str(configuration()), config_name=config_name)
    main(lambda config: carry_out(task, config))()


def carry_out(task: Command, config: DictConfig) -> Any:
    """Call a command's function with the configuration that Hydra composed, completed, and recorded so."""
    with report_errors(_folder()):
        overrides = HydraConfig.get().overrides
        complete(config, HydraConfig.get().job.config_name, [*overrides.hydra, *overrides.task])
        if HydraConfig.get().output_subdir:
            OmegaConf.save(config, RunFolder(_folder()).config)
        try:
            return task(config)
        except OmegaConfBaseException as error:
            raise RequestError(value_sentence(error)) from error
        except SystemExit as stop:
            if type(stop).__name__ != "SIGTERMException":  # Lightning's, whose own exit code is 0
                raise
            raise SystemExit(_told_to_stop(RunFolder(_folder()))) from None


def _told_to_stop(folder: RunFolder) -> int:
    way = f"resume='{folder}' goes on from its last checkpoint" if folder.last.is_file() else "nothing was saved yet"
    print(f"restore: told to stop (SIGTERM); {way}", file=sys.stderr)
    return STOPPED


def _folder() -> Path:
    return Path(HydraConfig.get().runtime.output_dir)

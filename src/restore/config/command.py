"""A command that Hydra drives: its words looked at first, its mistakes answered by one sentence."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from restore.config.compose import complete
from restore.config.loading import configuration, parse, value_sentence
from restore.config.overrides import check, check_honoured, normalise_overrides, resumed_arguments
from restore.config.recorded import record
from restore.config.resolvers import register_resolvers
from restore.config.starting import complete_start
from restore.errors import RequestError, report_errors
from restore.runfolder import RunFolder
from restore.runs import lock

Command = Callable[[DictConfig], Any]
FULL_ERROR = "HYDRA_FULL_ERROR"
HELP = {"-h", "--help", "--hydra-help", "--version"}


def command(config_name: str, task: Command, sweep: Callable[..., int] | None = None) -> None:
    """Run a Hydra command; exit code 0 where it is done, else one of `restore.errors.report_errors`.

    Args:
        sweep: what runs a multirun (``-m``) in Hydra's stead.
    """
    logging.raiseExceptions = False  # a log file that cannot be written (a full disk) ends nothing and prints no traces
    with report_errors():
        register_resolvers()
        arguments = complete_start(sys.argv[1:]) if config_name == "config" else sys.argv[1:]
        typed = normalise_overrides(arguments)
        sys.argv[1:] = resumed_arguments(typed)
        if not HELP & set(sys.argv):
            words = [word for word in sys.argv[1:] if word not in ("-m", "--multirun")]
            multirun = len(words) < len(sys.argv) - 1
            check_honoured(words, multirun, own_sweep=sweep is not None)
            check(config_name, words, typed)
            if sweep and (multirun or "sweep.list=true" in words):
                raise SystemExit(sweep(config_name, words))
        hold_named(config_name, sys.argv[1:])
        main = hydra.main(version_base="1.3", config_path=str(configuration()), config_name=config_name)
        with _errors_as_they_are():
            main(lambda config: carry_out(task, config))()


def hold_named(config_name: str, words: Sequence[str]) -> None:
    """Hold the folder that a run's words name, before Hydra writes into it; any other is new, and held by the run.

    Raises:
        OccupiedError: another process writes there.
    """
    for word in words if config_name == "config" else ():
        if word.startswith(("hydra.run.dir=", "resume=")) and (name := parse(word).value()) and "${" not in str(name):
            lock.hold(RunFolder(Path(str(name)).expanduser()))


@contextlib.contextmanager
def _errors_as_they_are() -> Iterator[None]:
    """Have Hydra raise what goes wrong in its own part (a folder that cannot be made), to be said in one sentence."""
    before = os.environ.get(FULL_ERROR)
    os.environ[FULL_ERROR] = "1"
    _full_error.append(before)
    try:
        yield
    finally:
        _give_back()


_full_error: list[str | None] = []  # what a person set it to, while Hydra is at its part


def _give_back() -> None:
    while _full_error:
        before = _full_error.pop()
        if before is None:
            os.environ.pop(FULL_ERROR, None)
        else:
            os.environ[FULL_ERROR] = before


def carry_out(task: Command, config: DictConfig) -> Any:
    """Call a command's function with the configuration that Hydra composed, completed, and recorded so."""
    _give_back()
    folder = RunFolder(_folder())
    with report_errors(folder):
        overrides = HydraConfig.get().overrides
        complete(config, HydraConfig.get().job.config_name, [*overrides.hydra, *overrides.task])
        if HydraConfig.get().output_subdir:
            record(config, folder)
        try:
            return task(config)
        except OmegaConfBaseException as error:
            raise RequestError(value_sentence(error)) from error
        finally:
            lock.release(folder)


def _folder() -> Path:
    return Path(HydraConfig.get().runtime.output_dir)

"""The configuration as a run's folder keeps it: written whole, read back, and compared where a run goes on."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore import atomic
from restore.config.loading import value_sentence
from restore.config.reading import UNREADABLE, load_limited
from restore.config.resolvers import to_plain
from restore.errors import RequestError
from restore.runfolder import RunFolder

log = logging.getLogger("restore")

KEPT = ("seed", "task", "model", "optim", "data")  # what a run is: none of it changes where it goes on
MOVED = ("data.path", "data.root", "data.degradation", "task.test", "task.name")  # said by others, or only a place
LIMITS = (
    "trainer.max_steps, trainer.max_time, trainer.validations, test_sets, protocol, metric, baselines, logger, paths "
    "and the machine (accelerator, trainer.devices) may change"
)


def record(config: DictConfig, folder: RunFolder) -> None:
    """Write the composed configuration, its words and Hydra's own, each whole.

    A resumed run is recorded when it is known to go on, so that a word that was refused is not among its words.
    """
    atomic.write(folder.overrides, OmegaConf.to_yaml(HydraConfig.get().overrides.task))
    atomic.write(folder.hydra, OmegaConf.to_yaml(OmegaConf.create({"hydra": HydraConfig.get()})))
    atomic.write(folder.config, OmegaConf.to_yaml(config))


def read_config(folder: RunFolder) -> DictConfig:
    """The configuration that a run was made with.

    Raises:
        RequestError: the file is damaged.
    """
    content = _read(folder.config, f"or, where its overrides.yaml is whole, resume='{folder}' writes it anew")
    if not isinstance(content, DictConfig) or not all(
        isinstance(content.get(key), DictConfig) for key in ("task", "model")
    ):
        raise RequestError(f"{folder.config} is damaged: it is no configuration of a run; put a copy of it back")
    return content


def read_words(folder: RunFolder) -> list[str]:
    """The words that a run was composed from; Hydra's own file has them too, and so tells where one lacks some.

    Raises:
        RequestError: the file is missing or damaged, or the two differ.
    """
    content = _read(folder.overrides, "for what a run goes on with is composed of the words in it")
    words = OmegaConf.to_container(content) if isinstance(content, ListConfig) else None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise RequestError(
            f"{folder.overrides} is damaged: it is no list of words such as task=denoise; put a copy of it back, "
            "for what a run goes on with is composed of them"
        )
    hydra = read_hydra(folder)
    again = OmegaConf.to_container(hydra, resolve=False) if hydra else {}
    for key in ("hydra", "overrides", "task"):
        again = again.get(key) if isinstance(again, dict) else None
    if isinstance(again, list) and again != words:
        raise RequestError(
            f"{folder.overrides} or {folder.hydra.name} beside it is damaged, for their words differ: put copies of both "
            f"back, or delete {folder.hydra.name} where the words are right and no --config-dir was given"
        )
    return words


def read_hydra(folder: RunFolder) -> DictConfig | None:
    """Hydra's own configuration of a run; None where there is none.

    Raises:
        RequestError: the file is damaged.
    """
    if not folder.hydra.is_file():
        return None
    content = _read(folder.hydra, "or delete it, where no --config-dir was given")
    if not isinstance(content, DictConfig):
        raise RequestError(
            f"{folder.hydra} is damaged: put a copy of it back, or delete it, where no --config-dir was given"
        )
    return content


def _read(file: Path, what_to_do: str) -> Any:
    try:
        return load_limited(file)
    except FileNotFoundError as error:
        raise RequestError(f"{file} is missing: put a copy of it back, {what_to_do}") from error
    except UnicodeDecodeError as error:
        raise _damaged(file, "it is no text", what_to_do) from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise _damaged(file, f"it is no YAML{where}", what_to_do) from error
    except UNREADABLE as error:
        raise _damaged(file, " ".join(str(error).split()) or type(error).__name__, what_to_do) from error


def _damaged(file: Path, reason: str, what_to_do: str) -> RequestError:
    return RequestError(f"{file} is damaged ({reason}): put a copy of it back, {what_to_do}")


def check_unchanged(config: DictConfig, folder: RunFolder) -> None:
    """Refuse to go on with another network, task, optimiser, data or seed than the run has.

    A value that only one of the two has (of a version that knew more, or fewer) is not compared.

    Raises:
        RequestError: names the first that differs, and what may.
    """
    try:
        recorded = read_config(folder)
        before = {key: to_plain(recorded[key]) for key in KEPT if key in recorded}
    except RequestError as error:
        log.warning(f"{error}; what may not change is not compared with it")
        return
    except OmegaConfBaseException as error:
        raise RequestError(f"{folder.config}: {value_sentence(error)}") from error
    now = {key: to_plain(config[key]) for key in KEPT}
    for key, was in _leaves(before).items():
        here = _leaves(now).get(key, was)
        if here != was and not key.startswith(MOVED):
            raise RequestError(
                f"{key} cannot change where a run goes on: it was {was} in {folder}, and here it is {here}; {LIMITS}, "
                "and init=<run folder> starts a new training from its weights"
            )


def _leaves(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            leaves |= _leaves(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves

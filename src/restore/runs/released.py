"""The authors' files by their names: each scored on its own task, one after the other, into one file of results."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from restore.config.build import build_settings
from restore.config.compose import compose
from restore.config.loading import quote
from restore.config.overrides import normalise_overrides
from restore.config.resolvers import to_plain
from restore.data import datasets
from restore.data.datasets import AbsentSetError
from restore.errors import RequestError, unknown_name
from restore.evaluation.protocol import Setting
from restore.released import Released, find

log = logging.getLogger("restore")
KEYS = ("names", "protocol", "test_sets", "words")
OWN = ("run", "weights", "model")  # what each file brings


def evaluations(config: DictConfig, words: Sequence[str]) -> Iterator[DictConfig]:
    """The configuration of each file's evaluation; what is typed holds for all of them.

    Files and test sets that are typed have to be here; those of an experiment that are not are left out, and said.

    Raises:
        RequestError: an unknown name, a file that is not here or that no network reads, or words that do not go
            together with it.
    """
    typed = [word for word in words if _key(word) not in ("released", "experiment")]
    for word in typed:
        if _key(word) in OWN or _key(word).startswith("model."):
            raise RequestError(f"released=<names> brings its own networks: leave {_key(word)}= out")
    asked = len(typed) < len(words) and any(_key(word) == "released" for word in words)
    count = 0
    for part in to_plain(config.released):
        group: Mapping[str, Any] = part if isinstance(part, dict) else {"names": part}
        if unknown := set(group) - set(KEYS):
            raise unknown_name("key", f"released.{unknown.pop()}", [f"released.{key}" for key in KEYS])
        for name in [group["names"]] if isinstance(group["names"], str) else group["names"]:
            entry = find(name)
            if words_of := _words(entry, group, config, asked):
                count += 1
                yield _composed(entry, words_of, typed)
    if not count:
        raise RequestError("none of the files is here: python -m restore.pretrained says where each comes from")


def check_strength(entry: Released, settings: Sequence[Setting]) -> None:
    """Refuse a setting that a file was not trained for: its numbers would stand beside those of another.

    Raises:
        RequestError: what it is for.
    """
    for setting in settings:
        if not entry.fits(setting.trained_name, setting.channels):
            raise RequestError(
                f"released={entry.name} is for {entry.settings}, and not for {setting.name}: "
                f"model={entry.model} weights={entry.file} scores it anyway"
            )


def _words(entry: Released, group: Mapping[str, Any], config: DictConfig, asked: bool) -> list[str]:
    """What a file's own evaluation is composed of; empty where it is left out."""
    network = entry.network
    try:
        path = entry.required(config.paths.weights)
    except RequestError as error:
        if asked:
            raise
        log.warning(f"not run     {error}")
        return []
    words = [f"model={network}", *entry.words, f"weights={quote(path)}", *group.get("words", ())]
    if "protocol" in group:
        names = [group["protocol"]] if isinstance(group["protocol"], str) else group["protocol"]
        words.append(f"protocol=[{','.join(names)}]")
    if "test_sets" in group:
        present = _present(group["test_sets"], entry, config.paths.data)
        if not present:
            return []
        words.append(f"test_sets=[{','.join(map(quote, present))}]")
    return words


def _present(names: Sequence[str], entry: Released, root: str | None) -> list[str]:
    present = []
    for name in names:
        try:
            datasets.find(name, root, entry.channels, training=False)
            present.append(name)
        except AbsentSetError as error:
            log.warning(f"left out    {entry.name}: {error}")
    return present


def _composed(entry: Released, words: Sequence[str], typed: Sequence[str]) -> DictConfig:
    log.info(f"released    {entry.name}: {entry.method}, {entry.settings}, {entry.file}")
    keys = {_key(word) for word in typed}
    own = [word for word in words if _key(word) not in keys]
    config = compose("evaluate", normalise_overrides([*own, *typed]))
    check_strength(entry, build_settings(config.task))
    return config


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]

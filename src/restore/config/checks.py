"""A composed configuration beside the schema: every value is answered here, for every command, before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf

from restore.config.loading import unknown_key
from restore.config.schema import COMMANDS, LISTS, OPEN, Names, ReleasedGroup, Task, TestFamily
from restore.config.signatures import Values, check_objects
from restore.config.values import check_value, shown
from restore.errors import RequestError, unknown_name
from restore.results.claims import Claim
from restore.results.crops import Sheet

MISPLACED = ("metric", "protocol")  # of a file without its package, which is answered where they are read


def check_values(config: DictConfig, config_name: str) -> None:
    """Refuse what a configuration cannot be, and make a list of a single name where a list is meant.

    Args:
        config_name: of the command: ``config`` or ``evaluate``.

    Raises:
        RequestError: one sentence with the key, and with the nearest name where there are names.
    """
    for key in LISTS:
        value = OmegaConf.select(config, key)
        if isinstance(value, str):
            OmegaConf.update(config, key, [value])
    values = Values(config)
    _check_keys(values, values.plain, COMMANDS[config_name], config)
    check_objects(values)
    for key in values.plain:  # what is left that cannot be resolved
        if OmegaConf.is_config(value := config[key]):
            OmegaConf.to_container(value, resolve=True)
    if not config.get("run"):  # whose task the words are laid over: `check_task` is called with that
        _check_task(values)
    _check_entries(values.plain)


def check_task(config: DictConfig) -> None:
    """The same of the ``task`` group alone.

    Raises:
        RequestError: a key that nothing refers to, or a strength that is none.
    """
    _check_task(Values(config))


@lru_cache(maxsize=64)
def _hints(schema: type) -> dict[str, Any]:
    return get_type_hints(schema, include_extras=True)


def _check_keys(values: Values, node: Mapping[str, Any], schema: type, config: DictConfig, place: str = "") -> None:
    """The keys of a node beside a dataclass, those of the nodes below it too."""
    prefix = f"{place}." if place else ""
    required = {each.name for each in fields(schema) if each.default is MISSING}
    hints = _hints(schema)
    for key in node:
        if key not in hints and schema not in OPEN and (place or key not in MISPLACED):
            raise unknown_key(f"{prefix}{key}", config)
    for key, hint in hints.items():
        whole = f"{prefix}{key}"
        if key not in node:
            if key in required:
                raise RequestError(f"{whole} has to be given: {whole}=<value>")
        elif not is_dataclass(hint):
            values.check(whole, node[key], hint)
        elif isinstance(node[key], Mapping):
            _check_keys(values, node[key], hint, config, whole)
        else:
            raise RequestError(f"{whole} is a group of keys, and it is {shown(node[key])}")


def check_mapping(place: str, mapping: Mapping[str, Any], schema: type, lists: tuple[str, ...] = ()) -> None:
    """A plain mapping beside a dataclass; a single name stands for a list of one under the keys of `lists`.

    Raises:
        RequestError: a key is missing or unknown, or a value is none that it may be.
    """
    hints = _hints(schema)
    for key, value in mapping.items():
        if key not in hints:
            raise unknown_name("key", f"{place}.{key}", [f"{place}.{name}" for name in hints])
        check_value(f"{place}.{key}", [value] if key in lists and isinstance(value, str) else value, hints[key])
    for each in fields(schema):
        if each.default is MISSING and each.default_factory is MISSING and each.name not in mapping:
            raise RequestError(f"{place} lacks {each.name}")


# -- keys whose form is more than a type -----------------------------------------------------------


def _check_task(values: Values) -> None:
    """The families that a task is tested with, and their strengths beside what they are the strength of."""
    task = values.plain["task"]
    written = str(values.raw)
    for key in task:  # what nothing refers to would not be honoured
        if key not in _hints(Task) and not re.search(rf"\$\{{[^']*\b{re.escape(key)}\b", written):
            raise unknown_name("key", f"task.{key}", [f"task.{name}" for name in task if name != key])
    tests = task["test"]
    for index, family in enumerate(tests if isinstance(tests, list) else [tests]):
        place = f"task.test.{index}" if isinstance(tests, list) else "task.test"
        check_mapping(place, family, TestFamily, ("sets",))
        levels = family["at"] if isinstance(family["at"], list) else [family["at"]]
        if not levels or any(level is None or isinstance(level, bool | list) for level in levels):
            raise RequestError(f"{place}.at is the values of a parameter, or a name, and it is {shown(family['at'])}")
        built, parameter = family.get("degradation") or task["degradation"], family["parameter"]
        if parameter is None:
            continue
        called = {"test": f"{place}.degradation", f"test.{parameter}": values.owner(f"{place}.at")}
        for level in levels:
            check_objects(Values(OmegaConf.create({"test": {**built, parameter: level}}), called))


def _check_entries(plain: Mapping[str, Any]) -> None:
    """The entries of lists of mappings, and names that are there twice."""
    for entry in plain["sheets"]:
        Sheet.read(entry)
    for entry in plain.get("claims", ()):
        check_mapping("claims", entry, Claim)
        Claim.read(entry)
    for entry in plain.get("released", ()):
        if isinstance(entry, Mapping):
            check_mapping("released", entry, ReleasedGroup, ("names", "protocol", "test_sets"))
        else:
            check_value("released", [entry], Names)
    layers = plain.get("feature_maps")
    for model, names in layers.items() if isinstance(layers, Mapping) else [("", layers or [])]:
        check_value(f"feature_maps.{model}".rstrip("."), [names] if isinstance(names, str) else names, Names)
    for key in ("test_sets", "baselines"):
        names = plain[key]
        twice = [name for index, name in enumerate(names) if name in names[:index]]
        if twice:
            raise RequestError(f"{key} names {twice[0]} twice")

"""From configuration to objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
import torch
from hydra.errors import InstantiationException
from omegaconf import DictConfig
from torch import nn

from restore.config.resolvers import to_plain
from restore.degradations.base import Degradation, as_degradation
from restore.degradations.real import RealPairs
from restore.errors import RequestError
from restore.evaluation.protocol import Protocol, Setting
from restore.files import MAX_PIXELS
from restore.models.size import build_within_memory
from restore.optim.groups import parameter_groups

if TYPE_CHECKING:
    from restore.data.datamodule import RestorationData  # with it comes Lightning, which not every command needs


COLOURS = {"y_only": 1, "rgb": 3}  # values of task.colour, and the channels of their networks


def build(config: DictConfig | dict, **more: Any) -> Any:
    """Instantiate a ``_target_``; what its constructor refuses becomes a `RequestError`."""
    try:
        return hydra.utils.instantiate(config, _convert_="all", **more)
    except InstantiationException as error:
        if isinstance(error.__cause__, (ValueError, TypeError, RequestError)):
            raise RequestError(str(error.__cause__)) from error
        if "locating target" in str(error):
            raise RequestError(" ".join(str(error).partition(", set env var")[0].split())) from error
        raise


def build_network(model: DictConfig) -> nn.Module:
    """The network of a ``model`` group: its constructor's arguments, and the `name` it goes by.

    Raises:
        RequestError: it cannot be built, or its weights do not fit in the machine's memory.
    """
    arguments = to_plain(model)
    name = arguments.pop("name", "")
    return build_within_memory(partial(build, arguments), f"model={name}")


def build_optimizer(optim: DictConfig, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of an ``optim`` group for a network's parameters.

    Raises:
        RequestError: what it is given is out of its range.
    """
    try:
        return build(optim.optimizer)(parameter_groups(network, optim.get("decay", "all")))
    except (ValueError, TypeError) as error:
        raise RequestError(f"optim.optimizer: {error}") from error


def build_degradation(degradation: Any) -> Degradation:
    """A degradation of a ``task`` group, or any callable of its place; its own messages get the task's name."""
    try:
        return as_degradation(build(degradation))
    except RequestError as error:
        argument = str(error).split(" ")[0]
        raise RequestError(f"task.{error}" if argument in degradation else str(error)) from error


def build_data(config: DictConfig, settings: Sequence[Setting] | None = None, **more: Any) -> RestorationData:
    """The data module of a configuration; `path`, which other keys refer to, is no argument of its own.

    Args:
        settings: that the task is tested with, where they are built already.
    """
    settings = build_settings(config.task) if settings is None else settings
    arguments = {key: value for key, value in to_plain(config.data).items() if key != "path"}
    arguments |= {"test_sets": to_plain(config.test_sets), "on_bad_image": config.on_bad_image, "_partial_": True}
    arguments["max_pixels"] = config.get("max_pixels", MAX_PIXELS)  # runs of before there was a limit lack it
    arguments["absent_sets"] = config.get("absent_sets", "stop")
    arguments["test_channels"] = test_channels(config.task)
    arguments["scores_pairs"] = any(isinstance(setting.degradation, RealPairs) for setting in settings)
    degradation = build_degradation(arguments.pop("degradation"))
    return build(arguments, **more)(degradation=degradation)


def test_channels(task: DictConfig) -> int:
    """Channels of a task's test images: of the network's, or 3 where it restores the luma of colour images alone.

    Raises:
        RequestError: ``task.colour`` and ``task.channels`` contradict each other.
    """
    colour, channels = task.get("colour"), int(task.channels)
    if colour and channels != COLOURS[colour]:
        raise RequestError(
            f"task.colour={colour} has a network of {COLOURS[colour]} {'channel' if colour == 'y_only' else 'channels'}, "
            f"and task.channels is {channels}: leave one of them out"
        )
    return 3 if colour else channels


def build_settings(task: DictConfig) -> list[Setting]:
    """The corruptions that a task is tested with, named as in ``published.csv``: ``sigma=25``, ``text font=10``.

    ``task.test`` is one family of them or a list: the degradation's `parameter`, its values `at`, the
    `family` that protocols tell apart, and, where they differ from the defaults, `label`, `degradation` and the
    `sets` that it is tested on.
    A value that is a set, ``{set: [10, 30], weights: [2, 1]}``, is one mixed setting, ``sigma=10/30``, of which
    each image draws its own.
    """
    plain = to_plain(task)
    plain["test_channels"] = test_channels(task)
    families = plain["test"] if isinstance(plain["test"], list) else [plain["test"]]
    return [setting for family in families for setting in _family_settings(plain, family)]


def _family_settings(task: dict[str, Any], family: dict[str, Any]) -> Iterator[Setting]:
    parameter, values = family["parameter"], family["at"]
    for value in values if isinstance(values, list) else [values]:
        name = family.get("label", f"{parameter}={{}}").format(_label(value))
        degradation = dict(family.get("degradation", task["degradation"]))
        if parameter is not None:
            degradation[parameter] = value
        built = build_degradation(degradation)
        strength = _label(value) if isinstance(value, dict) else value
        sets = tuple(family.get("sets", ()))
        colour = task["test_channels"] == 3
        name = (name + built.suffix).strip() + (built.colour_suffix if colour else "")
        luma_only = colour and task["channels"] == 1
        yield Setting(name, strength, built, family["family"], task["channels"], task["luma"], sets, luma_only)


def _label(value: Any) -> str:
    if isinstance(value, dict):
        return "/".join(f"{member:g}" for member in value["set"])
    return f"{value:g}" if isinstance(value, Real) else Path(value).stem


def build_protocols(config: DictConfig) -> list[Protocol]:
    """The protocols of a composed configuration in order: each plain one, then those with a switch turned."""
    return [build(node) for node in config.protocols.values()]

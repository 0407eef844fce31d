"""The few values that YAML cannot write down: they are asked of the machine or computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from restore.degradations.strength import Strength, levels_to_test
from restore.errors import unknown_name
from restore.training.cluster import stamp
from restore.training.hardware import default_precision, device_kind


def register_resolvers() -> None:
    """Tell OmegaConf of them; again does no harm."""
    for name, resolver in RESOLVERS.items():
        OmegaConf.register_new_resolver(name, resolver, replace=True)


def to_plain(value: Any) -> Any:
    """Lists and dictionaries in place of OmegaConf's, interpolations resolved."""
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


NOT_SAID = ("_target_", "_partial_", "channels")  # of a step, in a setting's name


def steps_label(steps: Any) -> str:
    """What a chain does, as a setting is named: its steps in their order, with what each is built with.

    Example:
        >>> steps_label([{"_target_": "a.SubSample", "scale": 2}, {"_target_": "a.JPEG", "quality": [30, 90]}])
        'SubSample scale=2, JPEG quality=30..90'
    """
    parts = []
    for step in to_plain(steps):
        words = [f"{key}={_plain_text(value)}" for key, value in step.items() if key not in NOT_SAID]
        parts.append(" ".join([str(step["_target_"]).rpartition(".")[2], *words]))
    return ", ".join(parts).replace("{", "(").replace("}", ")")  # a label is a template of its strength


def _plain_text(value: Any) -> str:
    try:
        return str(Strength(value, "", float("-inf")))
    except ValueError:
        return str(value)


def one_of(key: str, value: str, known: Sequence[str]) -> str:
    """A value that may be one of a few.

    Raises:
        RequestError: it is none of them; says which there are.
    """
    if value not in known:
        raise unknown_name(key, str(value), known)
    return value


RESOLVERS = {
    "default_budget": lambda: "gpu" if device_kind() == "cuda" else "cpu",
    "default_precision": default_precision,
    "steps": lambda patches, batch: -(-int(patches) // max(1, int(batch))),
    "levels_to_test": lambda value, usual, name: levels_to_test(to_plain(value), to_plain(usual), name),
    "colour_channels": lambda colour: 3 if colour == "rgb" else 1,
    "steps_label": steps_label,
    "one_of": lambda key, value, *known: one_of(key, value, known),
    "at": lambda budget, cpu, gpu, paper: {"cpu": cpu, "gpu": gpu}.get(budget, paper),
    "gpus": lambda accelerator, devices: devices if accelerator in ("gpu", "cuda") else None,
    "run_folder": lambda resume, folder, now: resume or f"{folder}/{stamp(now)}",
}

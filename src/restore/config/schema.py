"""What the values of a configuration may be: one table for every command, looked up where it is composed.

What a constructor knows better (the range of a task's strengths, a network's depth) it says itself when it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from omegaconf import DictConfig, OmegaConf

from restore.config.resolvers import to_plain
from restore.errors import RequestError, unknown_name

Rule = Callable[[str, Any], None]
ABSENT = object()
DEVICES = ("auto", "cpu", "gpu", "cuda", "mps")
TEST_PRECISIONS = ("32", "bf16-mixed")
TRAINING_PRECISIONS = ("32", "32-true", "bf16-mixed", "16-mixed")  # degraded and clean patches are made in float32
BUDGETS = ("cpu", "gpu", "paper")  # what `${at:…}` in an experiment's file tells apart


def one_of(*known: str) -> Rule:
    """One of a few names."""

    def rule(key: str, value: Any) -> None:
        name = str(value).lower() if isinstance(value, bool) else str(value)
        if name not in known:
            raise unknown_name(key, name, known)

    return rule


def whole(least: int) -> Rule:
    """A whole number from `least` on."""

    def rule(key: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise RequestError(f"{key} is a whole number, and it is {value!r}")
        if value < least:
            raise RequestError(f"{key} must be at least {least}, and it is {value}")

    return rule


def number(key: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise RequestError(f"{key} is a number, and it is {value!r}")


def switch(key: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise RequestError(f"{key} is true or false, and it is {value!r}")


def text(key: str, value: Any) -> None:
    if isinstance(value, list | dict | bool):
        raise RequestError(f"{key} is one name or path, and it is {value!r}")


def names(key: str, value: Any) -> None:
    """A list of names; one name alone is made such a list by `check_values`."""
    if not isinstance(value, list) or any(isinstance(name, list | dict | bool) or name is None for name in value):
        raise RequestError(f"{key} is a name or a list of names, and it is {value!r}")


def names_by_model(key: str, value: Any) -> None:
    """A list of names, or such a list for each model; null, which either can be laid over, for none."""
    if value is None:
        return
    for name, part in value.items() if isinstance(value, dict) else ((None, value),):
        names(f"{key}.{name}" if name else key, part)


def mappings(key: str, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise RequestError(f"{key} is a list of mappings, and it is {value!r}")


def names_or_mappings(key: str, value: Any) -> None:
    """A list of names, or of mappings that have a list of them under ``names``; one name alone is made such a list."""
    if not isinstance(value, list):
        raise RequestError(f"{key} is a name or a list of names, and it is {value!r}")
    for part in value:
        names(key, part.get("names") if isinstance(part, dict) else [part])


def trust(key: str, value: Any) -> None:
    """True, false, or a list of packages."""
    if not isinstance(value, bool):
        names(key, [value] if isinstance(value, str) else value)


def share(key: str, value: Any) -> None:
    """A share above 0, all of it included."""
    number(key, value)
    if not 0 < value <= 1:
        raise RequestError(f"{key} is a share above 0 and at most 1, and it is {value}")


def validation(key: str, value: Any) -> None:
    """A share from 0 to below 1, or the name of a set."""
    if not isinstance(value, str):
        number(key, value)
        if not 0 <= value < 1:
            raise RequestError(f"{key} is a share from 0 to below 1, the name of a set, or null, and it is {value}")


def numbers(key: str, value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise RequestError(f"{key} is a list of numbers, and it is {value!r}")
    for part in value:
        number(key, part)


def pool(key: str, value: Any) -> None:
    """A whole number of patches, or ``images``."""
    if isinstance(value, str):
        one_of("images")(key, value)
    else:
        whole(1)(key, value)


def channels(key: str, value: Any) -> None:
    if value not in (1, 3) or isinstance(value, bool):
        raise RequestError(f"{key} is 1 (gray) or 3 (colour), and it is {value}")


def optional(rule: Rule) -> Rule:
    """The rule, or null."""
    return lambda key, value: None if value is None else rule(key, value)


RULES: Mapping[str, Rule] = {
    "name": text,
    "seed": whole(0),
    "precision": one_of(*TEST_PRECISIONS),
    "accelerator": one_of(*DEVICES),
    "on_bad_image": one_of("stop", "skip"),
    "max_pixels": whole(1),
    "strict": switch,
    "trust": trust,
    "test_sets": names,
    "baselines": names,
    "released": names_or_mappings,
    "feature_maps": names_by_model,
    **dict.fromkeys(("claims", "sheets"), mappings),
    **dict.fromkeys(("init", "resume", "run", "weights", "results"), optional(text)),
    **dict.fromkeys(("paths.data", "paths.weights"), optional(text)),
    **dict.fromkeys(("paths.runs", "paths.cache"), text),
    "sweep.list": switch,
    "sweep.jobs": whole(1),
    "sweep.name": optional(text),
    "task.name": text,
    "task.channels": channels,
    "task.luma": one_of("gray", "y"),
    "task.colour": optional(one_of("y_only", "rgb")),
    "task.subsampling": one_of("4:2:0", "4:4:4"),
    "task.paper_patches": whole(1),
    "model.name": text,
    "optim.name": text,
    "optim.ema": optional(number),
    "optim.decay": one_of("all", "convolutions"),
    "optim.reset": one_of("never", "epoch"),
    "budget.name": one_of(*BUDGETS),
    "budget.patches": whole(1),
    "data.train": names,
    "recipe.name": text,
    "recipe.last_layer": one_of("zero", "he"),
    "recipe.start": one_of("he", "released"),
    "recipe.init": one_of("optional", "required"),
    **dict.fromkeys(("recipe.red_width", "recipe.ablation_width", "recipe.batch_size"), whole(1)),
    "data.weighting": one_of("pixels", "images"),
    "data.orientations": one_of("all", "batch", "none"),
    "data.share": share,
    "data.scales": numbers,
    "data.pool": optional(pool),
    "data.validation": optional(validation),
    **dict.fromkeys(("absent_sets", "absent_baselines"), one_of("stop", "skip")),
    **dict.fromkeys(("data.patch_size", "data.batch_size", "data.patches_per_epoch"), whole(1)),
    **dict.fromkeys(("data.validation_size", "data.resize"), whole(0)),
    "trainer.precision": one_of(*TRAINING_PRECISIONS),
    "trainer.on_divergence": one_of("stop", "back"),
    "trainer.channels_last": one_of("auto", "true", "false"),
    **dict.fromkeys(("trainer.compile", "trainer.gradient_norms"), switch),
    **dict.fromkeys(("trainer.num_nodes", "trainer.max_steps", "trainer.validations"), whole(1)),
    "trainer.log_every_n_steps": whole(1),
    "logger.mode": one_of("offline", "online", "disabled"),
}


def check_values(config: DictConfig) -> None:
    """Refuse what a value cannot be, and make a list of a single name where a list is meant.

    Raises:
        RequestError: one sentence, with the nearest name where there are names.
    """
    for key, rule in RULES.items():
        value = to_plain(OmegaConf.select(config, key, default=ABSENT))
        if value is ABSENT:
            continue
        if rule in (names, names_by_model, names_or_mappings) and isinstance(value, str):
            value = [value]
            OmegaConf.update(config, key, value)
        rule(key, value)
    if "test_sets" in config and not config.test_sets:
        raise RequestError("test_sets=[] names no test set")

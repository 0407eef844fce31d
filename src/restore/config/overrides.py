"""What a person typed, looked at before Hydra starts, so that a wrong word is answered by one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf

from restore.config.compose import compose, configuration
from restore.errors import RequestError, unknown_name
from restore.runfolder import RunFolder

# Hydra's flags whose value is the next word
FLAGS_WITH_VALUE = {
    *("-c", "--cfg", "-p", "--package", "-i", "--info", "-cp", "--config-path"),
    *("-cn", "--config-name", "-cd", "--config-dir", "--experimental-rerun"),
}


def check(config_name: str, arguments: Sequence[str]) -> None:
    """Compose once before Hydra does, so that a wrong word is answered by one sentence.

    Raises:
        RequestError: an unknown group member or key (with the nearest name), or a malformed override.
    """
    words = [word for word in arguments if "=" in word and not word.startswith("-")]
    for before, word in zip(["", *arguments], arguments, strict=False):
        if "=" not in word and not word.startswith(("-", "~")) and before not in FLAGS_WITH_VALUE:
            raise RequestError(f"'{word}' is not of the form key=value")
    folder = configuration()
    groups = {str(p.parent.relative_to(folder)) for p in folder.rglob("*.yaml") if p.parent != folder}
    parser = OverridesParser.create()
    first = []
    for word in words:
        try:
            override = parser.parse_override(word)
        except HydraException as error:
            reason, word = str(error).splitlines()[0], word.lstrip("+~")
            raise RequestError(
                f"cannot read '{word}' ({reason}); quote it as '\"{word}\"' if it has , or spaces"
            ) from error
        values = list(override.sweep_iterator()) if override.is_sweep_override() else [override.value()]
        if override.key_or_group in groups and not override.is_delete():
            for value in values:
                for name in value if isinstance(value, list) else [value]:
                    _check_member(folder, override.key_or_group, name)
        if override.is_sweep_override():
            prefix = word.partition("=")[0]
            word = f"{prefix}={values[0]}"
        if not override.key_or_group.startswith("hydra"):
            first.append(word)
    compose(config_name, first)


def normalise_overrides(arguments: Sequence[str]) -> list[str]:
    """Strengths given as a range or a set, in words that Hydra can lay over whatever the task has.

    OmegaConf cannot merge a mapping into a list or the other way, so ``task.sigma={set:[10,30]}``
    over a range becomes ``~task.sigma +task.sigma={set:[10,30]}``. ``protocol.border=0`` becomes
    ``+switches.border=0``.
    """
    words = []
    for argument in arguments:
        if argument.startswith("protocol."):  # a protocol is a name, and its switches a mapping beside it
            argument = "+switches." + argument.removeprefix("protocol.")
        key, equals, value = argument.partition("=")
        if equals and value.startswith(("[", "{")) and re.fullmatch(r"task\.\w+", key):
            words += [f"~{key}", f"+{argument}"]
        else:
            words.append(argument)
    return words


def check_launcher(words: Sequence[str]) -> None:
    """Hydra's own launchers and sweepers run jobs within a process or start DDP's ranks wrongly (see `restore.jobs.grid`)."""
    for word in words:
        group, _, name = word.partition("=")
        if group == "hydra/launcher" and name not in ("slurm", "basic"):
            raise RequestError(
                f"hydra/launcher is slurm or left out, and it is '{name}'; sweep.jobs=N runs N jobs at once"
            )
        if group == "hydra/sweeper" and name != "basic":
            raise RequestError(f"hydra/sweeper={name} is not supported: a grid is what its words and experiment name")


def _check_member(folder: Path, group: str, name: Any) -> None:
    members = [p.stem for p in (folder / group).glob("*.yaml") if not p.stem.startswith("_")]
    if name is not None and str(name) not in members:
        raise unknown_name(group, str(name), members)


def resumed_arguments(arguments: Sequence[str]) -> list[str]:
    """What ``resume=<run folder>`` stands for: the run's own words, then the new ones, in the run's own folder.

    Raises:
        RequestError: not a run folder, or no last checkpoint in it.
    """
    given = (a.partition("=")[2].strip("'") for a in arguments if a.startswith("resume="))
    folder = next((Path(folder).expanduser() for folder in given), None)
    if folder is None or str(folder) in ("", "null"):
        return list(arguments)
    run = RunFolder(folder)
    run.check()
    if not run.last.is_file():
        raise RequestError(f"{folder} has no {run.last.relative_to(run.path)} to resume from")
    recorded = OmegaConf.to_container(OmegaConf.load(run.overrides)) or []
    return [*(word for word in recorded if not word.startswith(("resume=", "hydra."))), *arguments]

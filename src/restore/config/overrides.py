"""What a person typed, looked at before Hydra starts, so that a wrong word is answered by one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Glob, Override
from omegaconf import ListConfig, OmegaConf

from restore.config.compose import compose
from restore.config.loading import SEARCH_PATH, groups, load, members, parse, quote, trains
from restore.config.recorded import check_unchanged, read_hydra, read_words
from restore.config.trust import WAY_OUT, Trust, check_foreign, check_words
from restore.errors import RequestError, unknown_name
from restore.runfolder import RunFolder

UNRECORDED = "hydra.output_subdir=null"
CONFIG_DIR = ("--config-dir", "-cd")
# Hydra's flags whose value is the next word
FLAGS_WITH_VALUE = {
    *("-c", "--cfg", "-p", "--package", "-i", "--info", "-cp", "--config-path"),
    *("-cn", "--config-name", "--experimental-rerun"),
}


def check(config_name: str, arguments: Sequence[str], typed: Sequence[str] = ()) -> None:
    """Compose once before Hydra does, so that a wrong word is answered by one sentence.

    Args:
        typed: those of the words that a person typed, where others are those of a run that is resumed.

    Raises:
        RequestError: an unknown group member or key (with the nearest name), a malformed override, or a run that is
            resumed and makes of the configuration what a run folder may not.
    """
    for before, word in zip(["", *arguments], arguments, strict=False):
        if "=" not in word and not word.startswith(("-", "~")) and before not in FLAGS_WITH_VALUE:
            raise RequestError(f"'{word}' is not of the form key=value")
    words = [word for word in arguments if not word.startswith("-") and "=" in word]
    known, first = groups(words), []
    for word in words:
        override = parse(word)
        values = _values(override, word)
        if override.key_or_group in known and not override.is_delete():
            _check_members(override.key_or_group, values, words)
            if override.key_or_group == "experiment":
                _check_command(config_name, values, words)
        if override.is_sweep_override():
            word = f"{word.partition('=')[0]}={values[0]}"
        first.append(word)
    words, run = composable(first), resumed_run(typed)
    if run:  # before anything that its words name is looked up
        check_foreign(load(config_name, words), Trust.of(words=typed), run.overrides)
    config = compose(config_name, words)
    if run:
        check_unchanged(config, run)


def _values(override: Override, word: str) -> list[Any]:
    """The values of a word, several where it is of a grid."""
    if not override.key_or_group:
        raise RequestError(f"'{word}' is not of the form key=value")
    if not override.is_sweep_override():
        return [override.value()]
    if isinstance(override.value(), Glob):
        raise RequestError(
            f"'{word}' would not be followed: a grid names its values, {override.key_or_group}=one,other"
        )
    values = list(override.sweep_iterator())
    if not values:
        raise RequestError(f"'{word}' names no value")
    return values


def _check_members(group: str, values: Sequence[Any], words: Sequence[str]) -> None:
    names = members(group, words)
    for value in values:
        for name in value if isinstance(value, list) else [value]:
            if str(name) not in names:
                raise unknown_name(group, "null" if name is None else str(name), names)


def _check_command(config_name: str, values: Sequence[Any], words: Sequence[str]) -> None:
    """Refuse an experiment that is another command's: one has networks to train, the other the authors' files."""
    for name in filter(None, values):
        does, command = ("trains networks", "run") if trains(name, words) else ("scores the authors' files", "evaluate")
        if (command == "evaluate") != (config_name == "evaluate"):
            raise RequestError(f"experiment={name} {does}: python -m restore.{command} experiment={name}")


def composable(words: Sequence[str]) -> list[str]:
    """The words without those for Hydra itself, which are no part of the configuration; where it looks is."""
    return [word for word in words if not word.lstrip("+~").startswith("hydra") or _is_search_path(word)]


# -- words that stand for others -------------------------------------------------------------------


def normalise_overrides(arguments: Sequence[str]) -> list[str]:
    """The words in terms of which Hydra, the jobs of a grid and the ranks of a run all understand them.

    Strengths given as a range or a set: OmegaConf cannot merge a mapping into a list or the other
    way, so ``task.sigma={set:[10,30]}`` over a range becomes ``~task.sigma +task.sigma={set:[10,30]}``.
    ``--config-dir DIR`` becomes ``hydra.searchpath=['file:///DIR']``, a word like the others.

    Raises:
        RequestError: there is no such folder.
    """
    words, paths = [], []
    arguments = iter(arguments)
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if flag in CONFIG_DIR:
            paths.append(value if equals else next(arguments, ""))
        elif _is_search_path(argument):
            paths += parse(argument).value()
        elif equals and value.startswith(("[", "{")) and re.fullmatch(r"task\.\w+", flag):
            words += [f"~{flag}", f"+{argument}"]
        else:
            words.append(argument)
    return [*search_path(paths), *words]


def search_path(paths: Sequence[str]) -> list[str]:
    """The word that adds folders of a person's own to those searched; none for none.

    Raises:
        RequestError: one of them is no folder.
    """
    places = dict.fromkeys(_absolute(str(path)) for path in paths)
    return [f"{SEARCH_PATH}=[{','.join(quote(place) for place in places)}]"] if places else []


def _absolute(path: str) -> str:
    if path.startswith("pkg://"):
        return path
    folder = Path(path.removeprefix("file://")).expanduser().resolve()
    if not path or not folder.is_dir():
        raise RequestError(f"--config-dir is a folder with protocol/, task/, model/ … in it, and '{path}' is none")
    return f"file://{folder}"


def _is_search_path(word: str) -> bool:
    return word.lstrip("+").startswith(f"{SEARCH_PATH}=")


def resumed_arguments(arguments: Sequence[str]) -> list[str]:
    """What ``resume=<run folder>`` stands for: the run's own words, then the new ones, in the run's own folder.

    Its own words are somebody else's as long as nobody says otherwise: what they may be `restore.config.trust` says, and
    what they make of the configuration `check` looks at. The folders of a person's own that the run was composed from
    are searched again under ``trust=true``; else they are to be given again. Hydra records nothing before the run is
    known to go on: `restore.config.recorded.record` does then.

    Raises:
        RequestError: not a run folder, no ``last.ckpt`` in it, or words or files that cannot be read or that a run
            folder may not have.
    """
    run = resumed_run(arguments)
    if run is None:
        return list(arguments)
    run.check()
    if not run.resumable:
        raise RequestError(f"{run} has no checkpoints/last.ckpt to resume from")
    given, places = any(_is_search_path(word) for word in arguments), _searched(run)
    trust = Trust.of(words=arguments)
    words = recorded_words(run, arguments)
    if not trust.everything:
        run.check_files()
        check_words(words, run.overrides)
        words = [word for word in words if _key(word) != "paths.cache"]  # a folder of the machine it was made on
        if places and not given:
            raise RequestError(
                f"{run} was composed from files in {', '.join(places)} too: say --config-dir for them again, {WAY_OUT}"
            )
    return [*([] if given else search_path(places)), *words, *arguments, UNRECORDED]


def resumed_run(arguments: Sequence[str]) -> RunFolder | None:
    """The run folder that ``resume=`` names, if any does."""
    resumes = (word.partition("=")[2].strip("'") for word in arguments if word.startswith("resume="))
    folder = next((Path(folder).expanduser() for folder in resumes), None)
    return None if folder is None or str(folder) in ("", "null") else RunFolder(folder)


def recorded_words(run: RunFolder, typed: Sequence[str]) -> list[str]:
    """The words that a run was composed from, without those that are typed again, and without its own word on itself.

    Raises:
        RequestError: they cannot be read.
    """
    return [word for word in read_words(run) if word not in typed and _key(word) not in ("resume", "trust")]


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def _searched(run: RunFolder) -> list[str]:
    hydra = read_hydra(run)
    places = OmegaConf.select(hydra, SEARCH_PATH) if hydra else None
    return [str(place) for place in places] if isinstance(places, ListConfig) else []


# -- words that a command could not honour ---------------------------------------------------------

GRID_FOLDER = "the folder of a grid follows from its request, under paths.runs/sweeps"
NO_GRID = "there is no grid without -m"
IN_GRID = {
    "hydra.run.dir": GRID_FOLDER,
    "hydra.sweep": GRID_FOLDER,
    "hydra.output_subdir": "a job's words stand in its folder's .hydra",
    "hydra.sweeper": "a grid is what its words and its experiment's hydra.sweeper.params name",
    "hydra.mode": "-m makes it a grid",
    "sweep.name": "a grid's name follows from its request",
    "resume": "the same -m command goes on with a grid",
}
WITHOUT_GRID = {
    "hydra.sweep": NO_GRID,
    "hydra.sweeper": NO_GRID,
    "hydra.launcher": NO_GRID,
    "hydra/launcher": NO_GRID,
    "sweep.jobs": NO_GRID,
}


def check_honoured(arguments: Sequence[str], multirun: bool, own_sweep: bool) -> None:
    """Refuse words that would be read and then not followed.

    Hydra's own launchers and sweepers run jobs within a process or start DDP's ranks wrongly (see `restore.jobs.local`).

    Args:
        multirun: whether it is a grid (``-m``).
        own_sweep: whether `restore.jobs.sweep` runs it, and not Hydra.

    Raises:
        RequestError: the first such word.
    """
    check_launcher(arguments)
    if any(flag.partition("=")[0] == "--experimental-rerun" for flag in arguments):
        raise RequestError("--experimental-rerun would unpickle a file, which executes it: resume=<run folder> goes on")
    ways = WITHOUT_GRID if not multirun else IN_GRID if own_sweep else {}
    keys = [word.lstrip("+~").partition("=")[0] for word in arguments if not word.startswith("-")]
    slurm = "hydra/launcher=slurm" in arguments
    for key in keys:
        for refused, reason in ways.items():
            if key == refused or key.startswith(f"{refused}."):
                raise RequestError(f"{key} would not be followed: {reason}")
        if key.startswith("hydra.launcher") and not slurm:
            raise RequestError(f"{key} would not be followed: it is for hydra/launcher=slurm")
        if key == "sweep.jobs" and slurm:
            raise RequestError("sweep.jobs would not be followed: Slurm decides how many jobs run at once")
        if key == "hydra.mode" and "hydra.mode=RUN" not in arguments:
            raise RequestError("hydra.mode would not be followed: -m makes it a grid")
    if multirun and own_sweep:
        for flag in arguments:
            if flag.startswith("-"):
                raise RequestError(f"{flag} would not be followed: a grid (-m) takes key=value words alone")


def check_launcher(words: Sequence[str]) -> None:
    """Refuse the launchers and sweepers that are not `restore`'s."""
    for word in words:
        group, _, name = word.partition("=")
        if group == "hydra/launcher" and name not in ("slurm", "basic"):
            raise RequestError(
                f"hydra/launcher is slurm or left out, and it is '{name}'; sweep.jobs=N runs N jobs at once"
            )
        if group == "hydra/sweeper" and name != "basic":
            raise RequestError(f"hydra/sweeper={name} is not supported: a grid is what its words and experiment name")

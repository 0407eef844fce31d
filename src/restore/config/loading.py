"""Hydra's part: what it reads, from which folders, and what it says where that does not go together."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore.config.resolvers import register_resolvers
from restore.errors import RequestError, unknown_name

SEARCH_PATH = "hydra.searchpath"
NAMELESS = ("Interpolation", "Recursive", "Unsupported", "Environment", '"Environment')  # without the key it is of


def configuration() -> Path:
    """The folder of ``config.yaml``: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(folder for folder in (package / "conf", package.parents[1] / "conf") if folder.is_dir())


@contextlib.contextmanager
def over_configuration() -> Iterator[GlobalHydra]:
    """Hydra over ``conf/``, also where another one is at work already."""
    register_resolvers()
    running, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with hydra.initialize_config_dir(str(configuration()), version_base="1.3"):
            yield GlobalHydra.instance()
    finally:
        GlobalHydra.instance().hydra = running


def load(config_name: str, words: Sequence[str], hydra_too: bool = False) -> DictConfig:
    """What Hydra composes from the files and the words, nothing checked or completed.

    Raises:
        RequestError: it cannot be composed.
    """
    try:
        with over_configuration():
            return hydra.compose(config_name, list(words), return_hydra_config=hydra_too)
    except (HydraException, OmegaConfBaseException, ValueError, TypeError) as error:  # of its words, whatever it throws
        raise RequestError(_sentence(config_name, words, error)) from error


def parse(word: str) -> Override:
    """A word of the command line as Hydra reads it.

    Raises:
        RequestError: it cannot be read.
    """
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException as error:
        reason, word = str(error).splitlines()[0], word.lstrip("+~")
        raise RequestError(
            f"cannot read '{word}' ({reason}); quote it as '\"{word}\"' if it has , or spaces"
        ) from error


def quote(value: str | Path) -> str:
    """Text as the value of an override, whatever it has in it."""
    return "'" + str(value).replace("'", "\\'") + "'"


# -- folders of a person's own ---------------------------------------------------------------------


def folders(words: Sequence[str]) -> list[Path]:
    """The folders that are searched: ``conf/``, then those that the words add."""
    paths = [path for word in words if word.lstrip("+").startswith(f"{SEARCH_PATH}=") for path in parse(word).value()]
    return [configuration(), *(Path(str(path).removeprefix("file://")) for path in paths)]


def groups(words: Sequence[str]) -> set[str]:
    """The groups of those folders: ``task``, ``model``, ``hydra/launcher``."""
    return {
        str(file.parent.relative_to(folder))
        for folder in folders(words)
        for file in folder.rglob("*.yaml")
        if file.parent != folder
    }


def members(group: str, words: Sequence[str] = ()) -> list[str]:
    """The names in a group; what begins with an underscore is for other files to build on."""
    files = (file for folder in folders(words) for file in (folder / group).glob("*.yaml"))
    return sorted({file.stem for file in files if not file.stem.startswith("_")})


def trains(experiment: str, words: Sequence[str] = ()) -> bool:
    """Whether an experiment trains networks; the others score what authors released (``released``)."""
    files = (folder / "experiment" / f"{experiment}.yaml" for folder in folders(words))
    return "released" not in OmegaConf.load(next(file for file in files if file.is_file()))


# -- sentences -------------------------------------------------------------------------------------


def _sentence(config_name: str, words: Sequence[str], error: Exception) -> str:
    text = " ".join(f"{error} {error.__cause__ or ''}".split())
    if file := re.search(r"Could not find '([^']+)/([^/']+)'", text):
        return str(unknown_name(file[1], file[2], members(file[1], words)))
    key = re.search(r"Could not override '([^']+)'", text) or re.search(r"[Kk]ey '([^']+)'", text)
    if not key:
        return text.partition(" full_key:")[0]
    name = key.group(1)
    if (inner := re.search(r"full_key: (\S+)", text)) and inner[1].startswith(f"{name}."):
        name = inner[1]  # {a: 1} in place of a mapping
    choices = [word for word in words if word.partition("=")[0] in {*groups(words), SEARCH_PATH}]
    if len(choices) == len(words):  # the files themselves are at fault
        return text.partition(" full_key:")[0]
    return str(unknown_key(name, load(config_name, choices)))


def unknown_key(key: str, config: DictConfig) -> RequestError:
    """The sentence for a key that a configuration lacks; one of the same last name is the nearest."""
    keys = [name for name in _keys(OmegaConf.to_container(config, resolve=False)) if name != key]
    last = key.rpartition(".")[2]
    homonyms = [name for name in keys if name.rpartition(".")[2] == last]
    return unknown_name("key", key, homonyms or keys)


def _keys(config: dict, prefix: str = "") -> list[str]:
    keys = []
    for key, value in config.items():
        keys.append(f"{prefix}{key}")
        if isinstance(value, dict):
            keys += _keys(value, f"{prefix}{key}.")
    return keys


def value_sentence(error: OmegaConfBaseException) -> str:
    """What a value of the configuration lacks, without OmegaConf's frame about it."""
    text = " ".join(str(error).split()).partition(" full_key:")[0]
    if missing := re.search(r"Missing mandatory value: (\S+)", text):
        return f"{missing[1]} has to be given: {missing[1]}=<value>"
    text = re.sub(r"^\w+ raised while resolving interpolation: ", "", text)
    return f"{error.full_key}: {text}" if error.full_key and text.startswith(NAMELESS) else text

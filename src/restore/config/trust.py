"""What a configuration from somebody else may say: a run folder's, a checkpoint's beside it, a campaign archive's.

Hydra calls whatever a ``_target_`` names. Its own list of what it refuses has what executes (``os.system``), and not
what destroys (``shutil.copyfile``, named as the model, copies over any file); so here stands what is allowed:

- targets that the shipped ``conf/`` names, in the group where it names them, and harmless classes of torch,
  torchmetrics, kornia and albumentations (`library_class`);
- keys that ``conf/`` has;
- interpolations that it has word for word, or that refer to another key. No other resolver is called: OmegaConf's
  own read the environment (``oc.env``) and write mappings (``oc.create``).

A person's own word counts for more: what is typed, what files of ``--config-dir`` name, and ``trust``.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore.config.known import TARGET, Known, known_in, known_in_words
from restore.config.loading import folders, parse, value_sentence
from restore.errors import RequestError

# where classes are looked for, and where they have to be from
PLACES = (
    *("torch.nn", "torch.optim", "torch.optim.lr_scheduler"),
    *("torchmetrics", "torchmetrics.image", "torchmetrics.regression"),
    *(f"kornia.{room}" for room in ("augmentation", "color", "enhance", "filters", "losses", "metrics", "morphology")),
    "albumentations",
)
HOMES = (*(place for place in PLACES if place != "torchmetrics"), "torch.ao.nn")
# they download weights, or read files of them, when they are built or called
WITH_WEIGHTS = {
    *("RandomDissolving", "StableDiffusionDissolving", "DexiNed"),
    *("ArniqaScore", "DeepImageStructureAndTextureSimilarity", "FrechetInceptionDistance", "InceptionScore"),
    *("KernelInceptionDistance", "LearnedPerceptualImagePatchSimilarity", "PerceptualPathLength"),
    "MemorizationInformedFrechetInceptionDistance",
}
OF_LIBRARIES = ("model", "task", "data", "optim", "metrics")  # groups in which classes of libraries may stand
BUILT = ("metrics", "protocols")  # groups whose second keys are names that a person gives
REFERS = {"data": ("task",)}  # groups whose files refer to what is built in another: the degradation
FREE = ("feature_maps", "released")  # mappings by names of a person's own
PLACES_TO_WRITE = ("logger.save_dir", "logger.store", "paths.cache", "tracking.folder")
NAMES = ("name", "label", "figure", "family", "version")  # that become names of files
MOST_NODES, MOST_LETTERS = 20_000, 10_000
WAY_OUT = "or trust=true, if it is your own"

# what `conf/` had word for word in earlier versions, which runs of these have still
EARLIER = ("${oc.env:RESTORE_DATA,null}", "${oc.env:RESTORE_WEIGHTS,null}")


@dataclass(frozen=True)
class Trust:
    """A person's word on material from elsewhere.

    Attributes:
        everything: ``trust=true``.
        packages: of ``trust=[mypackage]``: what is in them may be built.
        known: what the shipped files, a person's own folders and the typed words name.
    """

    everything: bool
    packages: tuple[str, ...]
    known: Known

    @classmethod
    def of(cls, value: Any = None, words: Sequence[str] = ()) -> Trust:
        """What is said by a value of ``trust`` and by typed words; without a value, by that among the words.

        Raises:
            RequestError: it is neither true, false nor a list of packages.
        """
        if value is None:
            typed = [word for word in words if word.lstrip("+").startswith("trust=")]
            value = parse(typed[-1]).value() if typed else False
        if isinstance(value, str):
            value = [value]
        value = OmegaConf.to_container(value) if isinstance(value, ListConfig) else value
        names = () if isinstance(value, bool) else value
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) and _is_path(n) for n in names):
            raise RequestError(f"trust is true, false, or a list of packages such as [mypackage], and it is {value!r}")
        known = known_in(folders(words)).joined(known_in_words(words))
        return cls(value is True, tuple(names), known)

    def allows(self, target: str, group: str) -> bool:
        """Whether what a path names may be built in a group of a configuration."""
        if any(target in self.known.targets.get(name, ()) for name in (group, *REFERS.get(group, ()))):
            return True
        if any(target.startswith(f"{package}.") for package in self.packages):
            return True
        return group in OF_LIBRARIES and library_class(target) is not None


def library_class(path: str) -> type | None:
    """The module, optimiser, schedule, metric or transform of an allowed library that a path names; None for no such.

    The path is a module of the list `PLACES` and a name in it: nothing is reached by attributes, and nothing
    else is imported to find out.
    """
    place, _, name = path.rpartition(".")
    if place not in PLACES or name in WITH_WEIGHTS or not name[:1].isalpha():
        return None
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # or its import asks a server for its newest version
    kind = vars(importlib.import_module(place)).get(name)
    if not isinstance(kind, type) or not issubclass(kind, _bases(place)) or kind.__name__ in WITH_WEIGHTS:
        return None
    return kind if kind.__module__.startswith(HOMES) else None


def _bases(place: str) -> tuple[type, ...]:
    if place == "albumentations":
        import albumentations

        return albumentations.BasicTransform, albumentations.BaseCompose
    import torch

    return torch.nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler


def _is_path(text: str) -> bool:
    return bool(re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", text))


# -- a configuration -------------------------------------------------------------------------------


def check_foreign(config: DictConfig, trust: Trust, source: str | Path) -> None:
    """Refuse a configuration that names what it may not; nothing of it is built or called for that.

    Args:
        source: what the sentence names: the file or the folder.

    Raises:
        RequestError: the first key, target, interpolation or place that is not allowed, and the way out.
    """
    if trust.everything:
        return
    if not isinstance(config, DictConfig):
        raise RequestError(f"{source} is no configuration: it has no keys")
    _check_keys(config, trust.known, source)
    for path, value in _leaves(OmegaConf.to_container(config, resolve=False)):
        _check_text(".".join(path), value, trust.known, source)
    try:
        for path, value in _resolved_leaves(config, source):
            _check_value(path, value, trust, source)
    except (OmegaConfBaseException, RecursionError) as error:
        reason = value_sentence(error) if isinstance(error, OmegaConfBaseException) else "a value refers to itself"
        raise RequestError(f"{source} cannot be read: {reason}") from error


def _check_keys(config: DictConfig, known: Known, source: str | Path) -> None:
    for group in config:
        if group not in known.keys[""]:
            raise RequestError(f"{source} sets {group}, a key that no configuration here has; leave it out, {WAY_OUT}")
        node = config._get_node(group)
        names = known.keys.get(str(group), set())
        if not isinstance(node, DictConfig) or node._is_interpolation() or node._is_none() or group in BUILT:
            continue
        if group in FREE or (TARGET in node and group != "logger"):
            continue  # a constructor refuses what it has no argument for
        for key in node:
            if key not in names:
                raise RequestError(
                    f"{source} sets {group}.{key}, a key that no configuration here has; leave it out, {WAY_OUT}"
                )


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, (*path, str(key)))
    elif isinstance(node, list):
        for part in node:
            yield from _leaves(part, path)
    else:
        yield path, node


def _check_text(key: str, value: Any, known: Known, source: str | Path) -> None:
    """Refuse an interpolation that is not ours, before any is resolved."""
    text = str(value)
    reference = re.fullmatch(r"\$\{[\w.]+\}", text)
    if "${" in f"{key}{text}" and not (reference and "${" not in key) and text not in (*known.texts, *EARLIER):
        raise RequestError(
            f"{source} has {key}: {_short(text)}, which computes a value in a way that no configuration here does; "
            f"type {key}=<value>, {WAY_OUT}"
        )
    if key in PLACES_TO_WRITE and value is not None and text not in known.values.get(key, ()):
        raise RequestError(
            f"{source} says where to write, {key}={_short(text)}, which is for you to say: {key}=<folder>, {WAY_OUT}"
        )


def _resolved_leaves(config: DictConfig, source: str | Path) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value as it resolves, one after the other: a reference to a list that refers to a list never ends."""
    pending: list[tuple[tuple[str, ...], Any]] = [((), config)]
    count = 0
    while pending:
        path, node = pending.pop()
        count += 1
        if count > MOST_NODES or len(path) > 40:
            raise RequestError(f"{source} is no configuration of a run: it has more than {MOST_NODES:,} values")
        if isinstance(node, DictConfig):
            keys = [] if node._is_none() or node._is_missing() else list(node)
            pending += [((*path, str(key)), None if OmegaConf.is_missing(node, key) else node[key]) for key in keys]
        elif isinstance(node, ListConfig):
            pending += [((*path, ""), part) for part in (() if node._is_none() else node)]
        else:
            yield path, node


def _check_value(path: tuple[str, ...], value: Any, trust: Trust, source: str | Path) -> None:
    key = ".".join(part for part in path if part)
    if isinstance(value, str) and ("${" in value or len(value) > MOST_LETTERS):
        raise RequestError(f"{source} has {key}, whose value is none that a run writes down: {_short(value)}")
    if path[-1] == TARGET and value is not None and not trust.allows(str(value), path[0]):
        package = str(value).partition(".")[0]
        word = f"trust=[{package}]" if _is_path(package) else "trust=true"
        raise RequestError(
            f"{source} would have {key}={_short(value)} called, which a run folder from somebody else may not; "
            f"{word} says that you know it to be harmless"
        )
    if path[-1] in NAMES and isinstance(value, str) and (".." in Path(value).parts or value.startswith(("/", "~"))):
        raise RequestError(f"{source} has {key}={_short(value)}, which is a place and no name")


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


# -- words -----------------------------------------------------------------------------------------


def check_words(words: Sequence[Any], source: str | Path) -> None:
    """Refuse recorded words that are not of a configuration: flags, and what Hydra itself is told.

    Hydra's own keys name what it calls before and after a run (``hydra.callbacks``), what logs, where it writes, and
    with which environment; Hydra records none of them among a run's words.

    Raises:
        RequestError: the first such word.
    """
    for word in words:
        if not isinstance(word, str) or "\n" in word:
            raise RequestError(f"{source} is not a list of words such as seed=1: {_short(word)} stands in it")
        override = None if word.startswith("-") else parse(word)
        if override is None or re.match(r"hydra\b", override.key_or_group) or override.package is not None:
            raise RequestError(f"{source} has the word {_short(word)}, which is for you to type, {WAY_OUT}")

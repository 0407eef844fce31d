"""What configuration files name: their targets, keys and interpolations, against which somebody else's are held."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from restore.config.loading import parse

TARGET = "_target_"
Names = dict[str, set[str]]  # by the first key of the place where they stand
GROUPS = {"metric": "metrics", "protocol": "protocols"}  # groups whose files belong under another key
PACKAGE = re.compile(r"^#\s*@package\s+(\S+)", re.MULTILINE)
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Known:
    """Names that files or words have.

    Attributes:
        targets: paths of what is built.
        keys: the second keys; under the empty name, the first ones.
        texts: strings with interpolations, word for word.
        values: texts by their key, for keys whose value nobody else may choose.
    """

    targets: Names = field(default_factory=dict)
    keys: Names = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    values: dict[str, set[str]] = field(default_factory=dict)

    def add(self, node: Any, path: tuple[str, ...] = ()) -> None:
        """Take in what stands in a configuration at a place."""
        if isinstance(node, Mapping):
            for key, value in node.items():
                if key == TARGET and path:
                    self.targets.setdefault(path[0], set()).add(str(value))
                if len(path) < 2:
                    self.keys.setdefault(path[0] if path else "", set()).add(str(key))
                self.add(value, (*path, str(key)))
        elif isinstance(node, list | tuple):
            for part in node:
                self.add(part, path)
        else:
            self.values.setdefault(".".join(path), set()).add(str(node))
            if "${" in str(node):
                self.texts.add(str(node))
            if path and path[-1] == TARGET:  # of a word: a.b._target_=path
                self.targets.setdefault(path[0], set()).add(str(node))

    def joined(self, other: Known) -> Known:
        """What either knows."""
        return Known(
            *(_joined(getattr(self, name), getattr(other, name)) for name in ("targets", "keys")),
            self.texts | other.texts,
            _joined(self.values, other.values),
        )


def _joined(one: Names, other: Names) -> Names:
    return {key: one.get(key, set()) | other.get(key, set()) for key in {*one, *other}}


def known_in(folders: Sequence[Path]) -> Known:
    """What the files of configuration folders name."""
    known = Known()
    for folder in folders:
        known = known.joined(_folder(folder))
    return known


@lru_cache(maxsize=8)
def _folder(folder: Path) -> Known:
    known = Known()
    for file in sorted(folder.rglob("*.yaml")):
        text = file.read_text()
        content = yaml.load(text, Loader=LOADER) or {}
        if not isinstance(content, dict):
            continue
        group = file.parent.relative_to(folder).as_posix()
        package = PACKAGE.search(text)
        place = package[1] if package else GROUPS.get(group, group).replace("/", ".")
        path = () if place in ("_global_", ".") else tuple(place.split("."))
        for number, key in enumerate(path[:2]):
            known.keys.setdefault("" if not number else path[0], set()).add(key)
        known.add({key: value for key, value in content.items() if key not in ("defaults", "hydra")}, path)
    return known


def known_in_words(words: Sequence[str]) -> Known:
    """What words of a command line name.

    Raises:
        RequestError: one of them cannot be read.
    """
    known = Known()
    for word in words:
        if word.startswith(("-", "~")) or "=" not in word or word.lstrip("+").startswith("hydra"):
            continue
        override = parse(word)
        if not override.is_sweep_override():
            path = override.key_or_group.replace("/", ".").split(".")
            for number, key in enumerate(path[:2]):
                known.keys.setdefault("" if not number else path[0], set()).add(key)
            known.add(override.value(), tuple(path))
    return known

"""What builds an object, beside the object's own signature: its keys, and their values beside the annotations there.

So a new network, task or metric needs no schema of its own: its constructor's annotations are the schema.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from pkgutil import resolve_name
from typing import Any, Literal, NamedTuple, get_args, get_type_hints, is_typeddict

from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore.config.values import check_value, shown
from restore.errors import RequestError, unknown_name

TARGET = "_target_"
HYDRAS = {  # what Hydra reads itself
    "_partial_": bool,
    "_recursive_": bool,
    "_convert_": Literal["none", "partial", "object", "all"],
    "_args_": list[Any],
}
NO_ARGUMENTS: Mapping[str, Collection[str]] = {"model": ("name",), "data": ("path",)}  # keys that others refer to
UNRESOLVED = object()
GIVEN_LATER = "tracking."  # filled in when a run starts


class Signature(NamedTuple):
    """The arguments that can be named, with their annotations; `more` where any other may be named too."""

    hints: Mapping[str, Any]
    more: bool


class Values:
    """A configuration in dictionaries and lists: as it is resolved (`plain`) and as it is written (`raw`).

    `UNRESOLVED` stands in `plain` for what cannot be resolved; Hydra's own part is left out.

    Args:
        called: what keys are called in a sentence, where they are not a person's own.
    """

    def __init__(self, config: DictConfig, called: Mapping[str, str] | None = None):
        self.plain = {str(key): _resolved(config, key) for key in config if key != "hydra"}
        raw = {key: config._get_node(key) for key in config if key != "hydra"}
        self.raw = {
            str(key): OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node._value()
            for key, node in raw.items()
        }
        self.called = called or {}

    def check(self, key: str, value: Any, hint: Any) -> None:
        """Check a value by the key that gives it, ``task.sigma`` where ``sigma: ${task.sigma}`` stands.

        Raises:
            RequestError: it is none that it may be, or is not given.
        """
        owner = self.owner(key)
        owner = self.called.get(owner, owner)
        if isinstance(value, str) and value == MISSING:
            raise RequestError(f"{owner} has to be given: {owner}=<value>")
        if not owner.startswith(GIVEN_LATER) and not _has(value, UNRESOLVED):
            check_value(owner, value, hint)

    def owner(self, path: str) -> str:
        """The key that a value comes from: that of ``${…}``, where the value is nothing else, however often."""
        for _ in range(10):
            value: Any = self.raw
            parts = path.split(".")
            for index, part in enumerate(parts):
                value = _member(value, part)
                if isinstance(value, str) and (reference := _referred(value, self.raw)):
                    path = ".".join([reference, *parts[index + 1 :]])
                    break
            else:
                break
        return path


def _resolved(node: DictConfig | ListConfig, key: Any) -> Any:
    """A value in dictionaries and lists."""
    if OmegaConf.is_missing(node, key):
        return MISSING
    try:
        value = node[key]
        return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    except OmegaConfBaseException:
        pass
    try:
        value = node[key]
    except OmegaConfBaseException:
        return UNRESOLVED
    if isinstance(value, DictConfig):
        return {str(name): _resolved(value, name) for name in value}
    return [_resolved(value, index) for index in range(len(value))]


def _member(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and part.isdigit() and int(part) < len(value):
        return value[int(part)]
    return None


REFERENCE = re.compile(r"\$\{(?:oc\.select:)?\s*([A-Za-z_][\w.]*)\s*(?:,[^{}]*)?\}")


def _referred(text: str, raw: Mapping[str, Any]) -> str | None:
    """The key that an interpolation refers to; None where there is none, or it is a default's."""
    match = REFERENCE.fullmatch(text)
    if not match:
        return None
    value: Any = raw
    for part in match[1].split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return match[1]


# -- objects ---------------------------------------------------------------------------------------


def check_objects(values: Values) -> None:
    """Check every mapping with a ``_target_``, at any depth, beside what it names.

    Raises:
        RequestError: one sentence: there is no such object, it has no such argument, or the value is none for it.
    """
    checked: set[str] = set()
    for path, node in _objects("", values.plain):
        place = values.owner(path)
        if place not in checked:
            checked.add(place)
            _check_object(values, place, node)


def _objects(path: str, node: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(node, Mapping):
        if node.get(TARGET) not in (None, UNRESOLVED):
            yield path, node
        for key, value in node.items():
            yield from _objects(f"{path}.{key}".lstrip("."), value)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _objects(f"{path}.{index}", value)


def _check_object(values: Values, place: str, node: Mapping[str, Any]) -> None:
    said = values.called.get(place, place)
    signature = signature_of(said, node[TARGET])
    for key, value in node.items():
        if key == TARGET or key in NO_ARGUMENTS.get(place, ()):
            continue
        hint = HYDRAS.get(key) or signature.hints.get(key)
        if hint is None and not signature.more:
            raise unknown_name("key", f"{said}.{key}", [f"{said}.{name}" for name in signature.hints])
        if not _has(value, TARGET):  # an object, once it is built
            values.check(f"{place}.{key}", value, Any if hint is None else hint)


def _has(value: Any, what: Any) -> bool:
    """Whether something is a value, a key or a member of it, at any depth."""
    if isinstance(value, Mapping):
        return any(key == what or _has(part, what) for key, part in value.items())
    if isinstance(value, list):
        return any(_has(part, what) for part in value)
    return value is what


# -- signatures ------------------------------------------------------------------------------------


def signature_of(place: str, target: Any) -> Signature:
    """The signature of what a ``_target_`` names.

    Raises:
        RequestError: it names nothing that can be called.
    """
    key = f"{place}.{TARGET}"
    if not isinstance(target, str) or not target:
        raise RequestError(
            f"{key} is the name of a class or a function, package.module.Class, and it is {shown(target)}"
        )
    return _signature(located(key, target))


def located(key: str, target: str) -> Callable:
    """The class or function of a dotted name.

    Raises:
        RequestError: there is none, or its module cannot be imported.
    """
    try:
        found = resolve_name(target)
    except Exception as error:  # whatever a module throws while it is imported
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise RequestError(f"{key}: Error locating target '{target}': {reason}") from error
    if not callable(found):
        raise RequestError(f"{key}={target} is no class or function, but a {type(found).__name__}")
    return found


@lru_cache(maxsize=512)
def _signature(target: Callable) -> Signature:
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # of a function in C
        return Signature({}, more=True)
    annotations = _annotations(target)
    hints, more = dict[str, Any](), False
    for parameter in parameters:
        hint = annotations.get(parameter.name, Any)
        if parameter.kind == parameter.VAR_KEYWORD:
            known = dict(_unpacked(hint))
            hints |= known
            more = not known
        elif parameter.kind not in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            hints[parameter.name] = hint | None if parameter.default is None and hint is not Any else hint
    return Signature(hints, more)


def _annotations(target: Callable) -> Mapping[str, Any]:
    function = target.__init__ if isinstance(target, type) else target
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):  # names that are there for type checkers alone
        return {}


def _unpacked(hint: Any) -> Iterator[tuple[str, Any]]:
    """The keys of ``**more: Unpack[Arguments]``."""
    for arguments in get_args(hint):
        if is_typeddict(arguments):
            yield from get_type_hints(arguments, include_extras=True).items()

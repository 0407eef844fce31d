"""``key=value`` words of the commands that Hydra does not drive: split at the first ``=``, values literal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from restore.config.values import check_text, check_value
from restore.errors import RequestError, unknown_name

Keys = TypeVar("Keys")
CONSTANTS = {"null": None, "true": True, "false": False}


def parse(usage: str, defaults: Mapping[str, str], arguments: Sequence[str], **kinds: Any) -> dict[str, Any]:
    """The values of the known keys, those given laid over the defaults.

    Prints `usage` and exits with 0 at ``--help``.

    Args:
        kinds: annotations of the keys that are no text, ``repeats=Count``: their values are read as JSON has them.

    Raises:
        RequestError: a word that is no ``key=value``, an unknown key, or a value that its annotation does not allow.
    """
    values = dict(defaults) | _split(usage, list(defaults), arguments)
    return values | {key: _read(key, values[key], kind) for key, kind in kinds.items()}


def read(usage: str, schema: type[Keys], arguments: Sequence[str]) -> Keys:
    """The keys of a command (`restore.config.commands`), each a value that its annotation allows.

    Values are read as JSON has them where the annotation asks for more than text; null is what is not given, and
    a list is names with commas, in brackets or not. Prints `usage` and exits with 0 at ``--help``.

    Raises:
        RequestError: as of `parse`.
    """
    names = [field.name for field in fields(schema)]  # type: ignore[arg-type]
    hints = get_type_hints(schema, include_extras=True)
    given = _split(usage, names, arguments)
    return schema(**{key: _read(key, text, hints[key]) for key, text in given.items()})


def _split(usage: str, keys: Sequence[str], arguments: Sequence[str]) -> dict[str, str]:
    if {"-h", "--help"} & set(arguments):
        print(usage.strip())
        sys.exit(0)
    given = {}
    for word in arguments:
        key, equals, value = word.partition("=")
        if not equals:
            raise RequestError(f"'{word}' is not of the form key=value")
        if key not in keys:
            raise unknown_name("key", key, keys)
        check_text(key, value)
        given[key] = value
    return given


def _read(key: str, text: str, kind: Any) -> Any:
    """The first reading of a text that its annotation allows."""
    value: Any = text
    for value in _readings(text):
        with suppress(RequestError):
            check_value(key, value, kind)
            return value
    check_value(key, value, kind)  # what it looks like most is what the sentence is about
    raise AssertionError("unreachable")


def _readings(text: str) -> Iterator[Any]:
    """What a text may be: a constant, a text, names, a number; the last one is what it looks like."""
    if text in CONSTANTS:
        yield CONSTANTS[text]
    number: Any = None
    for kind in (float, int):
        with suppress(ValueError):
            number = kind(text)
    if number is None:
        yield [name.strip() for name in text.removeprefix("[").removesuffix("]").split(",")]
    yield text
    if number is not None:
        yield number

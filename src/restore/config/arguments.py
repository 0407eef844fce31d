"""``key=value`` words of the commands that Hydra does not drive: split at the first ``=``, values literal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from restore.config.values import check_text, check_value
from restore.errors import RequestError, unknown_name


def parse(usage: str, defaults: Mapping[str, str], arguments: Sequence[str], **kinds: Any) -> dict[str, Any]:
    """The values of the known keys, those given laid over the defaults.

    Prints `usage` and exits with 0 at ``--help``.

    Args:
        kinds: annotations of the keys that are no text, ``repeats=Count``: their values are read as JSON has them.

    Raises:
        RequestError: a word that is no ``key=value``, an unknown key, or a value that its annotation does not allow.
    """
    if {"-h", "--help"} & set(arguments):
        print(usage.strip())
        sys.exit(0)
    values = dict(defaults)
    for word in arguments:
        key, equals, value = word.partition("=")
        if not equals:
            raise RequestError(f"'{word}' is not of the form key=value")
        if key not in defaults:
            raise unknown_name("key", key, defaults)
        check_text(key, value)
        values[key] = value
    return values | {key: _read(key, values[key], kind) for key, kind in kinds.items()}


def _read(key: str, text: str, kind: Any) -> Any:
    """A value of a kind: a number or a switch where the text is one, else the text itself."""
    value: Any = text
    for read in (int, float, {"true": True, "false": False}.__getitem__):
        with suppress(ValueError, KeyError):
            value = read(text)
            break
    with suppress(RequestError):
        check_value(key, text, kind)
        return text
    check_value(key, value, kind)
    return value

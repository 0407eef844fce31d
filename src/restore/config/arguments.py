"""``key=value`` words of the commands that Hydra does not drive: split at the first ``=``, values literal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from restore.errors import RequestError, unknown_name


def parse(usage: str, defaults: Mapping[str, str], arguments: Sequence[str]) -> dict[str, str]:
    """The values of the known keys, those given laid over the defaults.

    Prints `usage` and exits with 0 at ``--help``.

    Raises:
        RequestError: a word that is no ``key=value``, or an unknown key.
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
        values[key] = value
    return values

"""A request that cannot be met is answered by one sentence, and by the nearest valid name."""

from __future__ import annotations

import contextlib
import difflib
import errno
import sys
from collections.abc import Iterable, Iterator


class RequestError(Exception):
    """The request was wrong; the message is one sentence for the person who made it."""


def unknown_name(kind: str, name: str, names: Iterable[str]) -> RequestError:
    """The sentence for an unknown name, with the nearest valid ones first.

    Example:
        >>> print(unknown_name("task", "denoize", ["denoise", "deblur"]))
        unknown task 'denoize': did you mean 'denoise'? (there are deblur, denoise)
    """
    names = sorted(set(names))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'? " if near else ""
    listed = f"(there are {', '.join(names)})" if len(names) <= 40 or not near else ""
    return RequestError(f"unknown {kind} '{name}': {hint}{listed}".rstrip())


@contextlib.contextmanager
def report_errors() -> Iterator[None]:
    """Turn a `RequestError` into one sentence on stderr and exit code 2; a full disk into exit code 1."""
    try:
        yield
    except RequestError as error:
        print(f"restore: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"restore: no space left on the disk of {error.filename or 'the run folder'}", file=sys.stderr)
        raise SystemExit(1) from None

"""A request that cannot be met is answered by one sentence, and by the nearest valid name."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

BUG = 70  # exit code (EX_SOFTWARE of sysexits.h)
NOT_READ = 141  # of a program that SIGPIPE ends
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, a person's share of it, the largest file allowed


class RequestError(Exception):
    """The request was wrong; the message is one sentence for the person who made it."""


class OutsideError(Exception):
    """Something outside of us failed: a machine, a process that others depend on; the message is one sentence."""


def unknown_name(kind: str, name: str, names: Iterable[str]) -> RequestError:
    """The sentence for an unknown name, with the nearest valid ones first.

    Example:
        >>> print(unknown_name("task", "denoize", ["denoise", "deblur"]))
        unknown task 'denoize': did you mean 'denoise'? (there are deblur, denoise)
    """
    names = sorted(set(names))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'? " if near else ""
    listed = f"(there are {', '.join(names)})" if names != near and (len(names) <= 40 or not near) else ""
    return RequestError(f"unknown {kind} '{name}': {hint}{listed}".rstrip())


@contextlib.contextmanager
def report_errors(folder: str | Path = ".") -> Iterator[None]:
    """Turn what goes wrong into one sentence on stderr and an exit code.

    2 where the request was wrong (`RequestError`), 1 where something outside failed (`OutsideError`, a full disk), 141
    where nobody reads on (``| head``), 70 for a bug of ours, whose trace is written to `folder`, or to the system's temporary folder where that cannot be written to.
    With HYDRA_FULL_ERROR=1 a bug's trace is printed as Python does.
    """
    try:
        yield
    except RequestError as error:
        _leave(2, str(error))
    except OutsideError as error:
        _leave(1, str(error))
    except BrokenPipeError:  # `... | head` has seen enough; what is still to be flushed goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(NOT_READ) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            reason = "" if error.errno == errno.ENOSPC else f" ({os.strerror(error.errno).lower()})"
            _leave(1, f"no space left on the disk{f' of {error.filename}' if error.filename else ''}{reason}")
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        _leave(
            BUG, f"a bug of ours ({' '.join(f'{type(error).__name__}: {error}'.split())}), its trace: {_trace(folder)}"
        )


def _leave(code: int, sentence: str) -> NoReturn:
    print(f"restore: {sentence}", file=sys.stderr)
    raise SystemExit(code) from None


def _trace(folder: str | Path) -> Path:
    """The file that the exception in hand was written to."""
    name = f"restore-trace-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for place in (Path(folder), Path(tempfile.gettempdir())):
        with contextlib.suppress(OSError):
            file = place.resolve() / name
            file.write_text(traceback.format_exc())
            return file
    return Path(os.devnull)

"""What goes wrong is answered by one sentence: a request that cannot be met (with the nearest valid name), a fault
from outside, a bug of ours; and so is being told to stop."""

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

from restore import signals

FAULT = 1  # exit code
BUG = 70  # exit code (EX_SOFTWARE of sysexits.h)
AGAIN = 75  # exit code: the same command may do it later (EX_TEMPFAIL of sysexits.h)
NOT_READ = 141  # of a program that SIGPIPE ends


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, a person's share of it, the largest file allowed
# What a disk, a permission or a limit of the machine does; other OSErrors (no such file) may be a bug of ours.
OUTSIDE = {
    *(*NO_ROOM, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR),
    *(errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENXIO),
}


class RequestError(Exception):
    """The request was wrong; the message is one sentence for the person who made it."""


class OutsideError(Exception):
    """Something outside of us failed: a machine, a process that others depend on; the message is one sentence."""


class OccupiedError(RequestError):
    """Another process is at the same work; the message is one sentence that says which."""


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
    return RequestError(f"unknown {kind} {name!r}: {hint}{listed}".rstrip())


@contextlib.contextmanager
def report_errors(folder: str | Path = ".") -> Iterator[None]:
    """Turn what goes wrong into one sentence on stderr and an exit code.

    ===  ==============================================================================================
    2    the request was wrong (`RequestError`)
    75   another process is at the same work (`OccupiedError`): later, the same command may do it
    1    a fault from outside (`OutsideError`): a full disk, no permission, a process that died
    70   a bug of ours, whose trace is written to `folder`, or to the system's temporary folder where
         that cannot be written to; with HYDRA_FULL_ERROR=1 it is printed as Python does
    130  Ctrl-C
    141  nobody reads on (``| head``)
    143  told to stop (SIGTERM or SIGHUP)
    ===  ==============================================================================================
    """
    with signals.working():
        try:
            yield
        except OccupiedError as error:
            _leave(AGAIN, str(error))
        except RequestError as error:
            _leave(2, str(error))
        except OutsideError as error:
            _leave(FAULT, str(error))
        except KeyboardInterrupt:
            _leave(signals.INTERRUPTED, f"interrupted (Ctrl-C); {signals.way()}")
        except BrokenPipeError:  # `... | head` has seen enough; what is still to be flushed goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(NOT_READ) from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno in OUTSIDE:
                _leave(FAULT, outside_sentence(error))
            if os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            said = " ".join(f"{type(error).__name__}: {error}".split())
            _leave(BUG, f"a bug of ours ({said}), its trace: {_trace(folder)}")


def outside_sentence(error: OSError) -> str:
    """What the system refused, and of which file.

    Example:
        >>> outside_sentence(PermissionError(errno.EACCES, "Permission denied", "/data/set5"))
        '/data/set5: permission denied'
    """
    if error.errno in NO_ROOM:
        reason = "" if error.errno == errno.ENOSPC else f" ({os.strerror(error.errno).lower()})"
        return f"no space left on the disk{f' of {error.filename}' if error.filename else ''}{reason}"
    reason = (error.strerror or os.strerror(error.errno or 0)).lower()
    return f"{error.filename}: {reason}" if error.filename else f"the system says: {reason}"


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

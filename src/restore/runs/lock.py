"""Who writes into a folder: one process at a time, found by the others with its number, machine and since when.

The lock is the kernel's (`flock`) on a file of the folder, so that a process that dies, however it does, holds nothing
any more. On one machine it always holds. Over NFS it does from Linux 2.6.12 on, where it becomes a lock of the server's,
unless the mount says ``nolock`` or ``local_lock=flock``, and on Lustre mounted with ``flock``: runs of several
machines then see one another. Where a file system has no locks, a warning says so and nothing is guarded.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from restore import signals
from restore.errors import OccupiedError
from restore.runfolder import RunFolder

log = logging.getLogger("restore")

NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
PAUSE = 0.3  # seconds between looks
TRIES = 4  # of taking it: somebody may just be looking whether it is held


@dataclass(frozen=True)
class Holder:
    """Who works in a folder."""

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


_held: dict[Path, int] = {}  # descriptors of the locks of this process, which has them until it ends


def hold(folder: RunFolder) -> None:
    """Hold a folder until `release` or this process's end; at once where it does already, or is not a run's first rank.

    Raises:
        OccupiedError: another process holds it; the sentence says which.
    """
    if signals.is_other_rank() or _key(folder) in _held:
        return
    folder.path.mkdir(parents=True, exist_ok=True)
    descriptor = _try(folder)
    for _ in range(TRIES - 1):
        if descriptor is None:
            time.sleep(PAUSE / 2)
            descriptor = _try(folder)
    if descriptor is None:
        raise OccupiedError(
            f"{folder} is written by another command ({_read(folder)}): wait for it, or end it; "
            "then the same command goes on"
        )
    holder = Holder(os.getpid(), socket.gethostname(), time.strftime("%Y-%m-%d %H:%M:%S"))
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(vars(holder)).encode(), 0)
    _held[_key(folder)] = descriptor


def release(folder: RunFolder) -> None:
    """Let others have it; nothing happens where this process does not hold it."""
    descriptor = _held.pop(_key(folder), None)
    if descriptor is not None:
        os.close(descriptor)


@contextlib.contextmanager
def held(folder: RunFolder) -> Iterator[None]:
    """`hold` within a block."""
    hold(folder)
    try:
        yield
    finally:
        release(folder)


def holder_of(folder: RunFolder) -> Holder | None:
    """The other process that holds a folder; None where none does."""
    if _key(folder) in _held or not folder.lock.is_file():
        return None
    descriptor = _try(folder)
    if descriptor is None:
        return _read(folder)
    os.close(descriptor)
    return None


def wait(folder: RunFolder, until: Callable[[], bool], say: Callable[[str], object]) -> None:
    """Wait while another process holds a folder, or until something else ends the waiting; who holds it is said once."""
    holder = holder_of(folder)
    if holder is not None:
        say(f"waiting for {folder.name}, which another command writes ({holder})")
    while holder is not None and not until():
        time.sleep(PAUSE)
        holder = holder_of(folder)


def _key(folder: RunFolder) -> Path:
    return folder.path.resolve()


def _try(folder: RunFolder) -> int | None:
    """A descriptor with the lock, or None where another process has it."""
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            log.warning(
                f"not guarded {folder}: its file system has no locks, and two commands there do not see each other"
            )
            return descriptor
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise
    return descriptor


def _read(folder: RunFolder) -> Holder:
    """What the holder wrote; it may be just about to."""
    try:
        return Holder(**json.loads(folder.lock.read_text()))
    except (OSError, ValueError, TypeError):
        return Holder(0, "an unknown machine", "just now")

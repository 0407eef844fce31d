"""Files that are written whole: beside their name, made durable, then renamed; and damaged ones, which are kept.

A reader, a kill, a full disk or a power cut meets the old file or the new one, never half of one. The file beside lies
in the same folder, and so on the same file system, where renaming replaces at once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(file: Path, before: Callable[[], None] | None = None) -> Iterator[Path]:
    """The path to write to; what was written there takes the file's name at the end, or is removed where it failed.

    Args:
        file: to be replaced, or made; its folder is made where it is missing.
        before: called when the new one is whole and durable, and the old one still has the name.

    Raises:
        OSError: it cannot be written; its ``filename`` is the file's.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield partial
        _synchronise(partial)
        if before:
            before()
        partial.replace(file)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(file)) from error
        raise
    with contextlib.suppress(OSError):  # some file systems have no folders that can be synchronised
        _synchronise(file.parent)


def write(file: Path, content: str | bytes | memoryview) -> None:
    """Put content, text as UTF-8, in a file's place.

    Raises:
        OSError: it cannot be written; the old file is as it was.
    """
    with replacing(file) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def set_aside(file: Path) -> Path:
    """Rename a damaged file (or what else has its name) to the first free ``<name>.damaged-<number>``."""
    names = (file.with_name(f"{file.name}.damaged-{number}") for number in range(1, 10**6))
    return file.rename(next(name for name in names if not name.exists()))


def _synchronise(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

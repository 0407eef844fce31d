"""The tar of a campaign that was carried here: laid out with limits, and only what a campaign packs."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from restore.errors import RequestError
from restore.runfolder import RunFolder

MOST_FILES = 20_000
MOST_BYTES = 20 * 10**9  # of all files together; a campaign's are a hundredth of it
LONGEST_NAME = 64_000  # bytes of a header that holds a name
HEADERS = (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME)
RUN = RunFolder("run")
CARRIED = (RUN.results, RUN.history, RUN.job_log, RUN.last, RUN.best, RUN.config, RUN.overrides, RUN.hydra)
NAMES = {"run.json", "result.json", *(file.name for file in CARRIED)}


class PlainEntry(tarfile.TarInfo):
    """A file or a folder; anything else is refused when its header is read, before what follows the header is."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> tarfile.TarInfo:
        entry = super().frombuf(buf, encoding, errors)
        plain = entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
        if not plain and not (entry.type in HEADERS and entry.size <= LONGEST_NAME):
            raise RequestError(f"{entry.name!r} in it is neither a file nor a folder")
        return entry


def unpack(state: Path, root: Path) -> None:
    """Lay a carried state out, where no run of this machine's is there already.

    It is laid out beside the folder and then moved there, whole. What is not among the files that a campaign
    carries, or would lie elsewhere, is refused, and so are links, devices, sparse files, and more than `MOST_FILES`
    files or `MOST_BYTES` bytes.

    Raises:
        RequestError: the file is not such a tar.
    """
    if not state.is_file() or root.exists():
        return
    partial = root.with_name(f".{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with tarfile.open(state, "r:gz", tarinfo=PlainEntry) as tar:
            _extract(tar, partial)
        partial.replace(root)
    except (RequestError, tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise RequestError(f"{state} is not a campaign's state: {' '.join(str(error).split())[:200]}") from error
    except OSError as error:
        if error.errno is None or isinstance(error, (FileExistsError, NotADirectoryError, IsADirectoryError)):
            raise RequestError(
                f"{state} is not a campaign's state: {error}"
            ) from error  # gzip's, of bytes that are none
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    folder.mkdir(parents=True)
    count = size = 0
    while (entry := tar.next()) is not None:
        count, size = count + 1, size + entry.size
        if count > MOST_FILES or size > MOST_BYTES:
            raise RequestError(f"it has more than {MOST_FILES:,} files or {MOST_BYTES / 1e9:.0f} GB")
        path = PurePosixPath(entry.name)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.name or entry.issparse():
            raise RequestError(f"{entry.name!r} in it would lie elsewhere")
        if entry.isdir():
            continue  # folders come with their files
        if path.name not in NAMES:
            raise RequestError(f"{entry.name!r} in it is none of the files that a campaign carries")
        content, file = tar.extractfile(entry), folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with content, file.open("xb") as target:
            shutil.copyfileobj(content, target)
        if file.stat().st_size != entry.size:
            raise RequestError(f"{entry.name!r} in it is cut off")

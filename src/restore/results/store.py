"""``results.csv``: one row per image and metric, added a whole run at a time, none of them twice."""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from restore import atomic
from restore.errors import RequestError
from restore.files import check_regular
from restore.results.quantities import quantity

log = logging.getLogger(__name__)

COLUMNS = (
    *("run", "experiment", "task", "model", "method_kind", "seed", "budget", "recipe", "patches", "protocol"),
    *("dataset", "setting", "image", "channels", "metric", "value", "value_input", "precision", "device", "torch"),
    *("fingerprint", "overlap", "checkpoint_sha256", "commit"),
)
GROUP = (  # what the images of one mean have in common
    *("run", "experiment", "task", "model", "method_kind", "seed", "budget", "recipe", "patches", "protocol"),
    *("dataset", "setting", "channels", "metric", "precision", "device", "torch", "checkpoint_sha256", "commit"),
)
SUMMARY = (*(column for column in COLUMNS if column not in ("image", "fingerprint")), "images")
VALUES = ("value", "value_input")
HEADER_LENGTH = 10_000  # characters that are looked at of a first line: a file of something else may have no end of it
PLACE = ("model", "method_kind", "protocol", "dataset", "setting", "image", "metric")  # what one row is of
MEASUREMENT = (*GROUP, "image")  # two rows alike in these would count one image twice in one mean
OF_A_RUN = ("run", "seed", *PLACE, "precision", "device")  # where only a run's latest weights count


# -- writing ---------------------------------------------------------------------------------------


def check_header(path: Path) -> None:
    """Refuse, before anything is trained, a file whose rows are not of this form, or that cannot be written to.

    Raises:
        RequestError: its columns are others, it is no regular file, or nothing can be written beside it.
    """
    _check_place(path)
    _check_columns(path)


def _check_columns(path: Path) -> None:
    if path.is_file() and (header := _header(path)) and header != COLUMNS:
        raise RequestError(
            f"{path} has other columns ({','.join(header[:3])},… {len(header)} of them) than the {len(COLUMNS)} that "
            "are written now: move it away, or name another file"
        )


def _check_place(path: Path) -> None:
    """A pipe or a device is never opened: it may wait for ever, or be replaced by the new file."""
    try:
        if path.exists():
            check_regular(path)
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:
        raise RequestError(
            f"results cannot be written to {path}: {getattr(error, 'strerror', None) or error}"
        ) from error


def append(path: Path, rows: Iterable[dict], same: Sequence[str] = MEASUREMENT) -> None:
    """Add the rows of one run to a results file and renew ``summary.csv`` beside it.

    They take the place of earlier rows of the same thing, so that a command that was killed after it had written them,
    and is given again, does not leave them twice. The new file is written aside and then takes the name, under a
    lock: a reader, another writer or a power cut never meets half a run. A file that something else has damaged is
    kept under another name, and a new one begun.

    Args:
        same: columns; rows that are alike in them are of the same thing.

    Raises:
        ValueError: a row whose columns are not `COLUMNS`.
        OSError: it cannot be written; the file is as it was.
    """
    rows = list(rows)
    text, replaced = _lines(COLUMNS, rows), {tuple(str(row[column]) for column in same) for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        if path.exists() and (damage := _damage(path)):
            log.warning(
                f"{path} is damaged ({damage}): it is kept as {atomic.set_aside(path).name}, and a new one begun"
            )
        old = _without(path, same, replaced) if path.exists() else ""
        atomic.write(path, (old or ",".join(COLUMNS) + "\n") + text)
        summary = ",".join(SUMMARY) + "\n" + _lines(SUMMARY, means(read(path)))
        atomic.write(path.with_name("summary.csv"), summary)


def _without(path: Path, same: Sequence[str], replaced: set[tuple[str, ...]]) -> str:
    """The text of a whole results file without the rows of these things; the others stay as they are written."""
    indices, text = [COLUMNS.index(column) for column in same], io.StringIO()
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            if tuple(row[index] for index in indices) not in replaced:
                csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()


def _lines(columns: Sequence[str], rows: Iterable[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    for row in rows:
        if set(row) != set(columns):
            raise ValueError(f"a row of results has the columns {sorted(set(row) ^ set(columns))} too many or too few")
        digits = quantity(row["metric"]).stored_digits
        writer.writerow({key: f"{value:.{digits}f}" if key in VALUES else value for key, value in row.items()})
    return text.getvalue()


def _damage(path: Path) -> str:
    """What is wrong with a results file, in a few words; empty where nothing is."""
    if not path.is_file():
        return "it is no file"
    try:
        text = path.read_text(encoding="utf-8")
        lines = list(csv.reader(io.StringIO(text), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return "it is not a table of text"
    if not text:
        return ""
    if not lines or tuple(lines[0]) != COLUMNS:
        return "its first line is not the header"
    value = COLUMNS.index("value")
    for number, line in enumerate(lines, start=1):
        if len(line) != len(COLUMNS) or not (number == 1 or _is_number(line[value])):
            return f"row {number} is not whole"
    return "" if text.endswith("\n") else "its last line is not whole"


def _is_number(text: str) -> bool:
    try:
        return bool(float(text) or True)
    except ValueError:
        return False


# -- reading ---------------------------------------------------------------------------------------


def read(path: Path) -> list[dict]:
    """The rows of a results file, values as numbers.

    Raises:
        RequestError: it is no regular file, cannot be opened, has other columns, or is damaged.
    """
    try:
        check_regular(path)
        _check_columns(path)
        damage = _damage(path)
    except (OSError, ValueError) as error:
        raise RequestError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if damage:
        raise RequestError(f"{path} is damaged: {damage}")
    with path.open(newline="", encoding="utf-8") as file:
        return [row | {key: float(row[key] or "nan") for key in VALUES} for row in csv.DictReader(file)]


def read_means(path: Path) -> list[dict]:
    """The means of a results file; where there is none, those of the ``summary.csv`` beside its place.

    A folder that is given away keeps the means alone. None where there is neither.

    Raises:
        RequestError: as of `read`; or the summary has other columns.
    """
    if path.is_file():
        return means(read(path))
    file = path.with_name("summary.csv")
    if not file.is_file():
        return []
    if _header(file) != SUMMARY:
        raise RequestError(f"{file} is no summary of results that can be read: it has other columns")
    with file.open(newline="", encoding="utf-8") as lines:
        try:
            rows = list(csv.DictReader(lines))
            return [
                row | {key: float(row[key] or "nan") for key in VALUES} | {"images": int(row["images"])} for row in rows
            ]
        except (TypeError, ValueError, UnicodeDecodeError, csv.Error) as error:
            raise RequestError(f"{file} is damaged: a row of it is not whole") from error


def means(rows: Iterable[dict]) -> list[dict]:
    """Mean values over the images of each `GROUP`, in order of appearance."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row[column]) for column in GROUP), []).append(row)
    return [_mean(group) for group in groups.values()]


def _mean(group: Sequence[dict]) -> dict:
    mean = {column: group[0][column] for column in GROUP}
    digits = quantity(group[0]["metric"]).stored_digits
    for value in VALUES:
        mean[value] = round(sum(float(row[value]) for row in group) / len(group), digits)
    overlaps = sum(row["overlap"] not in ("", "none", "unknown") for row in group)
    mean["overlap"] = f"{overlaps} of {len(group)}" if overlaps else group[0]["overlap"]
    return mean | {"images": len(group)}


def _header(path: Path) -> tuple[str, ...]:
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            header = tuple(next(csv.reader([file.readline(HEADER_LENGTH)]), ()))
    except csv.Error:
        return ("no text",)
    return header if all(column.isprintable() and "\ufffd" not in column for column in header) else ("no text",)


# -- the checkout and the file ---------------------------------------------------------------------


def commit() -> str:
    """Short hash of the checkout this package runs from, ``+`` where it has changes; empty outside one."""
    folder = Path(__file__).parent
    try:
        ask = {"cwd": folder, "capture_output": True, "text": True, "timeout": 10}
        tracked = subprocess.run(["git", "ls-files", "--error-unmatch", __file__], **ask)
        if tracked.returncode:
            return ""
        head = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], **ask)
        changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], **ask)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "") if head.returncode == 0 else ""


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # Windows: writers there are not kept apart
        yield
        return
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

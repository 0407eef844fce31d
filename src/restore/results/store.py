"""``results.csv``: one row per image, only appended to, a whole run at a time."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

COLUMNS = (
    *("run", "experiment", "task", "model", "seed", "budget", "patches", "protocol", "dataset", "setting", "image"),
    *("channels", "psnr", "ssim", "psnr_input", "ssim_input", "precision", "overlap", "checkpoint_sha256", "commit"),
)
SCORES = ("psnr", "ssim", "psnr_input", "ssim_input")


def append(path: Path, rows: Iterable[dict]) -> None:
    """Add the rows of one run to a results file and renew ``summary.csv`` beside it.

    The old rows and the new ones are written to a file aside that then takes the name, under a lock:
    a reader, another writer or a power cut never meets half a run.

    Raises:
        ValueError: a row whose columns are not `COLUMNS`.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    for row in rows:
        if set(row) != set(COLUMNS):
            raise ValueError(f"a row of results has the columns {sorted(set(row) ^ set(COLUMNS))} too many or too few")
        writer.writerow({key: f"{value:.4f}" if key in SCORES else value for key, value in row.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        old = path.read_text() if path.exists() else ",".join(COLUMNS) + "\n"
        _replace(path, old + text.getvalue())
        summary = io.StringIO()
        fields = [*(c for c in COLUMNS if c != "image"), "images"]
        summary_writer = csv.DictWriter(summary, fields, lineterminator="\n")
        summary_writer.writeheader()
        summary_writer.writerows(means(read(path)))
        _replace(path.with_name("summary.csv"), summary.getvalue())


def read(path: Path) -> list[dict]:
    """The rows of a results file, scores as numbers."""
    with path.open(newline="") as file:
        return [{k: float(v) if k in SCORES else v for k, v in row.items()} for row in csv.DictReader(file)]


def means(rows: Iterable[dict]) -> list[dict]:
    """Mean scores over the images of each run, protocol, set and setting, in order of appearance."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        key = tuple(str(row[c]) for c in COLUMNS if c not in (*SCORES, "image", "overlap"))
        groups.setdefault(key, []).append(row)
    summary = []
    for group in groups.values():
        mean = {k: v for k, v in group[0].items() if k != "image"}
        mean |= {score: round(sum(float(row[score]) for row in group) / len(group), 4) for score in SCORES}
        overlaps = sum(row["overlap"] not in ("", "none", "unknown") for row in group)
        mean["overlap"] = f"{overlaps} of {len(group)}" if overlaps else group[0]["overlap"]
        summary.append(mean | {"images": len(group)})
    return summary


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


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


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

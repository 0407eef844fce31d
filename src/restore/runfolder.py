"""A run's folder: the one owner of every file name in it, and of the state that they tell.

``.hydra/config.yaml`` is the recipe, ``checkpoints/best.ckpt`` the numbers: the two together are a network.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from restore import atomic
from restore.errors import RequestError

log = logging.getLogger("restore")

FORMAT = 2  # of the folder's files; an older one's configuration names modules that are elsewhere now
MOST_ENTRIES = 100_000
SHIPPED = Path(__file__).parent / "weights"  # run folders that come with the package, in float16


class RunFolder:
    """The files of one run.

    Args:
        path: of the folder; it need not be there yet.

    Attributes:
        best, last, previous: checkpoints: the one that validated best, the newest, to go on from, and the one before it,
            for where the newest is damaged.
        results, history: a row per image and metric; a row per validation.
        config, overrides: the composed configuration, and the words it was composed from.
        hydra: Hydra's own configuration: where it looked for files, for one.
        job_log: what a grid's job printed.
        crops: of the test images that ``sheets`` names, by method.
        lock: who writes into it, kept by `restore.runs.lock`.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.best = self.checkpoints / "best.ckpt"
        self.last = self.checkpoints / "last.ckpt"
        self.previous = self.checkpoints / "previous.ckpt"
        self.results = self.path / "results.csv"
        self.history = self.path / "history.csv"
        self.config = self.path / ".hydra" / "config.yaml"
        self.overrides = self.path / ".hydra" / "overrides.yaml"
        self.hydra = self.path / ".hydra" / "hydra.yaml"
        self.job_log = self.path / "job.log"
        self.crops = self.path / "crops"
        self.lock = self.path / ".lock"
        self._identity = self.path / "run.json"
        self._result = self.path / "result.json"

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @classmethod
    def find(cls, run: str | Path) -> RunFolder:
        """A run folder (or any file) by its path, or one that comes with the package by its name."""
        path, own = Path(run).expanduser(), SHIPPED / str(run)
        return cls(own if own.is_dir() and not path.exists() else path)

    @property
    def shipped(self) -> bool:
        """Whether it comes with the package, and so stays as it is."""
        return self.path.parent == SHIPPED

    # -- what it is ------------------------------------------------------------------------------

    def create(self) -> None:
        """Make the folder, and say in it by which format its files are written, and under which identity."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._identity.is_file():
            write_json(self._identity, {"format": FORMAT, "id": secrets.token_hex(4)})

    @property
    def identity(self) -> str:
        """What a tracking service knows the run by: the same after a resume.

        Raises:
            RequestError: ``run.json`` is damaged.
        """
        self.create()
        return str(self._read_identity().get("id", ""))

    @property
    def known_identity(self) -> str:
        """The same where the folder has one, and empty else: nothing is written."""
        try:
            return str(read_json(self._identity).get("id", ""))
        except ValueError:
            return ""

    def _read_identity(self) -> dict[str, Any]:
        try:
            content = read_json(self._identity)
        except ValueError as error:
            raise RequestError(
                f"{self._identity} is damaged ({error}): put a copy of it back, or, where this version of restore made "
                f'the folder, write {{"format": {FORMAT}}} into it'
            ) from error
        return content

    def check(self) -> None:
        """Refuse what is no run folder, or one of another format.

        Raises:
            RequestError: one sentence that says which; or ``run.json`` is damaged.
        """
        if not self.config.is_file():
            own = f"; runs of the package's own: {', '.join(shipped_runs())}" if shipped_runs() else ""
            raise RequestError(f"{self} is not the folder of a run: it has no .hydra/config.yaml{own}")
        made = self._read_identity().get("format", 1)
        if made != FORMAT:
            raise RequestError(
                f"{self} was made by another version of restore (run folders of format {made}, and this one reads "
                f"format {FORMAT}): its checkpoint can still be loaded, by weights=<file> and model=<name>"
            )

    def check_files(self) -> None:
        """Refuse a folder in which something leads out of it or is no plain file: what is written there goes elsewhere.

        Raises:
            RequestError: the first such entry.
        """
        root = self.path.resolve()
        for folder, _, names in _walk(self.path):
            for name in names:
                entry = Path(folder, name)
                kind = entry.lstat().st_mode
                out = stat.S_ISLNK(kind) and not entry.resolve().is_relative_to(root)
                if out or not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or stat.S_ISLNK(kind)):
                    what = f"a link to {entry.resolve()}" if out else "neither a file nor a folder"
                    raise RequestError(
                        f"{entry} is {what}, which a run folder from somebody else may not have; remove it, or trust=true"
                    )

    def checkpoint(self) -> Path:
        """The best checkpoint, or the last where no validation chose a best one.

        Raises:
            RequestError: there is none.
        """
        for path in (self.best, self.last):
            if path.is_file():
                return path
        raise RequestError(f"{self} is not the folder of a run: it has no checkpoints/best.ckpt or last.ckpt")

    # -- how it ended ----------------------------------------------------------------------------

    @property
    def result(self) -> dict[str, Any]:
        """State, objective and pace; empty before the run has ended, and where the file is damaged, which is said."""
        try:
            return _checked_result(read_json(self._result))
        except ValueError as error:
            log.warning(f"{self._result} is damaged ({error}): how the run ended is not known")
            return {}

    def write_result(self, **result: Any) -> None:
        """Say how the run ended; a damaged file of before is kept under another name."""
        self._keep_damaged_result()
        write_json(self._result, result)

    def forget_result(self) -> None:
        """Take back how the run ended: it goes on."""
        self._keep_damaged_result()
        self._result.unlink(missing_ok=True)

    def _keep_damaged_result(self) -> None:
        try:
            _checked_result(read_json(self._result))
        except ValueError as error:
            log.warning(f"{self._result} is damaged ({error}): it is kept as {atomic.set_aside(self._result).name}")

    @property
    def states(self) -> list[Path]:
        """Checkpoints that training can go on from, where they are whole: the newest, the one before, the best one."""
        return [path for path in (self.last, self.previous, self.best) if path.is_file()]

    @property
    def resumable(self) -> bool:
        """Whether there is what to go on from; the best checkpoint alone is what is left of a finished run."""
        return self.last.is_file() or self.previous.is_file()

    @property
    def state(self) -> str:
        """``finished``, ``resumable``, ``failed`` or ``new``."""
        state = self.result.get("state", "new")
        if state == "finished":
            return "finished"
        if self.resumable:
            return "resumable"
        return "failed" if state == "failed" else "new"

    @property
    def way_on(self) -> str:
        """How a run that was cut short is gone on with, as the end of a sentence."""
        if self.state == "finished":
            return f"{self} is finished"
        return (
            f"resume='{self}' goes on"
            if self.last.is_file()
            else "nothing was saved yet: the same command begins again"
        )


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk`, the names of folders among those of files too; no link is followed."""
    count = 0
    for path, folders, files in os.walk(folder):
        count += len(folders) + len(files)
        names = [*folders, *files]
        if path == str(folder):
            folders[:] = [name for name in folders if name != "wandb"]  # which links its logs to its own cache
        if count > MOST_ENTRIES:
            raise RequestError(f"{folder} is not the folder of a run: it has more than {MOST_ENTRIES:,} files")
        yield path, folders, names


NUMBERS = ("objective", "test", "steps", "seconds", "patches_per_second", "exit_code")  # in result.json


def _checked_result(content: dict[str, Any]) -> dict[str, Any]:
    """What a ``result.json`` says, its values of the kinds that they are written in."""
    kinds: Mapping[str, type] = dict.fromkeys(NUMBERS, Real) | {"state": str, "metric": str, "absent_sets": list}
    for key, kind in kinds.items():
        if key in content and not isinstance(content[key], kind):
            raise ValueError(f"its {key} is {content[key]!r}")
    if content and "state" not in content:
        raise ValueError("it has no state")
    return content


def shipped_runs() -> list[str]:
    """Names of the runs that come with the package."""
    return sorted(folder.parent.name for folder in SHIPPED.glob("*/checkpoints"))


def read_json(file: Path) -> dict[str, Any]:
    """The object in a file; nothing where there is no such file.

    Raises:
        ValueError: it is damaged; says how, in a few words.
    """
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError("it is no text in JSON" if file.is_file() else "it is no file") from error
    if not isinstance(content, dict):
        raise ValueError("it is no object in JSON")
    return content


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Written aside and moved: a reader or a power cut never meets half of it."""
    atomic.write(file, json.dumps(content, indent=1) + "\n")

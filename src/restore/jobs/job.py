"""A job: one run of a grid, in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from restore.runfolder import RunFolder


@dataclass
class Job:
    """One point of a grid.

    Attributes:
        words: of its run.
        own: those of them in which it differs from the grid's other jobs.
        folder: where it runs.
        resources: words that say on what it runs: Hydra's launcher and its settings.
    """

    words: list[str]
    own: list[str]
    folder: RunFolder
    resources: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def state(self) -> str:
        """``finished``, ``resumable``, ``failed`` or ``new``."""
        return self.folder.state

    @property
    def log(self) -> Path:
        """What it printed: its own log, or the newest of Slurm's."""
        logs = sorted(self.folder.path.glob(".submitit/*/*_0_log.out"), key=lambda file: file.stat().st_mtime)
        return logs[-1] if logs else self.folder.job_log

    def mark_failed(self, code: int) -> None:
        self.folder.write_result(state="failed", exit_code=code)

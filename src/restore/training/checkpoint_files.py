"""Checkpoints as Lightning has them written and read: whole, never over one that was not read, the one before kept."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from restore import atomic
from restore.checkpoint import damage_of
from restore.runfolder import RunFolder

log = logging.getLogger("restore")


class CheckpointFiles(TorchCheckpointIO):
    """Writes each checkpoint beside its name and then renames it, and keeps the newest's forerunner.

    Lightning's own writes to the system's temporary folder, which may be another file system, and moves: a kill or a
    full disk then leaves half a file under the name. A file that is damaged is not written over: it is kept under
    another name, and does not become the forerunner either.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: RunFolder):
        self.folder = folder
        self.whole: set[Path] = set()  # files that this process has written, or read and found whole

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike, storage_options: Any = None) -> None:
        """Write a checkpoint; the disk has it when this returns.

        Raises:
            OSError: it cannot be written; what was there is as it was.
        """
        file, content = Path(path), io.BytesIO()
        torch.save(checkpoint, content)
        if file.exists() and file not in self.whole and (reason := self._unreadable(file)):
            log.warning(f"{file} {reason}: it is kept as {atomic.set_aside(file).name}")
        keeps = file == self.folder.last and file.exists()
        with atomic.replacing(file, self._keep_previous if keeps else None) as partial:
            partial.write_bytes(content.getbuffer())
        self.whole.add(file)

    def load_checkpoint(self, path: str | os.PathLike, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read a checkpoint, as Lightning does."""
        content = super().load_checkpoint(path, *args, **kwargs)
        self.whole.add(Path(path))
        return content

    def _unreadable(self, file: Path) -> str:
        """Why a file of before must not be written over; empty where it may."""
        if file == self.folder.last and self.whole:
            return "was passed over"  # training goes on from another one
        damage = damage_of(file) or ("" if zipfile.is_zipfile(file) else "it is no checkpoint")
        return f"is damaged ({damage})" if damage else ""

    def _keep_previous(self) -> None:
        """Give the newest checkpoint a second name, so that it never lacks its own."""
        last, previous = self.folder.last, self.folder.previous
        link = previous.with_name(f".{previous.name}.{os.getpid()}")
        try:
            link.unlink(missing_ok=True)
            os.link(last, link)
            link.replace(previous)
        except OSError:  # a file system without hard links
            with contextlib.suppress(OSError):
                last.replace(previous)


class RunCheckpoint(ModelCheckpoint):
    """Keeps the newest checkpoint, or the one that validated best; on resume it takes the best score, and no path.

    Lightning takes the paths of the files that it wrote from the checkpoint, and deletes them when there are better
    ones: one that begins with the folder and leads out of it by ``..``, or one with a protocol (``local:///home/…``,
    with all that is below it). A checkpoint from somebody else may have any there. A folder that was moved keeps its
    score for the same reason. Where the best weights are gone or damaged, the next validation chooses them anew.
    """

    @property
    def state_key(self) -> str:
        """As Lightning's own is called in a checkpoint."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the best score so far, where the weights that reached it are there."""
        score, file = state_dict.get("best_model_score"), Path(str(self.dirpath)) / f"{self.filename}.ckpt"
        if self.monitor is None:
            self.best_model_path = str(file) if file.is_file() else ""
        elif isinstance(score, Tensor) and score.numel() == 1:
            if damage := damage_of(file) if file.is_file() else "it is not there":
                log.warning(f"{file} cannot be tested ({damage}): the next validations choose the best one anew")
                return
            self.best_model_path = self.kth_best_model_path = str(file)
            self.best_model_score = self.kth_value = score
            self.best_k_models = {str(file): score}

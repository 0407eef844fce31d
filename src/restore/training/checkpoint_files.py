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
    """Keeps the newest checkpoint, or the one that validated best; where that is gone or damaged, the next is the best."""

    @property
    def state_key(self) -> str:
        """As Lightning's own is called in a checkpoint."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the best score so far, where the weights that reached it are there, and wherever the folder is now."""
        name = Path(state_dict.get("best_model_path") or "").name
        file = Path(str(self.dirpath), name)
        damage = damage_of(file) if file.is_file() else "it is not there"
        if name and damage and self.monitor:
            log.warning(f"{file} cannot be tested ({damage}): the next validations choose the best one anew")
            return
        here = {key: str(file) for key in ("best_model_path", "kth_best_model_path") if state_dict.get(key)}
        here |= {"best_k_models": {str(file): score for score in state_dict.get("best_k_models", {}).values()}}
        super().load_state_dict(state_dict | here | {"dirpath": self.dirpath})

"""Which checkpoint a run keeps, remembered by the run folder's own names and not by a file's word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor


class OwnCheckpoint(ModelCheckpoint):
    """Lightning's callback, of one file: on resume it takes the best score from a checkpoint, and no path.

    Lightning takes the paths of the files that it wrote from the checkpoint, and deletes them when there are better
    ones: one that begins with the folder and leads out of it by ``..``, or one with a protocol (``local:///home/…``,
    with all that is below it). A checkpoint from somebody else may have any there. A folder that was moved keeps its
    score for the same reason.
    """

    @property
    def state_key(self) -> str:
        """As Lightning's, so that checkpoints that were written by it are still read."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        score, file = state_dict.get("best_model_score"), str(Path(str(self.dirpath)) / f"{self.filename}.ckpt")
        if self.monitor is None:
            self.best_model_path = file if Path(file).is_file() else ""
        elif isinstance(score, Tensor) and score.numel() == 1:
            self.best_model_path = self.kth_best_model_path = file
            self.best_model_score = self.kth_value = score
            self.best_k_models = {file: score}

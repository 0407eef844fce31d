"""Where a training's first weights come from: a file, a run, or the newest finished run of another experiment."""

from __future__ import annotations

import logging
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from restore.checkpoint import weights_file
from restore.errors import RequestError
from restore.released import is_released
from restore.runfolder import RunFolder

log = logging.getLogger("restore")


def starting_weights(config: DictConfig) -> Path | None:
    """What ``init`` names: a run folder, a weights file, an authors' file, or an experiment's newest finished run.

    None for a start from scratch. Files are looked for here and in the folder of published weights.

    Where an experiment's file names another one (DnCNN-3 starts from DnCNN-B), and that one has no finished run under
    ``paths.runs``, training starts from scratch if ``recipe.init`` is ``optional``.

    Raises:
        RequestError: there is no such run, and it is asked for by a person or required by the recipe.
    """
    if not config.init:
        return None
    folder = RunFolder.find(config.init)
    if is_released(str(config.init)) or folder.path.suffix:  # an authors' file, by its name in the list or its own
        return weights_file(config.init, config.paths.weights)
    if folder.path.exists() or "/" in str(config.init):  # a path, whether it is there or not
        return folder.path
    runs = Path(config.paths.runs) / str(config.init)
    if run := newest_finished(runs):
        log.info(f"start       from the weights of {run}")
        return run.path
    sentence = f"init={config.init} is no run folder or weights file, and {runs} has no finished run"
    typed = any(word.lstrip("+").startswith("init=") for word in HydraConfig.get().overrides.task)
    if typed or config.recipe.init == "required":
        how = "" if typed else f"; recipe={config.recipe.name} starts from one: experiment={config.init} trains it"
        raise RequestError(sentence + how)
    log.warning(f"start       from scratch: {sentence}")
    return None


def newest_finished(runs: Path) -> RunFolder | None:
    """The finished run of a folder of runs whose name, the time when it began, is the last; None where none is."""
    folders = [RunFolder(path) for path in sorted(runs.iterdir())] if runs.is_dir() else []
    finished = [folder for folder in folders if folder.path.is_dir() and folder.state == "finished"]
    return finished[-1] if finished else None

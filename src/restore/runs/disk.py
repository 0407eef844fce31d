"""How much room a run needs on its disk, estimated from what it will keep."""

from __future__ import annotations

import shutil
from functools import partial

from restore.config.build import build_optimizer
from restore.config.experiment import Experiment
from restore.errors import RequestError
from restore.optim.moments import count_moments
from restore.runfolder import RunFolder
from restore.runs.training import layers_to_draw
from restore.tracking.panels import SIDE
from restore.tracking.samples import SAMPLES
from restore.training.module import SHOWN

CHECKPOINTS = 4  # the best, the newest, the one before, and one that is being written
ROW = 400  # bytes of a row of results and of its mean, twice while they are written
POINT = 500  # bytes of a step that is logged, by W&B
LOGS = 2_000_000  # bytes of what is printed, by this run and by W&B
PICTURE = 1_500_000  # bytes of a figure
CROP = 300_000


def check_disk(experiment: Experiment, folder: RunFolder) -> None:
    """Refuse a disk without room for what will be kept: checkpoints with the optimiser's own moments, rows, logs, pictures.

    Raises:
        RequestError: how much there is, and how much the run needs.
    """
    config, data, network = experiment.config, experiment.data, experiment.network
    numbers = sum(tensor.numel() for tensor in network.state_dict().values())
    if experiment.trainable:
        numbers += numbers if config.optim.ema else 0
        numbers += count_moments(partial(build_optimizer, config.optim), network)
    checkpoints = CHECKPOINTS * 4 * numbers
    places = sum(len(images.images) for images in data.tests) * len(experiment.settings) * len(experiment.protocols)
    rows = 2 * ROW * places * len(experiment.metrics) * (1 + len(experiment.baselines))
    logged = bool(config.logger.get("_target_"))
    points = config.trainer.max_steps // config.trainer.log_every_n_steps if logged else 0
    panels = SAMPLES * min(len(experiment.settings), SHOWN) * 4 * 3  # bytes of a pixel of a validation's samples
    samples = panels * min(data.validation_size or SIDE, SIDE) ** 2 * config.trainer.validations if logged else 0
    methods = 3 + len(experiment.baselines)
    pictures = PICTURE * (4 + len(layers_to_draw(config))) + CROP * methods * len(config.sheets)
    pictures *= 2 if logged else 1  # the logger has them, too
    needed = checkpoints + rows + POINT * points + samples + LOGS + pictures
    free = shutil.disk_usage(folder.path).free
    if free < needed:
        raise RequestError(
            f"the disk of {folder} has {free / 1e6:.0f} MB free, and this run needs about {needed / 1e6:.0f} MB, "
            f"{checkpoints / 1e6:.0f} MB of it for checkpoints"
        )

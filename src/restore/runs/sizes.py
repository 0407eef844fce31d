"""What cannot fit or cannot be scored, said before anything large is read or allocated: batches, images, borders."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from omegaconf import DictConfig

from restore.config.build import build
from restore.config.experiment import Experiment
from restore.data.datasets import Images
from restore.data.images import centre
from restore.errors import RequestError
from restore.evaluation.protocol import settings_of
from restore.memory import check_memory
from restore.models.size import count_maps
from restore.training.hardware import device_kind

FLOAT = 4  # bytes
COPIES = 3  # of the weights in training, at least: themselves, their gradients, one moment of the optimiser


def check_batch(experiment: Experiment) -> None:
    """Refuse a training step that the device cannot hold: weights, the batch's windows, the maps kept for its gradients.

    Raises:
        RequestError: with the least that it needs.
    """
    config, data = experiment.config, experiment.data
    if not experiment.trainable:
        return
    kind = device_kind(config.accelerator)
    batch = -(-data.batch_size // _places(config, kind))
    maps = count_maps(experiment.network, data.channels)
    patch, window = data.patch_size**2, data.windows.side**2
    size = FLOAT // 2 if str(config.trainer.precision).startswith(("16", "bf16")) else FLOAT
    kept = patch * maps.kept * size + (window + 2 * patch) * data.channels * FLOAT
    weights = COPIES * FLOAT * sum(parameter.numel() for parameter in experiment.network.parameters())
    margin = f" in windows of {data.windows.side}×{data.windows.side}" if data.windows.side > data.patch_size else ""
    what = (
        f"training model={config.model.name} by data.batch_size={data.batch_size} patches of "
        f"data.patch_size={data.patch_size}{margin}"
    )
    check_memory(weights + batch * kept, what, kind)
    pool = data.pool if isinstance(data.pool, int) else 0
    check_memory(pool * 4 * 8, f"data.pool={data.pool}")
    check_memory(data.resize**2 * data.channels * 8, f"data.resize={data.resize}")


def _places(config: DictConfig, kind: str) -> int:
    """Memories that a batch is shared out over: of GPUs, else of machines."""
    devices = config.trainer.devices if kind == "cuda" else 1
    return int(config.trainer.num_nodes) * (devices if isinstance(devices, int) else torch.cuda.device_count())


def check_images(experiment: Experiment, tests: Sequence[Images], channels: int) -> None:
    """Refuse test images that no pixel is left of to compare, or that the network cannot restore in the memory there is.

    Args:
        channels: of what the network restores.

    Raises:
        RequestError: names the image.
    """
    kind = device_kind(experiment.config.accelerator)
    maps, name = count_maps(experiment.network, channels), experiment.config.model.name
    for images in tests:
        for image, levels in zip(images.names, images.images, strict=True):
            for setting in settings_of(experiment.settings, images.name):
                for protocol in experiment.protocols:
                    height, width = protocol.size(levels.shape[-2], levels.shape[-1], setting)
                    protocol.check_compared(height, width, setting, f"{image} of {images.name}")
                    what = f"restoring {image} of {images.name}, {width}×{height} pixels, by model={name}"
                    # the pair, what is restored of it, and the widest layer's maps
                    check_memory(height * width * (3 * channels + maps.widest) * FLOAT, what, kind)


def check_validation(experiment: Experiment) -> None:
    """Refuse a border that leaves no pixel of a validation image, of which the best weights are chosen.

    Raises:
        RequestError: names the image.
    """
    data, protocol = experiment.data, experiment.protocols[0].for_validation()
    if not (experiment.trainable and data.validation):
        return
    for image, levels in zip(data.validation.names, data.validation.images, strict=True):
        for setting in experiment.settings:
            cut = centre(levels, data.validation_size)
            height, width = protocol.size(cut.shape[-2], cut.shape[-1], setting)
            protocol.check_compared(height, width, setting, f"{image}, which validates,")


def check_loss(experiment: Experiment) -> None:
    """Refuse a loss that is no single number, to be followed by gradients, of two batches of images.

    Raises:
        RequestError: what it is, or why it cannot be computed.
    """
    loss = build(experiment.config.optim.loss)
    shape = (2, experiment.data.channels, 32, 32)
    restored = torch.full(shape, 0.5).requires_grad_()
    try:
        value = loss(restored, torch.full(shape, 0.25))
    except Exception as error:  # a person's own function may raise anything
        reason = str(error).partition("\n")[0]
        raise RequestError(f"optim.loss cannot be computed of two batches of images: {reason}") from error
    if not isinstance(value, torch.Tensor) or value.dim() or not value.requires_grad:
        known = f"a tensor of {tuple(value.shape)}" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"
        constant = ", which no gradient reaches" if isinstance(value, torch.Tensor) and not value.requires_grad else ""
        raise RequestError(f"optim.loss must be one number that gradients follow from, and it is {known}{constant}")

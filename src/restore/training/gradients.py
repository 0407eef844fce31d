"""How much gradient reaches the ends of a network."""

from __future__ import annotations

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from restore.models.layers import Convolution


class GradientNorms(Callback):
    """Logs ``gradient/first`` and ``gradient/last`` at each validation, of the step before it.

    They are the 2-norms of the loss's gradient with respect to the weights of the network's first and
    last convolution (RED-Net, section 4.2: without skips the first one's vanishes), over all patches of
    the step and all devices, before anything is clipped. The two norms are computed at every step, as
    which one a validation follows is known only after it, and read from the device at validations alone.
    """

    def __init__(self) -> None:
        self.norms: tuple[Tensor, Tensor] | None = None  # of the last step, on the device

    def on_before_optimizer_step(
        self, trainer: Trainer, module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        # here gradients are the mean over ranks, free of a half-precision loss's scale, and not yet clipped
        weights = [layer.weight for layer in module.network.modules() if isinstance(layer, Convolution)]
        first, last = (weight.grad for weight in (weights[0], weights[-1])) if weights else (None, None)
        if first is not None and last is not None:
            self.norms = first.norm(), last.norm()

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.sanity_checking or self.norms is None:
            return
        for name, norm in zip(("first", "last"), self.norms, strict=True):
            module.log(f"gradient/{name}", norm, sync_dist=True)  # the same on all ranks

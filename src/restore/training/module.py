"""The one LightningModule: it trains, validates and tests any network on any task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from lightning import LightningModule
from torch import Tensor, nn

from restore.conditions import Pair, apply_network
from restore.data.datasets import WholeImage
from restore.evaluation.metrics import Metric
from restore.evaluation.protocol import Protocol, Setting, settings_of
from restore.evaluation.score import Restoration, Score, measure, restore_pair, score_image, sort_scores
from restore.optim.clipping import Clipping
from restore.optim.groups import parameter_groups
from restore.training.lightning_compat import count_logged_steps
from restore.training.means import MetricMeans

SHOWN = 3  # settings of a validation image that are handed on


class RestorationModule(LightningModule):
    """Minimises ``loss(network(degraded, conditions), clean)`` and scores whole images by protocols and metrics.

    It knows neither task nor architecture: pairs come from the data module, and what a test pair is
    from the settings and protocols it is given.

    Args:
        network: degraded to restored, ``(N, C, H, W)`` to the same, told the conditions that it declares.
        loss: ``(restored, clean) -> scalar``.
        optimizer: builds the optimiser from the parameters.
        schedule: factor of the learning rate as a function of progress in [0, 1].
        clip: what is done to the gradients before a step.
        decay: which weights the optimiser's weight decay shrinks: ``all``, or ``convolutions``.
        reset: ``epoch`` lets the optimiser forget its moments and its count of steps at the start of each
            epoch of the training data; ``never``.
        settings: corruptions that validation and test use.
        protocols: ways of testing; the first one, without self-ensemble, validates.
        metrics: what is computed; the first one monitors.
        channels_last: memory format of the training batches and the network's weights.
        precision: of the test; validation has the trainer's, for speed.
        keep: called with every tested image, to draw it.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module | None = None,
        optimizer: Callable[..., torch.optim.Optimizer] | None = None,
        schedule: Callable[[float], float] | None = None,
        clip: Clipping | None = None,
        decay: str = "all",
        reset: str = "never",
        settings: Sequence[Setting] = (),
        protocols: Sequence[Protocol] = (),
        metrics: Sequence[Metric] = (),
        channels_last: bool = False,
        precision: str = "32",
        keep: Callable[[Restoration], None] | None = None,
    ):
        super().__init__()
        self.network, self.loss = network, loss
        self.optimizer, self.schedule = optimizer, schedule
        self.clip, self.decay, self.reset = clip or Clipping(), decay, reset
        self.settings, self.protocols, self.metrics = list(settings), list(protocols), list(metrics)
        self.precision, self.keep = str(precision), keep
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.network.to(memory_format=self.memory_format)
        self.progress = 0.0  # set by the budget before each step
        self.rate = 1.0  # times the learning rate, for good: less after training diverged and went back
        self.patches = 0  # of the step, over all devices
        self.validation = MetricMeans([metric.label for metric in self.metrics])
        self.scores: list[Score] = []

    # -- training ---------------------------------------------------------------------------------

    def configure_optimizers(self) -> torch.optim.Optimizer:
        built = self.optimizer(parameter_groups(self.network, self.decay))
        scaled = self.trainer.precision == "16-mixed"  # a fused optimiser unscales after the clipping
        if built.defaults.get("fused", False) is None and self.device.type in ("cpu", "cuda") and not scaled:
            # one kernel for all tensors
            built = self.optimizer(parameter_groups(self.network, self.decay), fused=True)
        return built

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, gradient_clip_val=None, gradient_clip_algorithm: str | None = None
    ) -> None:
        # Lightning's own, which its trainer's arguments ask for, refuses every fused optimiser in mixed precision
        self.clip(self.optimizers(use_pl_optimizer=False), self.patches)

    def on_train_start(self) -> None:
        count_logged_steps(self.trainer)

    def on_train_batch_start(self, batch, batch_idx: int) -> None:
        factor, optimizer = self.rate * self.schedule(self.progress), self.optimizers(use_pl_optimizer=False)
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
        # by the step and not by Lightning's epochs, which begin a second time in a run resumed within one
        if self.reset == "epoch" and self.trainer.global_step % self.trainer.num_training_batches == 0:
            optimizer.state.clear()

    def training_step(self, pair: Pair, batch_idx: int) -> Tensor:
        self.patches = len(pair.clean) * self.trainer.world_size
        degraded = pair.degraded.contiguous(memory_format=self.memory_format)  # (B, C, P, P)
        restored = apply_network(self.network, degraded, pair.conditions)
        loss = self.loss(restored.float(), pair.clean)
        self.log("train/loss", loss, logger=False)  # `StepLog` sends it, together with what belongs to it
        return loss

    # -- validation and test: one path ------------------------------------------------------------

    def on_validation_epoch_start(self) -> None:
        # Running statistics are the only state that training does not already share between ranks.
        if self.trainer.world_size > 1:
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, src=0)

    def validation_step(self, image: WholeImage | None, batch_idx: int) -> list[tuple[str, Restoration]]:
        """The restorations of the first settings with the settings' names, for those who show them."""
        if image is None:  # more ranks than images, or no validation
            self.validation.update({})
            return []
        protocol, seen = self.protocols[0].for_validation(), []
        for setting in self.settings:
            shown = restore_pair(self.network, image, protocol, setting, self.trainer.precision)
            self.validation.update(measure(shown.restored, shown.pair.clean, protocol, setting, self.metrics))
            if len(seen) < SHOWN:
                seen.append((setting.name, shown))
        return seen

    def on_validation_epoch_end(self) -> None:
        # computed, and so shared between ranks, here: some of them may have had no image
        self.log("step", float(self.trainer.global_step))  # under which Lightning hands it on; else one step less
        for name, mean in self.validation.compute().items():
            self.log(f"val/{name}", mean, sync_dist=True)
        self.validation.reset()

    def on_test_start(self) -> None:
        self.scores = []

    def test_step(self, image: WholeImage | None, batch_idx: int, dataloader_idx: int = 0) -> None:
        if image is None:
            return
        for protocol in self.protocols:
            for setting in settings_of(self.settings, image.dataset):
                restoration = score_image(self.network, image, protocol, setting, self.metrics, self.precision)
                self.scores += restoration.scores
                if self.keep is not None:
                    self.keep(restoration)

    def on_test_epoch_end(self) -> None:
        if self.trainer.world_size > 1:
            shares: list[list[Score]] = [[] for _ in range(self.trainer.world_size)]
            torch.distributed.all_gather_object(shares, self.scores)
            self.scores = [score for share in shares for score in share]
        self.scores = sort_scores(self.scores, [images.name for images in self.trainer.datamodule.tests])
        for metric in self.metrics:
            values = [score.value for score in self.scores if score.metric == metric.label]
            if values:
                self.log(f"test/{metric.label}", sum(values) / len(values), sync_dist=True)

"""The gradient that reaches a network's ends, against autograd by hand."""

from functools import partial

import pytest
import torch
from torch import nn

from conftest import metrics, protocol
from restore.data.datamodule import RestorationData
from restore.degradations.noise import GaussianNoise
from restore.evaluation.protocol import Setting
from restore.models.red import REDNet
from restore.optim.clipping import Clipping
from restore.optim.schedule import Constant
from restore.results.curves import read_history, validated_metrics
from restore.runfolder import RunFolder
from restore.training.budget import Budget
from restore.training.gradients import GradientNorms
from restore.training.history import History
from restore.training.module import RestorationModule
from restore.training.trainer import make_trainer


class Recorded(nn.Module):
    """A loss that keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.pairs = []

    def forward(self, restored, clean):
        self.pairs.append(clean)
        return (restored - clean).square().sum()


class Watched(nn.Module):
    """A network that keeps its weights and its input of each training step."""

    def __init__(self):
        super().__init__()
        self.body, self.steps = REDNet(depth=6, width=4, last_layer="he"), []

    def forward(self, degraded):
        if self.training:
            weights = {name: value.detach().clone() for name, value in self.body.state_dict().items()}
            self.steps.append((weights, degraded.detach().clone()))
        return self.body(degraded)


@pytest.mark.parametrize(("precision", "clip"), [("32-true", None), ("32-true", {"norm": 1e-3}), ("bf16-mixed", None)])
def test_norms_equal_autograds_of_the_step_before(tmp_path, image_folder, precision, clip):
    torch.manual_seed(0)
    network, loss = Watched(), Recorded()
    trained = RestorationModule(
        network,
        loss=loss,
        optimizer=partial(torch.optim.Adam, lr=1e-3, fused=True),
        schedule=Constant(),
        clip=Clipping(clip),
        settings=[Setting("sigma=25", 25, GaussianNoise(25))],
        protocols=[protocol("dncnn")],
        metrics=metrics(),
    )
    source = RestorationData(
        [str(image_folder("train", 6))],
        [str(image_folder("test", 1))],
        GaussianNoise(25),
        patch_size=16,
        batch_size=4,
        patches_per_epoch=16,
        validation_size=32,
    )
    budget = Budget(6, validations=3)
    history = History(tmp_path / "history.csv", 4, budget)
    callbacks = [history, GradientNorms()]
    trainer = make_trainer(RunFolder(tmp_path), budget, callbacks, None, accelerator="cpu", precision=precision)
    trainer.fit(trained, datamodule=source)

    columns = read_history(tmp_path / "history.csv")
    assert list(columns)[:4] == ["step", "patches", "seconds", "train/loss"]
    assert list(columns)[-2:] == ["gradient/first", "gradient/last"]
    assert validated_metrics(tmp_path / "history.csv") == ["psnr", "ssim"]
    assert columns["step"] == [2, 4, 6]
    losses = []
    for (weights, degraded), clean in zip(network.steps, loss.pairs, strict=True):
        network.body.load_state_dict(weights)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            restored = network.body(degraded)
        value = (restored.float() - clean).square().sum()
        ends = (network.body.encoder[0].weight, network.body.decoder[-1].weight)
        losses.append((value.item(), *(gradient.norm().item() for gradient in torch.autograd.grad(value, ends))))
    for row, step in enumerate((2, 4, 6)):
        (before, *_), (last, *norms) = losses[step - 2 : step]
        assert columns["train/loss"][row] == pytest.approx((before + last) / 2, rel=1e-4)
        assert [columns[f"gradient/{end}"][row] for end in ("first", "last")] == pytest.approx(norms, rel=1e-4)

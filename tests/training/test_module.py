"""Training as a whole: one batch overfits, and a resumed run equals an uninterrupted one, bit for bit."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from conftest import protocol
from restore.data.datamodule import RestorationData
from restore.degradations.noise import GaussianNoise
from restore.evaluation.protocol import Setting
from restore.models.dncnn import DnCNN
from restore.models.red import REDNet
from restore.optim.muon import Muon
from restore.optim.schedule import WarmupCosine
from restore.training.budget import Budget
from restore.training.module import RestorationModule
from restore.training.throughput import Throughput
from restore.training.trainer import make_trainer


@pytest.fixture
def data(image_folder):
    train, test = image_folder("train", 6), image_folder("test", 3)

    def make() -> RestorationData:
        options = {"patch_size": 16, "batch_size": 4, "patches_per_epoch": 16, "validation_size": 32}
        return RestorationData([str(train)], [str(test)], GaussianNoise([10, 50]), **options)

    return make


def module(network: nn.Module, optimizer=torch.optim.Adam) -> RestorationModule:
    return RestorationModule(
        network,
        loss=nn.MSELoss(),
        optimizer=partial(optimizer, lr=1e-3),
        schedule=WarmupCosine(0.1),
        settings=[Setting("sigma=25", 25, GaussianNoise(25))],
        protocols=[protocol("dncnn")],
    )


def fit(
    folder: Path,
    data: RestorationData,
    network: nn.Module,
    steps: int,
    planned: int,
    resume=None,
    optimizer=torch.optim.Adam,
    **options,
):
    """Train to `steps` of a run that is planned for `planned`."""
    budget = Budget(planned, validations=100)
    throughput = Throughput(1000, 4, 1e9, folder / "history.csv")
    trainer = make_trainer(folder, budget, [throughput], None, accelerator="cpu", **options)
    trainer.fit_loop.epoch_loop.max_steps = steps
    trained = module(network, optimizer)
    trainer.fit(trained, datamodule=data, ckpt_path=resume, weights_only=True)
    return trainer, trained


def network(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return REDNet(depth=4, width=6) if kind == "red" else DnCNN(depth=4, width=6)


@pytest.mark.parametrize(("kind", "optimizer"), [("red", torch.optim.Adam), ("dncnn", torch.optim.Adam), ("red", Muon)])
@pytest.mark.parametrize("middle", [4, 5], ids=["at the end of an epoch", "within an epoch"])
def test_resume_equals_uninterrupted(tmp_path, data, kind, optimizer, middle):
    whole = network(kind)
    fit(tmp_path / "whole", data(), whole, 10, 10, optimizer=optimizer)
    part = network(kind)
    trainer, _ = fit(tmp_path / "part", data(), part, middle, 10, optimizer=optimizer)
    trainer.save_checkpoint(tmp_path / "middle.ckpt")
    resumed = network(kind)
    nn.init.zeros_(next(resumed.parameters()))
    fit(tmp_path / "part", data(), resumed, 10, 10, resume=tmp_path / "middle.ckpt", optimizer=optimizer)
    for (name, one), other in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    assert not torch.equal(next(part.parameters()), next(whole.parameters()))


def test_one_batch_overfits(data):
    torch.manual_seed(0)
    trained, source = module(REDNet(depth=4, width=16)), data()
    source.read_training()
    generator = torch.Generator().manual_seed(0)
    clean = source.training.images[0][None, :, :24, :24].float() / 255
    degraded = GaussianNoise(50)(clean, generator)
    optimizer = torch.optim.Adam(trained.parameters(), lr=3e-3)
    first = None
    for _ in range(200):
        loss = trained.loss(trained.network(degraded), clean)
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05 * first


def test_test_scores_equal_a_straight_computation(tmp_path, data):
    source, net = data(), network("red")
    budget = Budget(1)
    trainer = make_trainer(tmp_path, budget, [], None, accelerator="cpu", precision="bf16-mixed")
    trained = module(net)
    trainer.test(trained, datamodule=source, verbose=False)
    assert [score.image for score in trained.scores] == ["00", "01", "02"]
    dncnn, setting = protocol("dncnn"), Setting("sigma=25", 25, GaussianNoise(25))
    for score, levels in zip(trained.scores, source.tests[0].images, strict=True):
        degraded, clean = dncnn.pair(levels[None], setting, score.image)
        with torch.no_grad():
            restored = dncnn.restore(net, degraded, setting)
        assert (score.psnr, score.ssim) == pytest.approx(dncnn.score(restored, clean, setting), abs=1e-5)


def test_checkpoints_hold_plain_values_and_the_best_is_kept(tmp_path, data):
    trainer, _ = fit(tmp_path, data(), network("red"), 8, 8)
    best, last = (torch.load(tmp_path / "checkpoints" / f"{n}.ckpt", weights_only=True) for n in ("best", "last"))
    assert last["global_step"] == 8
    assert best["global_step"] <= 8
    assert all(key.startswith("network.") for key in best["state_dict"])
    assert trainer.checkpoint_callback.best_model_score > 0
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == "step,patches,seconds,val/psnr,val/ssim"
    assert lines[-1].startswith("8,32,")


def test_learning_rate_follows_the_schedule(tmp_path, data):
    _, trained = fit(tmp_path, data(), network("red"), 10, 10)
    rate = trained.optimizers(use_pl_optimizer=False).param_groups[0]["lr"]
    assert rate == pytest.approx(1e-3 * WarmupCosine(0.1)(0.9))

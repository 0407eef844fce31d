"""Training as a whole: one batch overfits, and a resumed run equals an uninterrupted one, bit for bit."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from conftest import metrics, protocol
from restore.data.datamodule import RestorationData
from restore.degradations.base import Degradation
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.jpeg import JPEG
from restore.degradations.kornia_transform import KorniaTransform
from restore.degradations.mix import Mix
from restore.degradations.noise import GaussianNoise
from restore.degradations.sensor import PoissonGaussian
from restore.evaluation.metrics import psnr
from restore.evaluation.protocol import Setting
from restore.models.dncnn import DnCNN
from restore.models.red import REDNet
from restore.optim.muon import Muon
from restore.optim.schedule import WarmupCosine
from restore.runfolder import RunFolder
from restore.training.budget import Budget
from restore.training.history import History
from restore.training.module import RestorationModule
from restore.training.trainer import make_trainer


@pytest.fixture
def data(image_folder):
    train, test = image_folder("train", 6), image_folder("test", 3)

    def make(degradation: Degradation | None = None) -> RestorationData:
        options = {"patch_size": 16, "batch_size": 4, "patches_per_epoch": 16, "validation_size": 32}
        return RestorationData([str(train)], [str(test)], degradation or GaussianNoise([10, 50]), **options)

    return make


def module(network: nn.Module, optimizer=torch.optim.Adam, **options) -> RestorationModule:
    return RestorationModule(
        network,
        loss=nn.MSELoss(),
        optimizer=partial(optimizer, lr=1e-3),
        schedule=WarmupCosine(0.1),
        settings=[Setting("sigma=25", 25, GaussianNoise(25))],
        protocols=[protocol("dncnn")],
        metrics=metrics(),
        **options,
    )


def fit(
    folder: Path,
    data: RestorationData,
    network: nn.Module,
    steps: int,
    planned: int,
    resume=None,
    optimizer=torch.optim.Adam,
    reset: str = "never",
):
    """Train to `steps` of a run that is planned for `planned`."""
    budget = Budget(planned, validations=100)
    history = History(folder / "history.csv", 4, budget)
    trainer = make_trainer(RunFolder(folder), budget, [history], None, accelerator="cpu")
    trainer.fit_loop.epoch_loop.max_steps = steps
    trained = module(network, optimizer, reset=reset)
    trainer.fit(trained, datamodule=data, ckpt_path=resume, weights_only=True)
    return trainer, trained


def network(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return REDNet(depth=4, width=6, skip_step=1) if kind == "red" else DnCNN(depth=4, width=6)


@pytest.mark.parametrize(
    ("kind", "optimizer", "reset"),
    [
        ("red", torch.optim.Adam, "never"),
        ("dncnn", torch.optim.Adam, "epoch"),
        ("red", Muon, "never"),
        ("red", Muon, "epoch"),
    ],
)
@pytest.mark.parametrize("middle", [4, 5], ids=["at the end of an epoch", "within an epoch"])
def test_resume_equals_uninterrupted(tmp_path, data, kind, optimizer, reset, middle):
    assert_resumes_alike(tmp_path, data, kind, 10, middle, optimizer=optimizer, reset=reset)


def test_resume_of_a_mixture_on_a_grid_equals_uninterrupted(tmp_path, data):
    """Where patches lie on the grids of JPEG and super-resolution follows from the step, as the patches do."""
    mix = Mix([GaussianNoise([0, 55]), BicubicDownUp({"set": [2, 3]}), JPEG([5, 99], channels=1)])
    assert_resumes_alike(tmp_path, lambda: data(mix), "red", 6, 3)


def test_resume_equals_uninterrupted_where_kornia_draws(tmp_path, data):
    """It draws from the global generator, which a resumed run finds in another state."""
    words = {"_target_": "kornia.augmentation.RandomSaltAndPepperNoise"}
    assert_resumes_alike(tmp_path, lambda: data(KorniaTransform(words, channels=1)), "red", 10, 5)


def test_resume_equals_uninterrupted_where_photons_are_counted(tmp_path, data):
    noise = PoissonGaussian([0.5, 4], [0, 10])
    assert_resumes_alike(tmp_path, lambda: data(noise), "red", 6, 3)


def assert_resumes_alike(
    tmp_path: Path, make: Callable[[], RestorationData], kind: str, steps: int, middle: int, **same
) -> None:
    """Weights after `steps` are those of a run saved in the `middle`, and gone on with under another global state."""
    whole, part, resumed = (network(kind) for _ in range(3))
    fit(tmp_path / "whole", make(), whole, steps, steps, **same)
    trainer, _ = fit(tmp_path / "part", make(), part, middle, steps, **same)
    trainer.save_checkpoint(tmp_path / "middle.ckpt")
    nn.init.zeros_(next(resumed.parameters()))
    torch.manual_seed(77)
    fit(tmp_path / "part", make(), resumed, steps, steps, resume=tmp_path / "middle.ckpt", **same)
    for (name, one), other in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    assert not torch.equal(next(part.parameters()), next(whole.parameters()))


@pytest.mark.parametrize(("reset", "steps"), [("never", 10), ("epoch", 2)])
def test_moments_are_forgotten_at_each_epochs_start(tmp_path, data, reset, steps):
    """Ten steps, epochs of four: Adam counts those of the third alone."""
    net = network("dncnn")
    _, trained = fit(tmp_path, data(), net, 10, 10, reset=reset)
    state = trained.optimizers(use_pl_optimizer=False).state
    assert len(state) == len(list(net.parameters()))
    assert {int(moments["step"]) for moments in state.values()} == {steps}


def test_one_batch_overfits(data):
    torch.manual_seed(0)
    trained, source = module(REDNet(depth=4, width=16, skip_step=1)), data()
    source.read_training()
    generator = torch.Generator().manual_seed(0)
    clean = source.training.images[0][None, :, :24, :24].float() / 255
    degraded = GaussianNoise(50)(clean, generator).degraded
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
    trainer = make_trainer(RunFolder(tmp_path), Budget(1), [], None, accelerator="cpu", precision="bf16-mixed")
    trained = module(net)
    trainer.test(trained, datamodule=source, verbose=False)
    assert [(score.image, score.metric) for score in trained.scores] == [
        (image, metric) for image in ("00", "01", "02") for metric in ("psnr", "ssim")
    ]
    dncnn, setting = protocol("dncnn"), Setting("sigma=25", 25, GaussianNoise(25))
    for score, levels in zip(trained.scores[::2], source.tests[0].images, strict=True):
        pair = dncnn.pair(levels[None], setting, score.image)
        with torch.no_grad():
            restored = dncnn.restore(net, pair, setting)
        assert score.value == pytest.approx(psnr(restored, pair.clean).item(), abs=1e-5)
        assert score.value_input == pytest.approx(psnr(pair.degraded, pair.clean).item(), abs=1e-5)


def test_a_network_that_is_told_the_noise_trains_and_is_scored(tmp_path, data):
    """What it is told is what was drawn for each patch, and at the test what the setting says."""

    class Told(nn.Module):
        conditions = ("sigma",)

        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(2, 1, 3, padding=1)
            self.levels: dict[bool, list[float]] = {True: [], False: []}

        def forward(self, degraded, sigma):
            self.levels[self.training] += (sigma * 255).tolist()
            return self.body(torch.cat([degraded, sigma.view(-1, 1, 1, 1).expand_as(degraded)], dim=1))

    told = Told()
    trainer, trained = fit(tmp_path, data(), told, 3, 3)
    assert len(told.levels[True]) == 12
    assert len(set(told.levels[True])) == 12
    assert all(10 <= level <= 50 for level in told.levels[True])
    assert told.levels[False] == pytest.approx([25] * len(told.levels[False]))
    trainer.test(trained, datamodule=data(), verbose=False)
    assert len(trained.scores) == 6


def test_checkpoints_hold_plain_values_and_the_best_is_kept(tmp_path, data):
    trainer, _ = fit(tmp_path, data(), network("red"), 8, 8)
    best, last = (torch.load(tmp_path / "checkpoints" / f"{n}.ckpt", weights_only=True) for n in ("best", "last"))
    assert last["global_step"] == 8
    assert best["global_step"] <= 8
    assert all(key.startswith("network.") for key in best["state_dict"])
    assert trainer.checkpoint_callback.best_model_score > 0
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == "step,patches,seconds,train/loss,val/psnr,val/ssim"
    assert lines[-1].startswith("8,32,")


def test_learning_rate_follows_the_schedule(tmp_path, data):
    _, trained = fit(tmp_path, data(), network("red"), 10, 10)
    rate = trained.optimizers(use_pl_optimizer=False).param_groups[0]["lr"]
    assert rate == pytest.approx(1e-3 * WarmupCosine(0.1)(0.9))

"""The trainer: which checkpoints it keeps, and what it is built of."""

import pytest
import torch
from lightning import LightningModule
from lightning.pytorch.strategies import DDPStrategy
from torch import nn

from restore.errors import RequestError
from restore.runfolder import RunFolder
from restore.training.budget import Budget
from restore.training.preemption import Preemption
from restore.training.trainer import RANK_TIMEOUT, make_trainer, moving_average


class Counts(LightningModule):
    """Logs a score that falls with every validation."""

    def __init__(self, name: str):
        super().__init__()
        self.layer, self.name, self.validations = nn.Linear(1, 1), name, 0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        return self.layer(batch).sum()

    def validation_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        if not self.trainer.sanity_checking:
            self.validations += 1
            self.log(self.name, -float(self.validations))


def fit(folder: RunFolder, steps: int = 4, **options) -> None:
    budget = Budget(steps, validations=steps)
    trainer = make_trainer(folder, budget, [], None, accelerator="cpu", **options)
    batches = torch.utils.data.DataLoader(torch.ones(8, 1), batch_size=1)
    trainer.fit(Counts(options["monitor"]), batches, torch.utils.data.DataLoader(torch.ones(1, 1)))


@pytest.mark.parametrize(("mode", "best"), [("max", 1), ("min", 4)])
def test_the_best_is_by_the_metric_that_monitors_and_the_last_is_the_last(tmp_path, mode, best):
    folder = RunFolder(tmp_path)
    fit(folder, monitor="val/lpips", mode=mode)
    assert torch.load(folder.best, weights_only=True)["global_step"] == best
    assert torch.load(folder.last, weights_only=True)["global_step"] == 4
    assert torch.load(folder.previous, weights_only=True)["global_step"] == 3
    assert sorted(folder.checkpoints.iterdir()) == [folder.best, folder.last, folder.previous]


def test_the_budget_stands_first(tmp_path):
    budget = Budget(4)
    preemption = Preemption(budget, tmp_path / "last.ckpt")
    trainer = make_trainer(RunFolder(tmp_path), budget, [preemption], None, accelerator="cpu")
    assert trainer.callbacks.index(budget) < trainer.callbacks.index(preemption)
    assert trainer.max_steps == 4


def test_several_processes_keep_their_buffers_apart(tmp_path):
    threads = torch.get_num_threads()
    try:
        trainer = make_trainer(RunFolder(tmp_path), Budget(1), [], None, accelerator="cpu", devices=2)
    finally:
        torch.set_num_threads(threads)
    assert isinstance(trainer.strategy, DDPStrategy)
    assert trainer.world_size == 2


def test_a_rank_does_not_wait_for_ever():
    assert 60 <= RANK_TIMEOUT.total_seconds() <= 1800


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"precision": "7"}, "trainer: .*7"),
        ({"accelerator": "tpus"}, "trainer: .*tpus"),
    ],
)
def test_what_the_machine_does_not_have_is_one_sentence(tmp_path, wrong, named):
    with pytest.raises(RequestError, match=named) as error:
        make_trainer(RunFolder(tmp_path), Budget(1), [], None, **{"accelerator": "cpu"} | wrong)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("decay", [0.0, 1.0, -2.0])
def test_a_decay_that_is_none(decay):
    with pytest.raises(RequestError, match=r"optim\.ema"):
        moving_average(decay)

"""Training that diverges is seen at the next validation."""

import math
from types import SimpleNamespace

import pytest
import torch

from restore.runfolder import RunFolder
from restore.training.divergence import STEPS, Diverged, Divergence


def validate(divergence: Divergence, mean: float | None, steps: int = STEPS, weight: float = 1.0) -> None:
    divergence.history.mean, divergence.history.mean_steps = mean, steps
    module = torch.nn.Linear(1, 1)
    module.weight.data.fill_(weight)
    groups = [{"lr": 0.02}, {"lr": 0.1}]
    trainer = SimpleNamespace(global_step=40, sanity_checking=False, optimizers=[SimpleNamespace(param_groups=groups)])
    divergence.on_validation_end(trainer, module)


@pytest.fixture
def divergence(tmp_path) -> Divergence:
    return Divergence(SimpleNamespace(mean=None, mean_steps=0), False, RunFolder(tmp_path))


@pytest.mark.parametrize(
    ("mean", "weight", "reason"),
    [
        (math.nan, 1.0, "the loss is nan"),
        (math.inf, 1.0, "the loss is inf"),
        (0.01, math.nan, "weights are not finite"),
        (0.2, 1.0, "the mean loss over 20 steps is 0.2, and the lowest before was 0.01"),
    ],
)
def test_it_is_said_with_the_step_and_the_learning_rate(divergence, mean, weight, reason):
    validate(divergence, 0.03)
    validate(divergence, 0.01)
    with pytest.raises(Diverged, match=f"^training diverged by step 40, at learning rate 0.1 and 0.02: {reason}$"):
        validate(divergence, mean, weight=weight)


def test_neither_an_unlucky_batch_nor_a_loss_that_varies_is_divergence(divergence):
    validate(divergence, None)
    validate(divergence, 0.01)
    validate(divergence, 0.09)
    validate(divergence, 5.0, steps=STEPS - 1)
    validate(divergence, 0.0001, steps=STEPS - 1)
    validate(divergence, 0.05)


def test_the_smaller_rate_is_kept_through_checkpoints_of_before(divergence):
    before = divergence.state_dict()
    divergence.shrink_rate()
    divergence.shrink_rate()
    divergence.load_state_dict(before)
    assert (divergence.rate, divergence.times) == (pytest.approx(0.01), 2)
    again = Divergence(divergence.history, False, divergence.folder)
    again.load_state_dict(divergence.state_dict())
    assert (again.rate, again.times) == (pytest.approx(0.01), 2)

import itertools
from types import SimpleNamespace

import pytest

from conftest import Clock
from restore.errors import RequestError
from restore.training.budget import Budget


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("restore.training.budget.time", clock)
    return clock


def train(budget: Budget, clock: Clock, step_seconds, start: int = 0, stop_at: int | None = None):
    """Runs the budget's hooks as a trainer would; returns the trainer and the progress seen at each step."""
    strategy = SimpleNamespace(broadcast=lambda value: value)
    trainer = SimpleNamespace(global_step=start, should_stop=False, accumulate_grad_batches=1, strategy=strategy)
    trainer.val_check_batch = None
    module = SimpleNamespace()
    progress = []
    budget.on_train_start(trainer, module)
    while not trainer.should_stop and trainer.global_step != stop_at:
        budget.on_train_batch_start(trainer, module, None, 0)
        progress.append(module.progress)
        clock.now += step_seconds(trainer.global_step)
        trainer.global_step += 1
        budget.on_train_batch_end(trainer, module, None, None, 0)
    state = budget.state_dict()
    budget.on_train_end(trainer, module)
    return trainer, progress, state


def test_without_a_time_limit_progress_is_the_step(clock):
    trainer, progress, _ = train(Budget(50), clock, lambda step: 0.3)
    assert trainer.global_step == 50
    assert trainer.val_check_batch == 5
    assert progress == pytest.approx([step / 50 for step in range(50)])


def test_time_limit_shrinks_the_plan_and_progress_still_reaches_its_end(clock):
    budget = Budget(10_000, max_time=100)
    trainer, progress, _ = train(budget, clock, lambda step: 0.5)
    assert budget.elapsed == pytest.approx(100, abs=2)
    assert trainer.global_step == pytest.approx(200, abs=5)
    assert progress[-1] > 0.97
    assert all(later >= earlier for earlier, later in itertools.pairwise(progress))
    assert budget.reason == "time"
    assert trainer.val_check_batch == pytest.approx(20, abs=2)


def test_a_machine_that_slows_down_still_ends_in_time(clock):
    budget = Budget(10_000, max_time=100)
    _, progress, _ = train(budget, clock, lambda step: 0.2 if step < 100 else 1.0)
    assert budget.elapsed < 103
    assert progress[-1] > 0.9


def test_resumed_run_goes_on_as_if_never_stopped(clock):
    whole = train(Budget(40), clock, lambda step: 0.1)[1]
    _, first, state = train(Budget(40), clock, lambda step: 0.1, stop_at=17)
    again = Budget(40)
    again.load_state_dict(state)
    assert first + train(again, clock, lambda step: 0.1, start=17)[1] == whole


def test_time_of_earlier_parts_counts(clock):
    _, _, state = train(Budget(10_000, max_time=60), clock, lambda step: 0.5, stop_at=40)
    again = Budget(10_000, max_time=60)
    again.load_state_dict(state)
    trainer, _, _ = train(again, clock, lambda step: 0.5, start=40)
    assert trainer.global_step == pytest.approx(120, abs=4)


def test_a_finished_run_can_be_given_more(clock):
    _, progress, state = train(Budget(20), clock, lambda step: 0.1)
    longer = Budget(80)
    longer.load_state_dict(state)
    trainer, more, _ = train(longer, clock, lambda step: 0.1, start=20)
    assert trainer.global_step == 80
    assert more[0] == pytest.approx(0.25)
    assert progress[-1] == pytest.approx(0.95)


def test_other_ranks_follow_the_first(clock):
    """What rank 0 broadcasts is what a rank does, whatever it measured itself."""
    budget, decisions = Budget(100, max_time=1000), []

    def broadcast(decision: tuple) -> tuple:
        decisions.append(decision)
        return (40, "time" if len(decisions) == 5 else "", 2)

    strategy = SimpleNamespace(broadcast=broadcast)
    trainer = SimpleNamespace(global_step=0, should_stop=False, accumulate_grad_batches=2, strategy=strategy)
    trainer.val_check_batch = None
    budget.on_train_start(trainer, None)
    agreed = []
    while not trainer.should_stop:
        clock.now += 0.1
        trainer.global_step += 1
        budget.on_train_batch_end(trainer, None, None, None, 0)
        agreed.append(budget.agreed)
    assert agreed == [True, False] * 4 + [True]
    assert (budget.planned, budget.reason) == (40, "time")
    assert trainer.val_check_batch == 2 * 40 // 10


def test_no_steps():
    with pytest.raises(RequestError, match=r"trainer\.max_steps"):
        Budget(0)

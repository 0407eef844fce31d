"""Signals: a step is finished, ranks agree, and what is saved can be gone on from."""

import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from restore import signals
from restore.training import preemption as room
from restore.training.budget import Budget
from restore.training.preemption import Preempted, Preemption


class FakeTrainer:
    """A trainer's side of the two callbacks, whose batches are nothing."""

    def __init__(self, broadcast=lambda value: value):
        self.global_step, self.should_stop, self.accumulate_grad_batches = 0, False, 1
        self.val_check_batch = None
        self.strategy = SimpleNamespace(broadcast=broadcast)
        counts = {name: SimpleNamespace(ready=0) for name in ("current", "total")}
        self.fit_loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=SimpleNamespace(**counts)))
        self.saved: list[tuple[Path, int, int]] = []

    @property
    def ready(self) -> int:
        return self.fit_loop.epoch_loop.batch_progress.total.ready

    def save_checkpoint(self, path: Path) -> None:
        self.saved.append((path, self.global_step, self.ready))

    def fit(self, *callbacks, during) -> None:
        """Calls `during(step)` within every step."""
        module = SimpleNamespace()
        for callback in callbacks:
            callback.on_train_start(self, module)
        try:
            while not self.should_stop:
                for count in vars(self.fit_loop.epoch_loop.batch_progress).values():
                    count.ready += 1
                for callback in callbacks:
                    callback.on_train_batch_start(self, module, None, 0)
                during(self.global_step)
                self.global_step += 1
                for callback in callbacks:
                    callback.on_train_batch_end(self, module, None, None, 0)
        except BaseException as error:
            for callback in callbacks:
                callback.on_exception(self, module, error)
            raise
        for callback in callbacks:
            callback.on_train_end(self, module)


def send(number: signal.Signals, at: int):
    return lambda step: signal.raise_signal(number) if step == at else None


@pytest.fixture
def pair():
    budget = Budget(40)
    return budget, Preemption(budget, Path("last.ckpt"))


@pytest.fixture
def slurm(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")


@pytest.fixture(autouse=True)
def _handlers_are_given_back(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("RESTORE_PREEMPTIBLE", raising=False)
    numbers = (signal.SIGINT, *room.PREEMPTION_SIGNALS)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before


def test_undisturbed_it_changes_nothing(pair, slurm):
    trainer = FakeTrainer()
    trainer.fit(*pair, during=lambda step: None)
    assert (trainer.global_step, pair[0].reason, pair[1].reason, trainer.saved) == (40, "steps", "", [])


def test_ctrl_c_finishes_the_step_and_ends_in_good_order(pair):
    trainer = FakeTrainer()
    trainer.fit(*pair, during=send(signal.SIGINT, at=3))
    assert 3 < trainer.global_step < 40
    assert pair[1].reason == "interrupted"
    assert trainer.saved == []


def test_ctrl_c_twice_leaves_at_once(pair):
    def twice(step: int) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            FakeTrainer().fit(*pair, during=twice)
    finally:
        pair[1].on_exception(None, None, KeyboardInterrupt())


@pytest.mark.parametrize("number", room.PREEMPTION_SIGNALS)
def test_preempted_saves_before_the_next_step_as_if_it_were_not_begun(pair, slurm, number):
    trainer = FakeTrainer()
    with pytest.raises(Preempted):
        trainer.fit(*pair, during=send(number, at=3))
    assert trainer.saved == [(Path("last.ckpt"), trainer.global_step, trainer.global_step)]
    assert 3 < trainer.global_step < 40
    assert (pair[1].reason, trainer.should_stop) == ("preempted", False)


def test_told_to_stop_saves_before_the_next_step_and_leaves(pair):
    """As `restore.signals` calls it; a program that does not listen, as this one, is left to itself."""
    trainer = FakeTrainer()
    tell = lambda step: signals._listener.answer(signal.SIGTERM) if step == 3 else None  # noqa: E731
    with pytest.raises(signals.Stop) as stop:
        trainer.fit(*pair, during=tell)
    assert stop.value.code == 143
    assert trainer.saved == [(Path("last.ckpt"), trainer.global_step, trainer.global_step)]
    assert (3 < trainer.global_step < 40, pair[1].reason, trainer.should_stop) == (True, "stopped", False)
    assert signals._listener.answer is None


def test_told_to_stop_in_the_last_step_it_leaves_when_that_is_kept(pair):
    trainer = FakeTrainer()
    with pytest.raises(signals.Stop):
        trainer.fit(*pair, during=lambda step: signals._listener.answer(signal.SIGHUP) if step == 39 else None)
    assert (trainer.global_step, trainer.saved, pair[0].reason) == (40, [], "steps")


def test_preempted_in_the_last_step_is_finished(pair, slurm):
    trainer = FakeTrainer()
    trainer.fit(*pair, during=send(signal.SIGUSR1, at=39))
    assert (trainer.global_step, pair[1].reason, trainer.saved) == (40, "", [])


def test_preempted_comes_before_the_end_of_the_time(slurm):
    """The time may be up for this part of the run; it is saved all the same, and ends when it goes on."""
    budget = Budget(40, max_time=1e-9)
    trainer = FakeTrainer()
    with pytest.raises(Preempted):
        trainer.fit(budget, Preemption(budget, Path("last.ckpt")), during=send(signal.SIGUSR1, at=0))
    assert trainer.global_step == 1


def test_ctrl_c_comes_before_preemption(pair, slurm):
    def both(step: int) -> None:
        if step == 0:
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGINT)

    trainer = FakeTrainer()
    trainer.fit(*pair, during=both)
    assert (trainer.global_step, pair[1].reason) == (1, "interrupted")


def test_only_a_job_that_can_be_requeued_listens(pair):
    handler = signal.getsignal(signal.SIGUSR1)
    seen = []
    FakeTrainer().fit(*pair, during=lambda step: seen.append(signal.getsignal(signal.SIGUSR1)))
    assert set(seen) == {handler}


@pytest.mark.parametrize(("said", "steps"), [("interrupted", 6), ("preempted", 6), ("", 40)])
def test_other_ranks_do_as_the_first_says(pair, slurm, said, steps):
    """Rank 0 may have heard of what this one has not, and the other way round."""

    def broadcast(value):
        if isinstance(value, tuple):
            return value
        return said if trainer.global_step >= 6 else ""

    trainer = FakeTrainer(broadcast)
    during = send(signal.SIGINT, at=2) if said == "" else lambda step: None
    if said == "preempted":
        with pytest.raises(Preempted):
            trainer.fit(*pair, during=during)
    else:
        trainer.fit(*pair, during=during)
    assert pair[1].reason == said
    assert trainer.global_step == pytest.approx(steps, abs=8 if said else 0)

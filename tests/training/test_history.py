"""history.csv: a row a validation, whole at any moment, and right after a resume."""

from types import SimpleNamespace

import pytest
import torch

from restore.results.curves import read_history
from restore.training.history import History


@pytest.fixture
def budget():
    return SimpleNamespace(elapsed=0.0)


@pytest.fixture
def history(tmp_path, budget):
    return History(tmp_path / "run" / "history.csv", batch_size=16, budget=budget)


OTHER_RANK = 1.0  # how much higher the other rank's mean loss is


def train(history: History, *losses: float) -> None:
    for loss in losses:
        history.on_train_batch_end(None, None, {"loss": torch.tensor(loss, requires_grad=True)}, None, 0)


def validate(history: History, step: int, sanity_checking: bool = False, rank: int = 0, **metrics: float) -> None:
    logged = {"train/loss": 0.1, "test/psnr": 1.0} | {f"val/{name}": value for name, value in metrics.items()}
    history.budget.elapsed += 1.234
    trainer = SimpleNamespace(global_step=step, sanity_checking=sanity_checking, is_global_zero=rank == 0)
    trainer.callback_metrics = logged
    trainer.strategy = SimpleNamespace(reduce=lambda mean, reduce_op: mean + OTHER_RANK / 2)
    history.on_validation_end(trainer, None)


def start(history: History, step: int, rank: int = 0) -> None:
    history.on_train_start(SimpleNamespace(global_step=step, is_global_zero=rank == 0), None)


def test_a_row_a_validation_with_every_metric_that_was_validated(history):
    start(history, 0)
    validate(history, 5, psnr=20.5, lpips=0.25)
    validate(history, 10, lpips=0.2, psnr=21.0)
    assert history.file.read_text().splitlines() == [
        "step,patches,seconds,val/psnr,val/lpips",
        "5,80,1.23,20.5,0.25",
        "10,160,2.47,21.0,0.2",
    ]
    assert [file.name for file in history.file.parent.iterdir()] == ["history.csv"]


def test_the_training_loss_is_the_mean_since_the_row_before_over_all_ranks(history):
    start(history, 0)
    train(history, 1.0, 2.0)
    validate(history, 2, psnr=20.0)
    train(history, 4.0, 6.0, 8.0)
    validate(history, 5, psnr=21.0)
    columns = read_history(history.file)
    assert list(columns) == ["step", "patches", "seconds", "train/loss", "val/psnr"]
    assert columns["train/loss"] == [1.5 + OTHER_RANK / 2, 6.0 + OTHER_RANK / 2]


def test_a_rank_that_does_not_write_takes_part_in_the_mean(history):
    start(history, 0, rank=1)
    train(history, 1.0)
    validate(history, 1, rank=1)
    assert history.loss is None, "counted anew, as by the rank that writes"
    assert not history.file.exists()


def test_a_run_resumed_within_a_row_keeps_the_losses_before(history, budget):
    start(history, 0)
    train(history, 1.0, 2.0)
    again = History(history.file, 16, budget)
    again.load_state_dict(history.state_dict())
    start(again, 2)
    train(again, 6.0)
    validate(again, 3, psnr=20.0)
    assert read_history(again.file)["train/loss"] == [3.0 + OTHER_RANK / 2]
    assert set(again.state_dict()) == {"rows"}, "of the losses nothing is left over after a row"


def test_neither_the_sanity_check_nor_another_rank_writes(history):
    validate(history, 0, sanity_checking=True, psnr=1.0)
    start(history, 0, rank=1)
    validate(history, 5, rank=1, psnr=1.0)
    assert not history.file.exists()


def test_a_resumed_run_goes_on_where_it_stood(history, tmp_path, budget):
    start(history, 0)
    for step in (5, 10, 15):
        validate(history, step, psnr=float(step))
    before = history.file.read_text().splitlines()
    again = History(history.file, 16, budget)
    start(again, 12)  # its checkpoint is older than the last validation
    validate(again, 15, psnr=15.5)
    lines = again.file.read_text().splitlines()
    assert lines[:3] == before[:3]
    assert len(lines) == 4
    assert lines[3].startswith("15,240,")
    assert lines[3].endswith(",15.5")


@pytest.mark.parametrize(
    "damage", [b"", b"step,patches\n5", b"garbage", b"\xff\x00", b"step,patches,seconds,val/psnr\n5,x,1,2\n", None]
)
def test_the_rows_are_in_the_checkpoint_whatever_became_of_the_file(history, budget, damage, caplog):
    start(history, 0)
    for step in (5, 10):
        validate(history, step, psnr=float(step))
    state, lines = history.state_dict(), history.file.read_text().splitlines()
    validate(history, 15, psnr=15.0)  # and killed before this one is in a checkpoint
    history.file.unlink()
    if damage is None:
        history.file.mkdir()
    else:
        history.file.write_bytes(damage)
    again = History(history.file, 16, budget)
    again.load_state_dict(state)
    start(again, 10)
    validate(again, 15, psnr=15.5)
    now = again.file.read_text().splitlines()
    assert now[:3] == lines
    assert [line.split(",")[0] for line in now] == ["step", "5", "10", "15"]
    if damage != b"":
        aside = history.file.with_name("history.csv.damaged-1")
        assert damage is None or aside.read_bytes() == damage
        assert "history.csv is damaged: it is kept as history.csv.damaged-1" in caplog.text


def test_a_new_run_in_an_old_folder_begins_anew(history, budget):
    start(history, 0)
    validate(history, 5, psnr=20.0)
    again = History(history.file, 16, budget)
    start(again, 0)
    validate(again, 7, psnr=21.0)
    assert [line.split(",")[0] for line in again.file.read_text().splitlines()] == ["step", "7"]


def test_a_metric_more_after_a_resume_has_a_column_of_its_own(history, budget):
    start(history, 0)
    validate(history, 5, psnr=20.0)
    again = History(history.file, 16, budget)
    start(again, 5)
    validate(again, 10, ssim=0.5, psnr=21.0)
    lines = again.file.read_text().splitlines()
    assert lines[0] == "step,patches,seconds,val/psnr,val/ssim"
    assert lines[1] == "5,80,1.23,20.0,"
    assert lines[2].endswith(",21.0,0.5")

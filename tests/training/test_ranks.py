"""The first rank says which other one died, or is stopped."""

import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from restore.errors import OutsideError
from restore.runfolder import RunFolder
from restore.training import ranks as room
from restore.training.ranks import Ranks
from restore.training.trainer import RANK_TIMEOUT, _ddp


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def ranks(tmp_path, monkeypatch) -> Ranks:
    monkeypatch.setattr(room, "observe_children", lambda observe: None)
    monkeypatch.setattr(room, "LOOK", 0.05)
    return Ranks(RunFolder(tmp_path), 600)


def test_a_rank_that_died_is_named(ranks, child, monkeypatch):
    monkeypatch.setattr(room.torch.distributed, "is_initialized", lambda: True)
    ranks.watch([child])
    child.kill()
    with pytest.raises(OutsideError, match=r"rank 1 died \(SIGKILL\); nothing was saved yet"), ranks.together():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:47822")


def test_another_error_stays_what_it_is(ranks, monkeypatch):
    monkeypatch.setattr(room.torch.distributed, "is_initialized", lambda: True)
    with pytest.raises(RuntimeError, match="size of tensor"), ranks.together():
        raise RuntimeError("The size of tensor a must match")


def test_a_stopped_rank_is_said_and_that_it_goes_on(ranks, child, monkeypatch, caplog):
    monkeypatch.setattr(room, "PATIENCE", 0.3)
    caplog.set_level(logging.WARNING, "restore")
    with ranks.together():
        ranks.watch([child])
        os.kill(child.pid, signal.SIGSTOP)
        _until(lambda: "is stopped" in caplog.text)
        assert f"rank 1 (process {child.pid}) is stopped" in caplog.text
        assert "the others wait 600 s at most" in caplog.text
        os.kill(child.pid, signal.SIGCONT)
        _until(lambda: "rank 1 goes on" in caplog.text)


def test_a_silence_is_said_once(ranks, child, monkeypatch, caplog):
    monkeypatch.setattr(room, "SILENCE", 0.2)
    caplog.set_level(logging.WARNING, "restore")
    with ranks.together():
        ranks.on_train_batch_end(None, None)
        ranks.watch([child])
        _until(lambda: "no step for" in caplog.text)
        time.sleep(0.4)
        assert caplog.text.count("no step for") == 1


def test_waiting_is_bounded():
    assert _ddp()._timeout == RANK_TIMEOUT
    assert RANK_TIMEOUT.total_seconds() <= 600


def _until(said) -> None:
    end = time.monotonic() + 10
    while not said():
        assert time.monotonic() < end
        time.sleep(0.02)

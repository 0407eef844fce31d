"""A folder has one writer: who holds it is said, and what dies holds nothing."""

import os
import subprocess
import sys
import threading
import time

import pytest

from restore.errors import OccupiedError
from restore.runfolder import RunFolder
from restore.runs import lock

HOLD = """
import sys, time
from restore.runfolder import RunFolder
from restore.runs import lock
lock.hold(RunFolder(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run")


@pytest.fixture
def other(folder):
    """Another process that holds the folder."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_holds_it(folder, other):
    with pytest.raises(OccupiedError, match=rf"is written by another command \(process {other.pid} on "):
        lock.hold(folder)
    assert lock.holder_of(folder).pid == other.pid
    other.kill()
    other.wait()
    assert lock.holder_of(folder) is None
    with lock.held(folder):
        assert lock.holder_of(folder) is None, "its own"


def test_waiting_ends_with_the_holder(folder, other):
    threading.Timer(0.5, other.kill).start()
    said, begin = [], time.monotonic()
    lock.wait(folder, lambda: False, said.append)
    assert 0.3 < time.monotonic() - begin < 10
    assert len(said) == 1
    assert f"process {other.pid}" in said[0]


def test_waiting_can_be_given_up(folder, other):
    lock.wait(folder, lambda: True, lambda words: None)
    assert lock.holder_of(folder).pid == other.pid


def test_other_ranks_hold_nothing(folder, other, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    lock.hold(folder)


def test_a_file_system_without_locks_is_said(folder, monkeypatch, caplog):
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(lock.errno.ENOLCK, os.strerror(lock.errno.ENOLCK))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with lock.held(folder):
        assert "its file system has no locks" in caplog.text

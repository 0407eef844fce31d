"""Files on their way: threads read and write them, the network restores one after the other, memory is bounded."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from restore.application import pipeline
from restore.application.files import Job
from restore.application.pipeline import Pipeline
from restore.errors import RequestError
from restore.photos import Photo

JOBS = [Job(Path(f"{number}.png"), Path("out") / f"{number}.png") for number in range(12)]


class Trace:
    """What is called, when, by whom: at most `most` files are held from the begin of their reading to their outcome."""

    def __init__(self, seconds=0.0, wrong=()):
        self.seconds, self.wrong = seconds, wrong
        self.restored, self.threads = [], set()
        self.now = self.most = 0
        self._lock = threading.Lock()

    def read(self, job):
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.threads.add(threading.current_thread())
        time.sleep(self.seconds)
        if ("read", job.source.stem) in self.wrong:
            raise RequestError(f"{job.source} is broken")
        return Photo(np.full((2, 2), int(job.source.stem), np.uint8))

    def restore(self, job, photo):
        assert threading.current_thread() is threading.main_thread()
        assert photo.levels[0, 0] == int(job.source.stem)
        self.restored.append(job)
        time.sleep(self.seconds)
        if ("restore", job.source.stem) in self.wrong:
            raise RequestError(f"{job.source} does not fit")
        return Photo(photo.levels + 100)

    def write(self, job, restored):
        self.threads.add(threading.current_thread())
        time.sleep(self.seconds * (1 + int(job.source.stem) % 3))  # later ones end first
        if ("write", job.source.stem) in self.wrong:
            raise OSError(28, "no space", str(job.target))

    def run(self, jobs, cost=lambda job: 1, threads=4):
        outcomes = []
        with Pipeline(threads) as files:
            for outcome in files.run(jobs, cost, self.read, self.restore, self.write):
                with self._lock:
                    self.now -= 1
                outcomes.append(outcome)
        return outcomes


def test_outcomes_come_in_order_and_the_rest_goes_on():
    trace = Trace(0.004, wrong={("read", "1"), ("write", "4"), ("restore", "7"), ("write", "11")})
    outcomes = trace.run(JOBS)
    assert [outcome.job for outcome in outcomes] == JOBS
    assert trace.restored == [job for job in JOBS if job.source.stem != "1"]
    assert {outcome.job.source.stem: str(outcome.error) for outcome in outcomes if outcome.error} == {
        "1": "1.png is broken",
        "4": f"[Errno 28] no space: {str(JOBS[4].target)!r}",
        "7": "7.png does not fit",
        "11": f"[Errno 28] no space: {str(JOBS[11].target)!r}",
    }
    for outcome in outcomes:
        assert outcome.error or (outcome.after.levels - outcome.before.levels == 100).all()
    assert threading.main_thread() not in trace.threads


def test_reading_and_writing_go_on_while_the_network_computes():
    """The first is written, the second restored and the third read at one time: each waits for the other two."""
    trace, together = Trace(), threading.Barrier(3)
    read, restore, write = trace.read, trace.restore, trace.write

    def at(number, job):
        if job is JOBS[number]:
            together.wait(timeout=20)

    trace.read = lambda job: (at(2, job), read(job))[1]
    trace.restore = lambda job, photo: (at(1, job), restore(job, photo))[1]
    trace.write = lambda job, photo: (at(0, job), write(job, photo))[1]
    assert all(outcome.error is None for outcome in trace.run(JOBS[:3]))
    assert together.n_waiting == 0


@pytest.mark.parametrize(
    ("bytes_each", "most"), [(1, pipeline.FILES), (pipeline.AHEAD // 3, 3), (pipeline.AHEAD + 1, 1)]
)
def test_no_more_is_held_than_was_said(bytes_each, most):
    trace = Trace(0.001)
    jobs = [Job(Path(f"{number}.png"), Path(f"out/{number}.png")) for number in range(40)]
    assert len(trace.run(jobs, lambda job: bytes_each)) == 40
    assert trace.most == most


def test_a_large_file_goes_alone_and_small_ones_beside_each_other():
    trace = Trace(0.001)
    sizes = {job: pipeline.AHEAD * 2 if job is JOBS[5] else 1 for job in JOBS}
    held = []
    read = trace.read
    trace.read = lambda job: (held.append((job, trace.now)), read(job))[1]
    assert [outcome.job for outcome in trace.run(JOBS, sizes.get)] == JOBS
    assert dict(held)[JOBS[5]] == 0
    assert all(count == 0 for job, count in held if job is JOBS[6])


def test_what_is_no_fault_of_a_file_ends_all_and_what_is_being_written_is_finished():
    written = []
    trace = Trace(0.01)
    trace.write = lambda job, restored: (time.sleep(0.05), written.append(job))

    def restore(job, photo):
        if job is JOBS[2]:
            raise KeyboardInterrupt
        return photo

    trace.restore = restore
    with pytest.raises(KeyboardInterrupt):
        trace.run(JOBS)
    assert sorted(written, key=JOBS.index) == JOBS[:2]

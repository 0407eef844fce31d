"""Runs killed at random moments and resumed end as undisturbed ones; what is told to stop ends within ten seconds."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from conftest import finish, start
from restore.results import store
from restore.runfolder import RunFolder

SEED = int(os.environ.get("RESTORE_FAULTS_SEED", "16"))
NURSERY = Path(__file__).with_name("nursery.py")
KILLS, STOPS = 24, 12


class Nursery:
    """Runs as processes that need not import anything first."""

    def __init__(self, cwd: Path):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = os.environ | {"RESTORE_CACHE": str(cwd / "cache")}
        self.process = subprocess.Popen([sys.executable, str(NURSERY)], cwd=cwd, env=environment, **pipes)
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, request: object) -> int:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def begin(self, output: Path, *words: str) -> int:
        return self.ask([str(output), *words])

    def end(self, pid: int) -> int:
        return self.ask(pid)

    def run(self, output: Path, *words: str) -> int:
        return self.end(self.begin(output, *words))


@pytest.fixture
def nursery(tmp_path):
    nursery = Nursery(tmp_path)
    yield nursery
    nursery.process.communicate(timeout=30)


@pytest.fixture
def words(tiny) -> list[str]:
    own = ["trainer.max_steps=120", "trainer.validations=8", "data.patches_per_epoch=36", "trainer.max_time=null"]
    return [word for word in tiny if not word.startswith(("paths", "trainer.max_steps", "trainer.validations"))] + own


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    """Of both checkpoints, with the optimiser's moments."""
    tensors = {}
    for file in (folder.best, folder.last):
        content = torch.load(file, weights_only=True)
        tensors |= {f"{file.stem} {key}": value for key, value in content["state_dict"].items()}
        for number, state in content["optimizer_states"][0]["state"].items():
            moments = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
            tensors |= {f"{file.stem} {number} {key}": value for key, value in moments.items()}
    return tensors


def differing(folder: RunFolder, undisturbed: RunFolder) -> list[str]:
    own, other = weights(folder), weights(undisturbed)
    assert own.keys() == other.keys()
    return [key for key in own if not torch.equal(own[key], other[key])]


def rows_amiss(folder: RunFolder, undisturbed: RunFolder) -> Counter[str]:
    """How many rows of the history and of the results are missing, and how many there are twice."""
    counts: Counter[str] = Counter()
    for run_rows in (history, results):
        own, other = Counter(run_rows(folder)), Counter(run_rows(undisturbed))
        counts["rows lost"] += sum((other - own).values())
        counts["rows doubled"] += sum((own - other).values())
    return counts


def history(folder: RunFolder) -> list[tuple]:
    """Step and metrics of each validation; the seconds differ from run to run."""
    with folder.history.open(newline="") as file:
        return [tuple(value for key, value in row.items() if key != "seconds") for row in csv.DictReader(file)]


def results(folder: RunFolder) -> list[tuple]:
    columns = ("model", "protocol", "dataset", "setting", "image", "metric", "value")
    return [tuple(row[column] for column in columns) for row in store.read(folder.results)]


@pytest.mark.timeout(550)
@pytest.mark.parametrize(("number", "trials"), [(signal.SIGKILL, KILLS), (signal.SIGTERM, STOPS)], ids=["kill", "term"])
def test_cut_short_at_any_moment_and_resumed(nursery, words, tmp_path, tally, number, trials):
    """Also cut short again while it resumes, every third time."""
    print(f"seed {SEED}")
    draws = random.Random(f"{SEED} {number}")
    begin = time.monotonic()
    whole = RunFolder(tmp_path / "undisturbed")
    assert nursery.run(tmp_path / "undisturbed.txt", *words, f"hydra.run.dir={whole}") == 0
    lasts = time.monotonic() - begin
    slowest, amiss = 0.0, Counter[str]()
    for trial in range(trials):
        folder, output = RunFolder(tmp_path / f"run{trial}"), tmp_path / f"run{trial}.txt"
        for _ in range(2 if trial % 3 == 2 else 1):
            child = nursery.begin(output, *ways(folder, words))
            time.sleep(draws.uniform(0, lasts))
            begin = time.monotonic()
            os.kill(child, number)
            code = nursery.end(child)
            slowest = max(slowest, time.monotonic() - begin)
            said = output.read_text()
            assert code in ((-number, 0) if number == signal.SIGKILL else (143, 0)), said
            assert "Traceback" not in said
            assert "a bug of ours" not in said
            if code == 143:
                assert "restore: told to stop (SIGTERM); " in said
            tally("runs killed" if number == signal.SIGKILL else "runs told to stop")
        if folder.state != "finished":
            assert nursery.run(output, *ways(folder, words)) == 0, output.read_text()
        assert not differing(folder, whole), f"trial {trial}"
        amiss += rows_amiss(folder, whole)
        assert folder.result["state"] == "finished"
    for what in ("rows lost", "rows doubled"):
        tally(what, amiss[what])
    assert slowest < 10
    print(f"the slowest of {trials} ended after {slowest:.2f} s")
    assert not amiss.total(), amiss


def ways(folder: RunFolder, words: list[str]) -> list[str]:
    """The words that begin a run, or go on with it."""
    return [f"resume={folder}"] if folder.last.is_file() else [*words, f"hydra.run.dir={folder}"]


LONG = ("trainer.max_steps=1000000", "trainer.validations=100000", "trainer.max_time=null")


def wait_for(folder: Path, pattern: str) -> Path:
    end = time.monotonic() + 120
    while not (files := list(folder.glob(pattern))):
        assert time.monotonic() < end, pattern
        time.sleep(0.02)
    return files[0]


def alive_in(folder: Path) -> list[int]:
    """Processes whose command line names a folder."""
    pids = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in file.read_bytes():
                pids.append(int(file.parent.name))
        except OSError:
            continue
    return pids


def test_a_grid_whose_parent_dies_leaves_nobody_and_the_next_call_goes_on(grid, tmp_path, tally):
    """Killed, called again at once beside what still leaves, told to stop."""
    words = [word for word in grid if not word.startswith("trainer.max_steps")] + [*LONG, "seed=0,1"]
    first = start(tmp_path, *words)
    last = wait_for(tmp_path, "runs/sweeps/*/seed=0/checkpoints/last.ckpt")
    first.kill()
    finish(first)
    second = start(tmp_path, *words)
    while "resuming seed=0" not in (line := second.stdout.readline()):
        assert line, "it ended"
    begin = time.monotonic()
    time.sleep(1)
    second.send_signal(signal.SIGTERM)
    code, out = finish(second)
    assert code == 143, out
    assert time.monotonic() - begin < 11
    assert "restore: told to stop (SIGTERM); the same command again resumes" in out
    assert torch.load(last, weights_only=True)["global_step"] > 0
    tally("grids killed or told to stop", 2)
    tally("orphans", len(alive_in(tmp_path / "runs" / "sweeps")))
    assert not alive_in(tmp_path / "runs" / "sweeps")


def test_two_equal_grids_share_the_jobs(grid, tmp_path, tally):
    words = [*grid, "seed=0,1"]
    both = [start(tmp_path, *words) for _ in range(2)]
    ends = [finish(process) for process in both]
    assert [code for code, _ in ends] == [0, 0], ends
    folders = [RunFolder(path.parent) for path in tmp_path.glob("runs/sweeps/*/*/result.json")]
    assert len(folders) == 2
    for folder in folders:
        rows, steps = results(folder), history(folder)
        tally("rows doubled", len(rows) - len(set(rows)) + len(steps) - len(set(steps)))
        assert len(rows) == len(set(rows)) == 6
        assert len(steps) == len(set(steps))
    trained = Counter(line for _, out in ends for line in out.splitlines() if line.startswith("finished: "))
    assert trained.total() == 2, "each job by one of them"
    tally("equal grids at once", 2)


def test_a_rank_that_dies_ends_the_run_with_one_sentence(tiny, tmp_path, tally):
    words = [word for word in tiny if not word.startswith("trainer.max_steps")] + [*LONG, "trainer.devices=2"]
    command = [sys.executable, "-m", "restore.run", *words, f"hydra.run.dir={tmp_path / 'ddp'}"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        wait_for(tmp_path, "ddp/checkpoints/last.ckpt")
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        rank = next(pid for pid in children if b"LOCAL_RANK=1\0" in Path(f"/proc/{pid}/environ").read_bytes())
        begin = time.monotonic()
        os.kill(int(rank), signal.SIGKILL)
        _, err = run.communicate(timeout=60)
    assert run.returncode == 1
    assert time.monotonic() - begin < 15
    (line,) = err.splitlines()
    assert line.startswith("restore: rank 1 died (SIGKILL); saved until step ")
    assert line.endswith(f": resume='{tmp_path / 'ddp'}' goes on")
    tally("ranks killed")

"""A full disk at every kind of write: one sentence, nothing earlier lost, and it goes on when there is room."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from restore import atomic
from restore.checkpoint import damage_of, read_state
from restore.results import store
from restore.results.histories import read_history
from restore.runfolder import RunFolder

FULL = "no space left on the disk"
STEPS = 2


@pytest.fixture
def words(tiny) -> list[str]:
    kept = [word for word in tiny if not word.startswith(("trainer.max_steps", "trainer.validations"))]
    return [*kept, f"trainer.max_steps={STEPS}", f"trainer.validations={STEPS}"]


@contextlib.contextmanager
def full_at(monkeypatch, write: int) -> Iterator[list[Path]]:
    """The disk is full when the n-th file is made durable; the files that were, in order."""
    written: list[Path] = []
    synchronise = atomic._synchronise

    def fill(path: Path) -> None:
        if path.is_file():
            written.append(path)
            if len(written) == write:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synchronise(path)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_synchronise", fill)
        yield written


def check_nothing_lost(folder: RunFolder) -> None:
    """What is there under its name is whole."""
    assert not [damage for file in folder.states if (damage := damage_of(file))]
    if folder.results.is_file():
        store.read(folder.results)
    if folder.history.is_file():
        read_history(folder.history)
    assert not list(folder.path.rglob(".*.*[0-9]")), "nothing half written is left"


def check_whole(folder: RunFolder, undisturbed: RunFolder, tally) -> None:
    """The run as it would have been, each row once."""
    mine, theirs = read_state(folder.last), read_state(undisturbed.last)
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)
    steps, rows = read_history(folder.history)["step"], store.read(folder.results)
    places = {tuple(row[column] for column in store.PLACE) for row in rows}
    tally("rows doubled", len(steps) - len(set(steps)) + len(rows) - len(places))
    tally("rows lost", STEPS - len(set(steps)) + len(store.read(undisturbed.results)) - len(places))
    assert steps == list(range(1, STEPS + 1))
    assert len(rows) == len(places) == len(store.read(undisturbed.results))


def check_sentence(code: int, out: str, err: str, tally) -> None:
    tally("tracebacks", int("Traceback" in out + err))
    assert code == 1, err
    assert "Traceback" not in out + err
    assert err.strip().splitlines()[-1].startswith("restore: ")


def test_a_run_at_every_one_of_its_writes(words, command, monkeypatch, tally, tmp_path):
    undisturbed = RunFolder(tmp_path / "undisturbed" / "run")
    with full_at(monkeypatch, 0) as written:
        assert command("run", *words, f"hydra.run.dir={undisturbed}").code == 0
    files = [path.name for path in written]
    assert {".last.ckpt", ".best.ckpt", ".history.csv", ".results.csv", ".sheet.png", ".result.json"} <= {
        name.rpartition(".")[0] for name in files
    }
    for write in range(1, len(files) + 1):
        folder = RunFolder(tmp_path / str(write) / "run")
        with full_at(monkeypatch, write):
            answer = command("run", *words, f"hydra.run.dir={folder}")
        tally("full disks")
        check_sentence(answer.code, answer.out, answer.err, tally)
        assert FULL in answer.err.strip().splitlines()[-1], files[write - 1]
        check_nothing_lost(folder)
        again = [f"resume={folder}"] if folder.resumable else [*words, f"hydra.run.dir={folder}"]
        assert command("run", *again).code == 0
        check_whole(folder, undisturbed, tally)


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_{kind}, ({limit}, resource.RLIM_INFINITY))
sys.argv = sys.argv[1:]
sys.orig_argv = ["python", "-m", *sys.argv]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def call(limit: int, module: str, *words: str, cwd: Path, kind: str = "FSIZE") -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, none of whose files (or, by `kind`, AS, memory) may be larger; 0: no limit."""
    start = LIMITED.format(limit=limit or resource.RLIM_INFINITY, kind=kind)
    return subprocess.run(
        [sys.executable, "-c", start, module, *words],
        cwd=cwd,
        env={**os.environ, "RESTORE_CACHE": str(cwd / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("limit", [100, 3_000, 6_000, 60_000])
@pytest.mark.parametrize("logger", ["none", "csv"])
def test_files_that_may_not_grow(limit, logger, words, tally, tmp_path):
    """By the system, whatever library writes: Hydra, logging, torch, Pillow, matplotlib, Lightning's loggers."""
    folder = RunFolder(tmp_path / "run")
    words = [word for word in words if not word.startswith("logger")] + [f"logger={logger}"]
    ended = call(limit, "restore.run", *words, f"hydra.run.dir={folder}", cwd=tmp_path)
    tally("full disks")
    check_sentence(ended.returncode, ended.stdout, ended.stderr, tally)
    check_nothing_lost(folder)


def test_a_batch_that_does_not_fit_in_memory(words, tally, tmp_path):
    """What is seen when a step is taken: the kept maps alone would fit."""
    words = [word for word in words if not word.startswith(("data.batch_size", "data.patch_size"))]
    words += ["data.patch_size=40", "model=red30", "model.width=64"]
    limit = 7 * 10**9
    ended = call(limit, "restore.run", *words, "data.batch_size=500", cwd=tmp_path, kind="AS")
    tally("batches too large")
    check_sentence(ended.returncode, ended.stdout, ended.stderr, tally)
    sentence = ended.stderr.strip().splitlines()[-1]
    fits = re.search(r"data\.batch_size=(\d+) is about the largest that fits", sentence)
    assert fits, sentence
    print(sentence)
    assert 10 < int(fits[1]) < 500


def test_a_disk_that_fills_while_a_run_goes_on(words, tally, tmp_path):
    """A real one, where such a thing can be made; W&B's files too."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        folder = RunFolder(disk / "run")
        ballast = disk / "ballast"
        ballast.write_bytes(b"\0" * (shutil.disk_usage(disk).free - 1_000_000))
        words = [word for word in words if not word.startswith("logger")] + ["logger=wandb", "logger.mode=offline"]
        ended = call(0, "restore.run", *words, f"hydra.run.dir={folder}", cwd=tmp_path)
        tally("full disks")
        assert ended.returncode == 2, ended.stderr
        assert "MB free, and this run needs about" in ended.stderr
        ballast.unlink()
        ended = call(0, "restore.run", *words, f"hydra.run.dir={folder}", cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        rows = store.read(folder.results)
        ballast.write_bytes(b"\0" * shutil.disk_usage(disk).free)
        more = [f"resume={folder}", f"trainer.max_steps={STEPS + 1}"]
        ended = call(0, "restore.run", *more, cwd=tmp_path)
        tally("full disks")
        assert ended.returncode in (1, 2), ended.stderr
        assert "Traceback" not in ended.stdout + ended.stderr
        check_nothing_lost(folder)
        assert store.read(folder.results) == rows
        for module, given in (
            ("restore.evaluate", [f"run={folder}", words[2], "precision=bf16-mixed"]),
            ("restore.report", ["table=dncnn_II", f"runs={folder.results}", f"out={disk / 'report'}"]),
        ):
            ended = call(0, module, *given, cwd=tmp_path)
            tally("full disks")
            check_sentence(ended.returncode, ended.stdout, ended.stderr, tally)
            assert store.read(folder.results) == rows
        ballast.unlink()
        assert call(0, "restore.run", *more, cwd=tmp_path).returncode == 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)

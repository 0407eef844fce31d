"""Fixtures: small images, the papers' sets where they are, and the commands run in this process."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from PIL import Image

from restore.config.build import build_protocols
from restore.config.compose import compose
from restore.config.metrics import build_metrics
from restore.degradations.base import Degradation, TestStream
from restore.evaluation.metrics import Metric
from restore.evaluation.protocol import Protocol
from restore.results import store

os.environ.setdefault("WANDB_MODE", "offline")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """``-n auto``: a process per core, four at most, and one thread in each, which their own processes inherit."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return min(4, len(os.sched_getaffinity(0)))


@pytest.fixture
def data_root() -> Path:
    """The folder of the papers' sets."""
    if not os.environ.get("RESTORE_DATA"):
        pytest.skip("RESTORE_DATA is not set: the papers' test sets are not on this machine")
    return Path(os.environ["RESTORE_DATA"])


@pytest.fixture
def weights_root() -> Path:
    """The folder of the authors' weights."""
    if not os.environ.get("RESTORE_WEIGHTS"):
        pytest.skip("RESTORE_WEIGHTS is not set: the authors' weights are not on this machine")
    return Path(os.environ["RESTORE_WEIGHTS"])


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def photograph(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    """A smooth image with an edge, uint8 ``(H, W)`` or ``(H, W, 3)``."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    planes = []
    for _ in range(channels):
        a, b, c = rng.uniform(1, 6, 3)
        planes.append(120 + 60 * np.sin(a * 6 * x + b * y) + 50 * (x * b + y > c / 3))
    image = np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)
    return image[..., 0] if channels == 1 else image


@pytest.fixture
def image_folder(tmp_path: Path):
    """Makes a folder of `count` small images."""

    def make(name: str = "photos", count: int = 4, channels: int = 1, size: tuple[int, int] = (48, 40)) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for number in range(count):
            seed = sum(map(ord, name)) * 100 + number
            Image.fromarray(photograph(*size, channels, seed)).save(folder / f"{number:02d}.png")
        return folder

    return make


def protocol(name: str, *words: str) -> Protocol:
    """A protocol of ``conf/protocol``, the last that the words make of it: ``protocols.dncnn.border=0``."""
    return build_protocols(compose("evaluate", [f"protocol={name}", *words]))[-1]


def metrics(*names: str) -> list[Metric]:
    """Metrics of ``conf/metric``; PSNR and SSIM where none are named."""
    return build_metrics(compose("evaluate", [f"metric=[{','.join(names or ('psnr', 'ssim'))}]"]))


def read_rows(file: Path, metric: str = "psnr") -> list[dict]:
    """The rows of one metric in a results file."""
    return [row for row in store.read(Path(file)) if row["metric"] == metric]


def exact(degradation: Degradation, clean: torch.Tensor, **switches: bool | str) -> torch.Tensor:
    """What a protocol with these switches would have a network restore."""
    stream = TestStream.seeded(0, **switches)
    return degradation.exact(clean, degradation.draw(len(clean), stream.generator), stream).degraded


class Clock:
    """Stands where a module's ``time`` stands, and goes on when it is told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return self.now


class Answer:
    """What a command report_errors: exit code, and what it printed."""

    def __init__(self, code: int, out: str, err: str):
        self.code, self.out, self.err = code, out, err


def drop_handlers() -> None:
    """Take away Hydra's log handlers, of the last job's streams and file."""
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, logging.StreamHandler) and handler.__class__.__module__ == "logging":
            logging.getLogger().removeHandler(handler)
            if isinstance(handler, logging.FileHandler):
                handler.close()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture, tmp_path: Path):
    """Runs ``python -m restore.<name> <words>`` in this process, in a folder of its own."""

    def call(name: str, *words: str) -> Answer:
        from restore import evaluate, run
        from restore.config.command import command as start

        config_name, task = {"run": ("config", run.run), "evaluate": ("evaluate", evaluate.evaluate)}[name]
        monkeypatch.setattr(sys, "argv", [f"restore.{name}", *map(str, words)])
        monkeypatch.setenv("RESTORE_CACHE", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        GlobalHydra.instance().clear()
        capfd.readouterr()
        threads = torch.get_num_threads()  # a run over two processes halves them, and sums in another order
        try:
            start(config_name, task)
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        finally:
            torch.set_num_threads(threads)
            drop_handlers()
        printed = capfd.readouterr()
        return Answer(code, printed.out, printed.err)

    return call


@pytest.fixture
def tiny(image_folder, tmp_path: Path) -> list[str]:
    """Words that make any run a matter of a second or two on images of its own."""
    train, test = image_folder("train", 5), image_folder("test", 3)
    return [
        "data=folder",
        f"data.path={train}",
        f"test_sets=[{test}]",
        "data.patch_size=16",
        "data.batch_size=4",
        "model=red10",
        "model.width=8",
        "trainer.max_steps=6",
        "trainer.validations=2",
        "accelerator=cpu",
        "trainer.precision=32-true",
        "logger=none",
        f"paths.runs={tmp_path / 'runs'}",
    ]


@pytest.fixture
def grid(tiny) -> list[str]:
    """The same for a multirun started in a folder of its own."""
    return [word for word in tiny if not word.startswith("paths.runs")]


def start(cwd: Path, *words: str, **environment: str) -> subprocess.Popen:
    """A multirun of `restore.run` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "restore.run", "-m", *words],
        cwd=cwd,
        env={**os.environ, "RESTORE_CACHE": str(cwd / "cache"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen, timeout: float = 250) -> tuple[int, str]:
    """Its exit code, and all it printed."""
    out, _ = process.communicate(timeout=timeout)
    return process.returncode, out

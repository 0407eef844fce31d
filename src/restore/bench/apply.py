"""What `restore.apply` costs beside the bare network: tiles, backends, files, and the memory of a process."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from restore import photos
from restore.application.batch import Batch
from restore.application.files import Job
from restore.application.network import TrainedNetwork
from restore.application.pipeline import FILES
from restore.application.restoration import Restorer, Settings
from restore.bench.measure import interleaved, report
from restore.conditions import apply_network, told
from restore.config.build import build_network
from restore.config.compose import compose
from restore.image import to_unit
from restore.models.fusion import merge_batch_norm
from restore.photos import Photo
from restore.results.tables import markdown
from restore.training.hardware import device_kind

LARGE = {"dncnn_s": 1750, "red30": 900}  # pixels a side: larger than what fits in one tile
FOLDER, SIDE = 8, 400  # photographs in colour, pixels a side
HUGE = 10_000  # pixels a side: 100 megapixels
DEEP, FIRST = "red30", (700, 1400)  # a deep network, and an image of two of the largest tiles that it has here
ITSELF = """import sys
from restore import apply
apply.main(sys.argv[1:])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))"""
LOG = logging.getLogger("restore")
ONNX = all(importlib.util.find_spec(package) for package in ("onnx", "onnxscript", "onnxruntime"))


def run(folder: Path, repeats: int) -> None:
    """Writes ``apply.csv`` and ``apply.md``."""
    report(folder, "apply", "restore.apply", (networks, files, memory), repeats)


def trained(model: str) -> TrainedNetwork:
    """A network of ``conf/model`` with the weights it begins with: what it computes takes as long with any."""
    config = compose("evaluate", [f"model={model}", "task=denoise"])
    network = merge_batch_norm(build_network(config.model)).to(device_kind()).eval()
    return TrainedNetwork(network, config, model)


def networks(repeats: int) -> tuple[list[dict], str]:
    """Seconds of a gray image of 8 bits: the network on the whole of it, and what apply does, converted and tiled."""
    rows, lines = [], []
    for model, side in LARGE.items():
        network = trained(model)
        conditions = {"sigma": 25.0} if "sigma" in told(network.network) else {}
        restorers = {"torch": Restorer(network, Settings(conditions))}
        if ONNX and device_kind() == "cpu":
            restorers["onnx"] = Restorer(network, Settings(conditions, backend="onnx"))
        photo = noise(side, side, 1)
        unit, sigma = photo.to_unit().to(device_kind()), to_unit(torch.tensor([25.0])).to(device_kind())
        unit = unit.contiguous(memory_format=torch.channels_last)

        def bare(
            network: TrainedNetwork = network, unit: torch.Tensor = unit, sigma: torch.Tensor = sigma
        ) -> torch.Tensor:
            with torch.no_grad():
                return apply_network(network.network, unit, {"sigma": sigma} if told(network.network) else {})

        calls = {"bare": bare}
        calls |= {name: lambda it=it, photo=photo: it.restore(photo, "it") for name, it in restorers.items()}
        for restorer in restorers.values():
            restorer.restore(noise(100, 100, 1), "a small one")
        with tiles_said() as said:
            seconds = interleaved(calls, repeats, warm=True)
        by_onnx = seconds.get("onnx")
        values = {"seconds_bare": seconds["bare"], "seconds": seconds["torch"], "seconds_onnx": by_onnx or ""}
        rows.append({"what": "network", "name": f"{model} {side}", **values, "tiles": said[0]})
        times = (f"{seconds['bare']:.2f}", f"{seconds['torch']:.2f}", f"{seconds['torch'] / seconds['bare'] - 1:+.0%}")
        lines.append([model, f"{side}×{side}", said[0], *times, f"{by_onnx:.2f}" if by_onnx else "–"])
    header = ("network", "gray image", "apply restores it", "bare, s", "apply, s", "more", "backend=onnx, s")
    note = "" if ONNX else "\n\nonnxruntime is not installed here."
    return rows, markdown(header, lines) + note


def files(repeats: int) -> tuple[list[dict], str]:
    """Seconds of a folder of PNG files in colour, one after the other and with threads that read and write them."""
    networks = {"identity": Settings(), "ffdnet": Settings({"sigma": 25.0})}
    rows, lines = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = [Job(folder / f"{number}.png", folder / "out" / f"{number}.png") for number in range(FOLDER)]
        for job in jobs:
            photos.write(noise(SIDE, SIDE, 3), job.source)
        for model, settings in networks.items():
            batches = {count: Batch(trained(model), settings, files=count) for count in (1, FILES)}

            def restore(batch: Batch) -> None:
                for job in jobs:
                    job.target.unlink(missing_ok=True)
                for outcome in batch.restored(jobs, None, lambda share: None):
                    assert outcome.error is None

            seconds = interleaved({str(n): partial(restore, batch) for n, batch in batches.items()}, repeats)
            rows += [{"what": "files", "name": f"{model}, {n} on their way", "seconds": s} for n, s in seconds.items()]
            one, many = seconds.values()
            lines.append([model, f"{one:.2f}", f"{many:.2f}", f"{many / one - 1:+.0%}"])
    header = (
        f"{FOLDER} PNG files, {SIDE}×{SIDE} in colour",
        "one after the other, s",
        f"{FILES} on their way, s",
        "more",
    )
    return rows, markdown(header, lines)


def memory(repeats: int) -> tuple[list[dict], str]:
    """Peaks of processes: files of 100 megapixels through the identity, and deep networks in tiles on smaller ones."""
    rows, lines = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for channels in (1, 3):
            photos.write(noise(HUGE, HUGE, channels), folder / f"huge{channels}.bmp")
        photos.write(noise(*FIRST, 1), folder / "first.bmp")
        torch.save(trained(DEEP).network.state_dict(), folder / "deep.pt")
        trials: dict[str, Sequence[str]] = {
            "identity, 100 megapixels, gray": ("huge1.bmp", "model=identity"),
            "identity, 100 megapixels, colour": ("huge3.bmp", "model=identity"),
            f"{DEEP}, {FIRST[0]}×{FIRST[1]}, gray": ("first.bmp", f"model={DEEP}", "weights=deep.pt"),
        }
        for label, (file, *words) in trials.items():
            peak, said = peak_of([f"input={file}", "output=out.bmp", *words], folder)
            rows.append({"what": "memory", "name": label, "bytes": peak, "tiles": said})
            lines.append([label, said, f"{peak / 1e9:.2f}"])
    note = (
        "A process's peak holds the interpreter, the files' pixels and a tile. Tiles of a larger image are not larger, "
        "so a deep network's 100 megapixels take at most its peak here and what the identity takes above the interpreter."
    )
    return rows, f"{markdown(('process', 'said', 'peak, GB'), lines)}\n\n{note}"


def noise(height: int, width: int, channels: int) -> Photo:
    """A photo of 8 bits that hardly compresses: a ramp and noise."""
    levels = np.random.default_rng(0).integers(0, 64, (height, width, channels), np.uint8)
    levels += np.linspace(0, 180, height).astype(np.uint8)[:, None, None]
    return Photo(levels[..., 0].copy() if channels == 1 else levels)


def peak_of(words: Sequence[str], folder: Path) -> tuple[int, str]:
    """The most bytes that `restore.apply` had in memory at once (Linux's VmHWM), and what it said of its tiles.

    A process says it of itself: what its parent is told (``ru_maxrss``) is at least what the parent had.
    """
    line = [sys.executable, "-c", ITSELF, *words]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"restore.apply {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return 1024 * int(done.stdout.split()[-2]), tiles_in(done.stderr.splitlines())[0]


@contextlib.contextmanager
def tiles_said() -> Iterator[list[str]]:
    """What is said of tiles meanwhile."""

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.extend(tiles_in([record.getMessage()]))

    said: list[str] = []
    handler, level = Kept(), LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield said
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(level)


def tiles_in(lines: Sequence[str]) -> list[str]:
    """Of ``<name>: <size>, in tiles of 512 pixels, 2.0 GB at most`` the part behind the size."""
    return [line.rpartition(": ")[2].partition(", ")[2] for line in lines if line.endswith(" at most")]

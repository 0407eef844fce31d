"""Training speed: this suite against a plain loop and a peer's, every network, and cost against counted work."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from restore.bench.measure import (
    convolution_peak,
    interleaved,
    median_seconds,
    report,
    slope,
    synchronise,
    training_step,
)
from restore.bench.peer import FilePatches
from restore.data import datasets
from restore.models.cost import count_cost
from restore.models.dncnn import DnCNN
from restore.models.red import REDNet
from restore.results.tables import markdown
from restore.training.hardware import default_precision, device_kind, matrix_peak

NETWORKS = {
    "red10": lambda: REDNet(depth=10, skip_step=0),
    "red20": lambda: REDNet(depth=20),
    "red30": lambda: REDNet(depth=30),
    "dncnn_s": DnCNN,
}


def run(folder: Path, repeats: int) -> None:
    """Writes ``training.csv`` and ``training.md``."""
    report(folder, "training", "Training", (loops, networks, growth, processes), repeats)


# -- against others --------------------------------------------------------------------------------


def loops(repeats: int, batch: int = 64, side: int = 40) -> tuple[list[dict], str]:
    """DnCNN-S, 64 patches of 40×40: a peer's loop, a plain one in our precision, and `restore.run`."""
    kind, precision = device_kind(), default_precision()
    steps = 40 if kind == "cpu" else 400
    plain_rates, suite_rates = [], []
    for _ in range(max(2, repeats // 2)):
        network = DnCNN().to(kind, memory_format=torch.channels_last)
        step = training_step(network, torch.rand(batch, 1, side, side, device=kind), precision)
        plain_rates.append(batch / median_seconds(step, steps // 4))
        suite_rates.append(suite(steps, batch, side))
    plain, ours = statistics.median(plain_rates), statistics.median(suite_rates)
    peer = in_fresh_process(f"peer_loop({batch}, {side}, {max(4, steps // 8)})")
    rows = [
        {"what": "loop", "name": name, "batch": batch, "patch": side, "patches_per_s": rate}
        for name, rate in (("peer", peer), ("plain", plain), ("restore.run", ours))
    ]
    lines = [
        ["peer: float32, a decoded file per patch", f"{peer:.1f}", "1.0 ×"],
        [f"plain loop: {precision}, channels-last", f"{plain:.1f}", f"{plain / peer:.1f} ×"],
        [f"restore.run: {precision}, channels-last", f"{ours:.1f}", f"{ours / peer:.1f} ×"],
    ]
    table = markdown((f"DnCNN-S, batch {batch}, {side}×{side}", "patches/s", "of the peer's"), lines)
    summary = (
        f"Lightning, data module, synthesis, logger and progress cost {plain / ours - 1:+.1%} of the plain loop's time"
    )
    return rows, f"{table}\n\n{summary} (plain pairs are made once; medians of {len(plain_rates)} rounds in turn)."


def suite(steps: int, batch: int, side: int) -> float:
    """Patches/s of ``restore.run`` on DnCNN-S."""
    words = ["task=denoise", "model=dncnn_s", f"data.patch_size={side}", f"data.batch_size={batch}", "logger=csv"]
    return job(words, steps)


def job(words: list[str], steps: int) -> float:
    """Patches/s of a run in a process of its own, by the plain loop's optimiser, validation left out."""
    words = [*words, f"trainer.max_steps={steps}", "trainer.max_time=null", "trainer.validations=1"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "restore.run", *words, "optim=adam_cosine", f"hydra.run.dir={folder}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return json.loads(Path(folder, "result.json").read_text())["patches_per_second"]


def in_fresh_process(call: str) -> float:
    """What a function of this module returns in a process that keeps torch's and glibc's defaults."""
    code = f"from restore.bench.training import *; print(repr({call}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return float(done.stdout.split()[-1])


def peer_loop(batch: int, side: int, steps: int) -> float:
    """Patches/s as KAIR's documentation has it: DnCNN-17, Adam, float32, one file decoded for every patch."""
    images = datasets.read(datasets.find("photographs", None, 1, training=True), 1)
    with tempfile.TemporaryDirectory() as folder:
        files = FilePatches.write(images.images, Path(folder))
        loader = DataLoader(
            FilePatches(files, side, 25.0, batch * (steps + 3)), batch, num_workers=2, persistent_workers=True
        )
        network = DnCNN().to(device_kind())
        optimizer = torch.optim.Adam(network.parameters(), 1e-4)
        stamps = []
        for degraded, clean in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(network(degraded.to(device_kind())), clean.to(device_kind()))
            loss.backward()
            optimizer.step()
            synchronise()
            stamps.append(time.perf_counter())
    return batch * (len(stamps) - 3) / (stamps[-1] - stamps[2])


# -- every network ---------------------------------------------------------------------------------


def networks(repeats: int) -> tuple[list[dict], str]:
    """Plain steps of each network in float32 and the default precision, beside what the machine reaches."""
    kind = device_kind()
    batch = 16 if kind == "cpu" else 128
    precisions = list(dict.fromkeys(["32-true", default_precision()]))
    peaks = {p: (matrix_peak(kind, p), convolution_peak(p, batch=batch)) for p in precisions}
    rows, lines = [], []
    for name, make in NETWORKS.items():
        cost = count_cost(make(), 1, 50, 50)
        clean = torch.rand(batch, 1, 50, 50, device=kind)
        steps = {}
        for precision in precisions:
            network = make().to(kind, memory_format=torch.channels_last)
            steps[precision] = training_step(network, clean, precision)
        seconds = interleaved(steps, repeats)
        for precision in precisions:
            rate = batch / seconds[precision]
            flops = 6 * cost.macs * rate
            shares = [flops / peak for peak in peaks[precision]]
            rows.append({"what": "network", "name": name, "precision": precision, "batch": batch, "patch": 50,
                         "patches_per_s": rate, "flops": flops, "share_of_matrix_peak": shares[0],
                         "share_of_convolution_peak": shares[1]})  # fmt: skip
            ratio = seconds[precisions[0]] / seconds[precision]
            lines.append([f"{name} {precision}", f"{cost.macs / 1e9:.3f}", f"{rate:.1f}", f"{flops / 1e9:.0f}",
                          f"{shares[0]:.0%}", f"{shares[1]:.0%}", f"{ratio:.1f} ×"])  # fmt: skip
    header = (f"batch {batch}, 50×50", "GMAC a patch", "patches/s", "GFLOP/s", "of matrix peak", "of convolution peak",
              "of float32")  # fmt: skip
    summary = "; ".join(
        f"{precision}: matrix product {matrix / 1e9:.0f} GFLOP/s, 64-map convolution both ways {conv / 1e9:.0f}"
        for precision, (matrix, conv) in peaks.items()
    )
    return rows, f"{markdown(header, lines)}\n\nPeaks measured in this run: {summary}."


# -- cost against work -----------------------------------------------------------------------------


def growth(repeats: int) -> tuple[list[dict], str]:
    """Seconds of a step while one size grows: the exponent against counted work should be at most 1."""
    kind, precision = device_kind(), default_precision()
    big = 1 if kind == "cpu" else 8
    axes = {
        "batch": [(dict(depth=20, width=32), n * big, 40) for n in (4, 8, 16, 32)],
        "patch": [(dict(depth=20, width=32), 8 * big, side) for side in (24, 40, 64, 96)],
        "width": [(dict(depth=20, width=w), 8 * big, 40) for w in (16, 32, 64, 128)],
        "depth": [(dict(depth=d, width=32), 8 * big, 40) for d in (6, 10, 20, 30)],
    }
    rows, lines = [], []
    for axis, points in axes.items():
        steps, work = {}, []
        for arguments, batch, side in points:
            network = REDNet(**arguments).to(kind, memory_format=torch.channels_last)
            name = str({"batch": batch, "patch": side}.get(axis) or arguments[axis])
            steps[name] = training_step(network, torch.rand(batch, 1, side, side, device=kind), precision)
            work.append(count_cost(network, 1, side, side).macs * batch)
        seconds = interleaved(steps, repeats)
        exponent = slope(work, list(seconds.values()))
        rows += [
            {"what": "growth", "name": f"{axis}={name}", "precision": precision, "macs": macs, "seconds": seconds[name]}
            for name, macs in zip(seconds, work, strict=True)
        ]
        rows.append({"what": "slope", "name": axis, "precision": precision, "slope": exponent})
        summary = ", ".join(f"{name}: {1000 * value:.0f} ms" for name, value in seconds.items())
        lines.append([axis, f"{exponent:.2f}", summary])
    return rows, markdown((f"RED20 of 32 maps, {precision}", "exponent against work", "a step"), lines)


# -- processes -------------------------------------------------------------------------------------


def processes(repeats: int) -> tuple[list[dict], str]:
    """The same global batch on one process and on two."""
    kind = device_kind()
    if kind == "cuda" and torch.cuda.device_count() < 2:
        return [], "One GPU: DDP over two is not measured."
    rates: dict[int, list[float]] = {1: [], 2: []}
    steps = 40 if kind == "cpu" else 400
    for _ in range(2):
        for devices in rates:
            words = ["model=red20", "model.width=32", "data.patch_size=40", "data.batch_size=32", "logger=none"]
            rates[devices].append(job([*words, f"trainer.devices={devices}"], steps))
    one, two = (statistics.median(each) for each in rates.values())
    rows = [{"what": "ddp", "name": f"devices={n}", "patches_per_s": r} for n, r in ((1, one), (2, two))]
    return (
        rows,
        f"DDP: two processes train {two / one:.2f} times as fast as one, global batch 32 ({two:.0f} and {one:.0f} patches/s).",
    )

"""Training pairs: ours on the device against image by image in worker processes, and against a training step.

A task of `TASKS` without a peer (`restore.bench.peer.PEERS`) is held to the training step alone.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from restore import atomic
from restore.bench.measure import machine, median_seconds, training_step, write_csv
from restore.bench.peer import PEERS, PeerPairs
from restore.config.build import build_data, build_network
from restore.config.compose import compose
from restore.results.tables import markdown
from restore.training.hardware import default_precision, device_kind

BATCH, PATCH = 128, 50
TASKS = {
    "denoise_blind": [],
    "poisson_gaussian": [],
    "sr_blind": [],
    "jpeg_blind": [],
    "deblur": ["task.kernel=disk"],
    "deblur gaussian": ["task.kernel=gaussian"],
    "deblur motion": ["task.kernel=motion", "task.angle=[0,180]"],
    "inpaint_text": [],
    "inpaint_scratch": [],
    "general": [],
    "kornia": [],
    "albumentations": [
        "task.transforms=[{name:GaussNoise,std_range:[0,0.2]},{name:ImageCompression,quality_range:[30,90]}]"
    ],
    "chain": [],
}


def run(folder: Path, repeats: int) -> None:
    """Writes ``table.md`` and ``synthesis.csv``."""
    steps = {name: seconds_of_step(name, max(2, repeats // 3)) for name in ("dncnn_s", "red30")}
    rows = []
    for name, changes in TASKS.items():
        ours = seconds_of_pairs(name, changes, repeats)
        peer = peer_rate(name, max(2, repeats // 2))
        shares = {f"share_{model}": ours / step for model, step in steps.items()}
        rows.append({"task": name, "seconds": ours, "peer_patches_per_s": peer, **shares})
        beside = f", {BATCH / ours / peer:.1f} times the peer" if peer else ""
        print(f"{name:<18}{BATCH / ours:>9.0f} patches/s{beside}", flush=True)
    write(folder, rows, steps)


def composed(*words: str):
    common = [f"data.patch_size={PATCH}", f"data.batch_size={BATCH}", "task.channels=1", "logger=none"]
    return compose("config", [*words, *common])


def seconds_of_pairs(name: str, changes: list[str], repeats: int) -> float:
    """Median seconds of one batch of pairs, crop and degradation, on the training device."""
    data = build_data(composed(f"task={name.split(' ')[0]}", *changes))
    data.read_training()
    data.fill_bank()
    steps = iter(range(10**9))
    coordinates = data.coordinates(0, 1)
    return median_seconds(lambda: data.pairs(coordinates[next(steps)].to(device_kind())), repeats)


def seconds_of_step(model: str, repeats: int) -> float:
    """Median seconds of forward, backward and update on one batch, in this machine's training precision."""
    kind = device_kind()
    network = build_network(composed(f"model={model}").model).to(kind, memory_format=torch.channels_last)
    clean = torch.rand(BATCH, 1, PATCH, PATCH, device=kind)
    return median_seconds(training_step(network, clean, default_precision()), repeats)


def peer_rate(name: str, batches: int) -> float | None:
    """Patches/s of the same corruption image by image, in two worker processes, their start left out; None without."""
    kind = name if name in PEERS else name.split(" ")[0]
    if kind not in PEERS:
        return None
    loader = DataLoader(PeerPairs(kind, PATCH, BATCH * (batches + 2)), BATCH, num_workers=2, persistent_workers=True)
    stamps = []
    for _ in loader:
        stamps.append(time.perf_counter())
    return BATCH * (len(stamps) - 2) / (stamps[-1] - stamps[1])


def write(folder: Path, rows: list[dict], steps: dict[str, float]) -> None:
    write_csv(folder / "synthesis.csv", rows)
    lines = [
        [
            row["task"],
            f"{1000 * row['seconds']:.1f}",
            f"{BATCH / row['seconds']:,.0f}",
            *_beside(BATCH / row["seconds"], row["peer_patches_per_s"]),
            f"{row['share_dncnn_s']:.1%}",
            f"{row['share_red30']:.1%}",
        ]
        for row in rows
    ]
    header = (
        "task",
        "ms a step",
        "patches/s",
        "albumentations/OpenCV",
        "ratio",
        "of a DnCNN-S step",
        "of a RED30 step",
    )
    table = markdown(header, lines)
    steps_text = ", ".join(f"{model} {seconds:.2f} s" for model, seconds in steps.items())
    text = f"Training pairs of {BATCH}×1×{PATCH}×{PATCH}; medians in one run on {machine()}. Steps ({default_precision()}): {steps_text}."
    atomic.write(folder / "table.md", f"{text}\n\n{table}\n")
    print(f"\n{text}\n\n{table}\n\n{folder / 'table.md'}")


def _beside(ours: float, peer: float | None) -> tuple[str, str]:
    """The peer's patches/s, and how many times as many ours are; a dash each where there is none."""
    return (f"{peer:,.0f}", f"{ours / peer:.1f} ×") if peer else ("–", "–")

"""Measure what this code costs on this machine.

    python -m restore.bench what=synthesis [repeats=7] [out=experiments/bench_synthesis]

what=synthesis   patches/s of each task's training pairs for 128×1×50×50, beside the same corruption done
                 image by image with albumentations/OpenCV in a DataLoader of two workers, and its share
                 of a DnCNN-S and of a RED30 training step. Writes table.md and synthesis.csv.
"""

from __future__ import annotations

import csv
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from restore import recipe
from restore.data.peer import PEERS, PeerPairs
from restore.request import RequestError, answered, unknown
from restore.results.table import markdown
from restore.training.hardware import default_precision, device_kind, keep_freed_memory
from restore.words import parse

BATCH, PATCH = 128, 50
TASKS = {
    "denoise_blind": [],
    "sr_blind": [],
    "jpeg_blind": [],
    "deblur": ["task.kernel=disk"],
    "deblur gaussian": ["task.kernel=gaussian"],
    "deblur motion": ["task.kernel=motion", "task.angle=[0,180]"],
    "inpaint_text": [],
    "inpaint_scratch": [],
    "general": [],
}


def main(arguments: list[str]) -> None:
    words = parse(__doc__, {"what": "synthesis", "repeats": "7", "out": "experiments/bench_synthesis"}, arguments)
    if words["what"] != "synthesis":
        raise unknown("what", words["what"], ["synthesis"])
    if not words["repeats"].isdigit() or int(words["repeats"]) < 1:
        raise RequestError(f"repeats is a whole number from 1, and it is '{words['repeats']}'")
    keep_freed_memory()
    kind = device_kind()
    repeats = int(words["repeats"])
    steps = {name: seconds_of_step(name, kind, max(2, repeats // 3)) for name in ("dncnn_s", "red30")}
    rows = []
    for name, changes in TASKS.items():
        ours = seconds_of_pairs(name, changes, kind, repeats)
        peer = peer_rate(name, max(2, repeats // 2))
        shares = {f"share_{model}": ours / step for model, step in steps.items()}
        rows.append({"task": name, "patches_per_s": BATCH / ours, "peer_patches_per_s": peer, **shares})
        print(f"{name:<18}{BATCH / ours:>9.0f} patches/s, {BATCH / ours / peer:.1f} times the peer", flush=True)
    write(Path(words["out"]), rows, steps, kind)


def median_seconds(call: Callable[[], object], repeats: int, kind: str) -> float:
    def once() -> float:
        start = time.perf_counter()
        call()
        if kind == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    once()
    return statistics.median(once() for _ in range(repeats))


def compose(*words: str):
    common = [f"data.patch_size={PATCH}", f"data.batch_size={BATCH}", "task.channels=1", "logger=none"]
    return recipe.compose("config", [*words, *common])


def seconds_of_pairs(name: str, changes: list[str], kind: str, repeats: int) -> float:
    """Median seconds of one batch of pairs, crop and degradation, on the training device."""
    data = recipe.build_data(compose(f"task={name.split(' ')[0]}", *changes))
    data.read_training()
    data.fill_bank()
    steps = iter(range(10**9))
    coordinates = data.coordinates(0, 1)
    return median_seconds(lambda: data.pairs(coordinates[next(steps)].to(kind)), repeats, kind)


def seconds_of_step(model: str, kind: str, repeats: int) -> float:
    """Median seconds of forward, backward and update on one batch, in this machine's training precision."""
    precision = default_precision()
    network = recipe.build_network(compose(f"model={model}").model).to(kind, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters())
    clean = torch.rand(BATCH, 1, PATCH, PATCH, device=kind)

    def step() -> None:
        with torch.autocast(kind, torch.bfloat16, enabled=precision.startswith("bf16")):
            restored = network(clean)
        optimizer.zero_grad()
        (restored.float() - clean).square().mean().backward()
        optimizer.step()

    return median_seconds(step, repeats, kind)


def peer_rate(name: str, batches: int) -> float:
    """Patches/s of the same corruption image by image, in two worker processes; their start left out."""
    kind = name if name in PEERS else name.split(" ")[0]
    loader = DataLoader(PeerPairs(kind, PATCH, BATCH * (batches + 2)), BATCH, num_workers=2, persistent_workers=True)
    stamps = []
    for _ in loader:
        stamps.append(time.perf_counter())
    return BATCH * (len(stamps) - 2) / (stamps[-1] - stamps[1])


def write(folder: Path, rows: list[dict], steps: dict[str, float], kind: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "synthesis.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({key: f"{v:.5g}" if isinstance(v, float) else v for key, v in row.items()} for row in rows)
    lines = [
        [
            row["task"],
            f"{row['patches_per_s']:,.0f}",
            f"{row['peer_patches_per_s']:,.0f}",
            f"{row['patches_per_s'] / row['peer_patches_per_s']:.1f} ×",
            f"{row['share_dncnn_s']:.1%}",
            f"{row['share_red30']:.1%}",
        ]
        for row in rows
    ]
    header = ("task", "patches/s", "albumentations/OpenCV", "ratio", "of a DnCNN-S step", "of a RED30 step")
    table = markdown(header, lines)
    machine = f"{machine_name()}, {torch.get_num_threads()} threads, {kind}, torch {torch.__version__}"
    said = ", ".join(f"{model} {seconds:.2f} s" for model, seconds in steps.items())
    text = f"Training pairs of {BATCH}×1×{PATCH}×{PATCH}; medians in one run on {machine}. Steps ({default_precision()}): {said}."
    (folder / "table.md").write_text(f"{text}\n\n{table}\n")
    print(f"\n{text}\n\n{table}\n\n{folder / 'table.md'}")


def machine_name() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    with answered():
        main(sys.argv[1:])

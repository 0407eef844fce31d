"""Run times that ``experiments/bench`` holds, as the report needs them: a megapixel, and DnCNN's Table IV."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from restore.bench.inference import NETWORKS, published_runtimes
from restore.models.cost import count_cost

RECORD = Path("experiments") / "bench" / "inference.csv"
SIDE = 1024  # of the image whose time is told as that of a megapixel


def measured(file: Path = RECORD) -> dict[tuple[str, int], tuple[float, float]]:
    """Seconds in float32 and in bfloat16 by method and side of the image; none where there is no record."""
    if not file.is_file():
        return {}
    with file.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["what"] == "size"]
    names = {re.sub(r"\W", "_", name.lower()): name for name in NETWORKS}
    times = {}
    for row in rows:
        name, side = row["name"].rsplit(" ", 1)
        times[names.get(name, name), int(side)] = (float(row["seconds"]), float(row["seconds_bf16"]))
    return times


def milliseconds(file: Path = RECORD) -> dict[tuple[int, int], float]:
    """Milliseconds a megapixel in float32, by parameters and MACs a pixel: those of any network of the same layers."""
    found = {}
    for (name, side), (seconds, _) in measured(file).items():
        if side == SIDE and name in NETWORKS:
            cost = count_cost(NETWORKS[name](), 1, 72, 72)
            found[cost.parameters, round(cost.macs / 72**2)] = 1e9 * seconds / SIDE**2
    return found


def published_milliseconds() -> dict[str, float]:
    """The same by the papers' names of methods, on the CPU of DnCNN's Table IV."""
    size = f"{SIDE}x{SIDE}"
    return {
        row["method"]: 1e9 * float(row["cpu_s"]) / SIDE**2
        for row in published_runtimes("dncnn")
        if row["image_size"] == size
    }


def table_iv(file: Path = RECORD) -> tuple[tuple[str, ...], list[list[str]]]:
    """Header and lines of DnCNN's Table IV in seconds: published on a CPU and a GPU, and here in both precisions."""
    times, lines = measured(file), []
    for row in published_runtimes("dncnn"):
        side = int(row["image_size"].partition("x")[0])
        ours = [f"{seconds:.3f}" for seconds in times.get((row["method"], side), ())] or ["not run", "not run"]
        lines.append([row["method"], row["image_size"], row["cpu_s"], row["gpu_s"] or "–", *ours])
    return ("method", "image", "published, CPU", "published, GPU", "here, float32", "here, bfloat16"), lines

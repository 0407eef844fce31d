"""Restoring whole images: precisions, batches of images of one size, self-ensemble, and the papers' run times."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from restore.bench.measure import interleaved, median_seconds, report
from restore.conditions import apply_network, stand_in, told
from restore.evaluation.score import autocast
from restore.evaluation.self_ensemble import self_ensemble
from restore.models.csf import CSF
from restore.models.dncnn import DnCNN
from restore.models.fusion import merge_batch_norm
from restore.models.red import REDNet
from restore.models.tnrd import TNRD
from restore.results.tables import markdown
from restore.training.hardware import device_kind, slow_precision

# Seconds as printed, on a CPU and on a GPU where there is one: all of DnCNN's Table IV, RED-Net's section 4.5
PUBLISHED = Path(__file__).parent / "published_runtimes.csv"
NETWORKS: dict[str, Callable[[], nn.Module]] = {  # the methods of Table IV that are networks here
    "CSF": CSF,
    "TNRD": TNRD,
    "DnCNN-S": lambda: merge_batch_norm(DnCNN(depth=17)),
    "DnCNN-B": lambda: merge_batch_norm(DnCNN(depth=20)),
}
STRIDES = {
    (): "RED no down-sample",
    (1,): "RED down-sample at conv1",
    (5,): "RED down-sample at conv5",
    (9,): "RED down-sample at conv9",
    (5, 9): "RED down-sample at conv5 and conv9",
}
BSD = (321, 481)


def published_runtimes(paper: str) -> list[dict[str, str]]:
    """A paper's printed run times: paper, table, image_size, method, cpu_s, gpu_s (empty for none), hardware."""
    with PUBLISHED.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["paper"] == paper]


def run(folder: Path, repeats: int) -> None:
    """Writes ``inference.csv`` and ``inference.md``."""
    report(folder, "inference", "Seconds an image", (precisions, sizes, strides), repeats)


def restoring(
    network: nn.Module, image: torch.Tensor, precision: str = "32", ensemble: bool = False
) -> Callable[[], torch.Tensor]:
    """A call that restores a batch of images as `restore.evaluate` does."""
    kind = device_kind()
    network = network.to(kind, memory_format=torch.channels_last).eval()
    image = image.to(kind).contiguous(memory_format=torch.channels_last)
    given = stand_in(told(network), image)

    @torch.no_grad()
    def restore() -> torch.Tensor:
        with autocast(kind, precision):
            return self_ensemble(network, image, given) if ensemble else apply_network(network, image, given)

    return restore


def precisions(repeats: int) -> tuple[list[dict], str]:
    """DnCNN-S on an image of BSD68's size: float32 and bfloat16, batch norm merged or not, batches, ×8 ensemble."""
    network, one, four = DnCNN(), torch.rand(1, 1, *BSD), torch.rand(4, 1, *BSD)
    merged = merge_batch_norm(network)
    calls = {
        "float32, batch norm as trained": (restoring(network, one), 1),
        "float32": (restoring(merged, one), 1),
        "float32, four images a batch": (restoring(merged, four), 4),
    }
    slow = slow_precision(device_kind(), "bf16-mixed")
    if not slow:
        calls |= {
            "bf16-mixed": (restoring(merged, one, "bf16-mixed"), 1),
            "bf16-mixed, four images a batch": (restoring(merged, four, "bf16-mixed"), 4),
            "bf16-mixed, ×8 self-ensemble": (restoring(merged, one, "bf16-mixed", ensemble=True), 1),
        }
    seconds = interleaved({name: call for name, (call, _) in calls.items()}, repeats)
    each = {name: seconds[name] / count for name, (_, count) in calls.items()}
    rows = [{"what": "precision", "name": name, "seconds": value} for name, value in each.items()]
    lines = [
        [name, f"{value:.3f}", f"{1 / value:.1f}", f"{each['float32'] / value:.2f} ×"] for name, value in each.items()
    ]
    table = markdown((f"DnCNN-S, {BSD[0]}×{BSD[1]}", "seconds", "images/s", "of float32"), lines)
    return rows, f"{table}\n\nLeft out: {slow}." if slow else table


def sizes(repeats: int) -> tuple[list[dict], str]:
    """DnCNN, Table IV: every method that the paper prints, ours measured where the method is a network here."""
    rows, lines = [], []
    precisions = ["32"] if slow_precision(device_kind(), "bf16-mixed") else ["32", "bf16-mixed"]
    networks = {method: make() for method, make in NETWORKS.items()}
    printed = published_runtimes("dncnn")
    for row in printed:
        method, side, ours = row["method"], int(row["image_size"].partition("x")[0]), ["–", "–"]
        if method in networks:
            image = torch.rand(1, 1, side, side)
            count = max(2, repeats // 2)
            seconds = {p: median_seconds(restoring(networks[method], image, p), count) for p in precisions}
            ours = [f"{seconds[p]:.3f}" if p in seconds else "–" for p in ("32", "bf16-mixed")]
            name = f"{method.lower().replace('-', '_')} {side}"
            times = {"seconds": seconds["32"], "seconds_bf16": seconds.get("bf16-mixed", "")}
            rows.append({"what": "size", "name": name, **times})
        lines.append([f"{method} {side}×{side}", *ours, row["cpu_s"], row["gpu_s"] or "–"])
    header = ("seconds", "here, float32", "here, bf16-mixed", "published, CPU", "published, GPU")
    note = f"Published: DnCNN, Table IV, on other hardware than here: {printed[0]['hardware']}; – was not run."
    return rows, f"{markdown(header, lines)}\n\n{note}"


def strides(repeats: int) -> tuple[list[dict], str]:
    """RED-Net, Fig. 8: RED30 with convolutions of stride 2, an image of 160×240."""
    image = torch.rand(1, 1, 160, 240)
    calls = {str(list(where)): restoring(REDNet(downsample=where), image) for where in STRIDES}
    seconds = interleaved(calls, repeats)
    printed = {row["method"]: float(row["cpu_s"]) for row in published_runtimes("red")}
    first, rows, lines = seconds["[]"], [], []
    for where, method in STRIDES.items():
        ours, theirs = seconds[str(list(where))], printed[method]
        rows.append({"what": "stride", "name": str(list(where)), "seconds": ours})
        ratios = (f"{ours / first:.2f}", f"{theirs / printed[STRIDES[()]]:.2f}")
        lines.append([str(list(where)), f"{ours:.3f}", f"{theirs:.2f}", *ratios])
    header = ("RED30, 160×240, downsample", "seconds", "published", "share of none", "published share")
    return rows, f"{markdown(header, lines)}\n\nfloat32. Published: RED-Net, section 4.5, on an i7-2600."

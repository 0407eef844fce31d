"""Restoring whole images: precisions, batches of images of one size, self-ensemble, and the papers' run times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from restore.bench.measure import interleaved, median_seconds, report
from restore.conditions import apply_network, stand_in, told
from restore.evaluation.score import autocast
from restore.evaluation.self_ensemble import self_ensemble
from restore.models.dncnn import DnCNN
from restore.models.fusion import merge_batch_norm
from restore.models.red import REDNet
from restore.results.tables import markdown
from restore.training.hardware import device_kind, slow_precision

# Seconds on a CPU and on a GPU: DnCNN, Table IV (i7-5820K, Titan X); RED-Net, section 4.5 (i7-2600).
PUBLISHED = {("dncnn_s", 256): (0.74, 0.014), ("dncnn_s", 512): (3.41, 0.051), ("dncnn_s", 1024): (12.1, 0.200),
             ("dncnn_b", 256): (0.90, 0.016), ("dncnn_b", 512): (4.11, 0.060), ("dncnn_b", 1024): (14.1, 0.235)}  # fmt: skip
STRIDES = {(): 3.17, (1,): 0.84, (5,): 1.43, (9,): 2.00, (5, 9): 1.17}
BSD = (321, 481)


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
    """DnCNN, Table IV."""
    rows, lines = [], []
    precisions = ["32"] if slow_precision(device_kind(), "bf16-mixed") else ["32", "bf16-mixed"]
    for name, depth in (("dncnn_s", 17), ("dncnn_b", 20)):
        network = merge_batch_norm(DnCNN(depth=depth))
        for side in (256, 512, 1024):
            image = torch.rand(1, 1, side, side)
            seconds = {p: median_seconds(restoring(network, image, p), max(2, repeats // 2)) for p in precisions}
            ours = [seconds["32"], seconds.get("bf16-mixed")]
            rows.append({"what": "size", "name": f"{name} {side}", "seconds": ours[0], "seconds_bf16": ours[1] or ""})
            times = (*ours, *PUBLISHED[name, side])
            lines.append([f"{name} {side}×{side}", *("–" if s is None else f"{s:.3f}" for s in times)])
    header = ("seconds", "float32", "bf16-mixed", "published, CPU", "published, GPU")
    return rows, f"{markdown(header, lines)}\n\nPublished: DnCNN, Table IV, i7-5820K 3.3 GHz and Titan X."


def strides(repeats: int) -> tuple[list[dict], str]:
    """RED-Net, Fig. 8: RED30 with convolutions of stride 2, an image of 160×240."""
    image = torch.rand(1, 1, 160, 240)
    calls = {str(list(where)): restoring(REDNet(downsample=where), image) for where in STRIDES}
    seconds = interleaved(calls, repeats)
    first, rows, lines = seconds["[]"], [], []
    for where, theirs in STRIDES.items():
        ours = seconds[str(list(where))]
        rows.append({"what": "stride", "name": str(list(where)), "seconds": ours})
        ratios = (f"{ours / first:.2f}", f"{theirs / STRIDES[()]:.2f}")
        lines.append([str(list(where)), f"{ours:.3f}", f"{theirs:.2f}", *ratios])
    header = ("RED30, 160×240, downsample", "seconds", "published", "share of none", "published share")
    return rows, f"{markdown(header, lines)}\n\nfloat32. Published: RED-Net, section 4.5, i7-2600."

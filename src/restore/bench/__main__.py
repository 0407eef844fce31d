"""Measure what this code costs on this machine.

    python -m restore.bench [what=training,inference] [repeats=5] [out=experiments/bench] [device=any]

what=training    patches/s of restore.run, a plain loop and a peer's; of every network in float32 and bfloat16 with
                 their shares of the measured peaks; how cost grows with batch, patch, width and depth; DDP
what=inference   seconds an image: precisions, batches, self-ensemble, DnCNN's Table IV, RED-Net's strides
what=synthesis   patches/s of each task's training pairs, beside the same corruption done image by image with
                 albumentations and OpenCV in two worker processes, and as a share of a training step
what=apply       restore.apply beside the bare network on large images, by torch and by onnxruntime; files read and
                 written beside it; the peak of 100 megapixels, of processes of their own
what=tuning      balance of Wiener's filter and rounds of Richardson and Lucy for each kernel, on photographs that are
                 not tested: the table in restore.evaluation.deconvolution
device=cuda      refuses to measure anything but a GPU (make bench-gpu)

Writes a table (.md) and its numbers (.csv) to `out` (synthesis: experiments/bench_synthesis).
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Literal

from restore.bounds import Count
from restore.config.arguments import parse
from restore.errors import RequestError, report_errors, unknown_name
from restore.training.hardware import device_kind, keep_freed_memory

BENCHES = ("training", "inference", "synthesis", "apply", "tuning")


def main(arguments: list[str]) -> None:
    defaults = {"what": "training,inference", "repeats": "5", "out": "", "device": "any"}
    words = parse(__doc__, defaults, arguments, repeats=Count, device=Literal["any", "cuda"])
    chosen = words["what"].split(",")
    for name in chosen:
        if name not in BENCHES:
            raise unknown_name("what", name, BENCHES)
    if words["device"] == "cuda" and device_kind() != "cuda":
        raise RequestError("device=cuda measures a GPU, and torch finds no CUDA device on this machine")
    keep_freed_memory()
    for name in chosen:
        folder = "experiments/bench_synthesis" if name == "synthesis" else "experiments/bench"
        importlib.import_module(f"restore.bench.{name}").run(Path(words["out"] or folder), words["repeats"])


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])

"""The keys of the commands that Hydra does not drive, and what each may be: read by `restore.config.arguments`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MaxLen, MinLen

from restore.bounds import Count, Text, Whole
from restore.config.schema import Device, Names, TestPrecision
from restore.config.values import Said
from restore.files import MAX_PIXELS
from restore.remote import ADDRESS

MOST = 1e12  # of any strength or size: what is more is a slip of the hand
Level = Annotated[float, Ge(0), Le(MOST)]
Estimated = Annotated[Level | Literal["auto"] | None, Said("a number of levels of 255, or auto")]
Quality = Annotated[float, Ge(1), Le(100)]
Size = Annotated[Annotated[float, Ge(1e-3), Le(MOST)] | Literal["auto"], Said("a number of GB, or auto")]
Side = Annotated[Whole | Literal["auto"], Said("a number of pixels, or auto")]
White = Annotated[float, Gt(0), Le(MOST)]
Trusted = Annotated[bool | list[Text], Said("true, false, or a package or a list of packages")]
TwoSets = Annotated[list[Text], MinLen(2), MaxLen(2), Said("a training set and a test set, such as train400,bsd68")]


@dataclass(kw_only=True)
class Apply:
    """``python -m restore.apply``."""

    input: Text | None = None
    output: Text | None = None
    run: Text | None = None
    weights: Text | None = None
    model: Text | None = None
    sigma: Estimated = None
    quality: Quality | None = None
    gain: Level | None = None
    read_noise: Level | None = None
    scale: Count | None = None
    colour: Literal["auto", "luma", "channels"] = "auto"
    self_ensemble: bool = False
    precision: TestPrecision = "32"
    accelerator: Device = "auto"
    backend: Literal["torch", "onnx"] = "torch"
    tile: Side = "auto"
    memory: Size = "auto"
    peak: White | None = None
    jpeg_quality: Annotated[int, Ge(1), Le(100)] = 95
    max_pixels: Count = MAX_PIXELS
    trust: Trusted = False
    report: bool = False
    degrade: bool = False


@dataclass(kw_only=True)
class Export:
    """``python -m restore.export``."""

    run: Text | None = None
    weights: Text | None = None
    model: Text | None = None
    format: Literal["onnx", "page"] = "onnx"
    out: Text | None = None
    results: Text | None = None
    wasm: Text | None = None
    trust: Trusted = False


@dataclass(kw_only=True)
class Datasets:
    """``python -m restore.datasets``."""

    fetch: Names | None = None
    verify: Names | None = None
    overlap: TwoSets | None = None
    folder: Text | None = None
    mirror: Text = ADDRESS


@dataclass(kw_only=True)
class Pretrained:
    """``python -m restore.pretrained``."""

    name: Text | None = None
    fetch: Names | None = None
    folder: Text | None = None
    mirror: Text = ADDRESS


@dataclass(kw_only=True)
class Report:
    """``python -m restore.report``."""

    sweep: Text | None = None
    table: Names | None = None
    figure: Names | None = None
    what: Literal["generalisation", "frontier"] | None = None
    page: bool = False
    runs: Names | None = None
    out: Text | None = None
    metric: Text | None = None
    beside: Names | None = None


@dataclass(kw_only=True)
class Publish:
    """``python -m restore.publish``."""

    run: Text | None = None
    out: Text | None = None


@dataclass(kw_only=True)
class Demo:
    """``python -m restore.demo``."""

    out: Text = "runs/try"
    networks: Names | None = None

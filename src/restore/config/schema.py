"""What a configuration has: the keys of each command and their values, looked up where it is composed.

A group that builds an object is held to that object's own signature (`restore.config.signatures`), and what depends on
two values its constructor says when it is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, BeforeValidator

from restore.bounds import Below1, Count, Inner, Positive, Seed, Share, Start, Text, Whole
from restore.config.signatures import TARGET
from restore.config.values import Said
from restore.errors import RequestError
from restore.training.durations import seconds


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _strategy(value: str) -> str:
    from lightning.pytorch.strategies import StrategyRegistry  # heavy, and the data module has imported it

    if value not in ("auto", *StrategyRegistry.available_strategies()):
        raise ValueError(f"is a strategy of Lightning, such as auto or ddp, and it is '{value}'")
    return value


def _duration(value: Any) -> Any:
    try:
        seconds(value)
    except RequestError as error:
        raise ValueError(str(error).partition(" ")[2]) from error
    return value


Names = Annotated[list[Text], Said("a name or a list of names")]  # one name alone is made a list of one
Built = Annotated[Mapping[str, Any], Said(f"an object, {{{TARGET}: package.module.Class}} and its arguments")]
ByName = Annotated[Mapping[str, Mapping[str, Any]], Said("a mapping of names to their keys")]
Device = Literal["auto", "cpu", "gpu", "cuda", "mps"]
# 32 is a number in YAML; degraded and clean training patches are made in float32
TestPrecision = Annotated[Literal["32", "bf16-mixed"], BeforeValidator(_as_text)]
TrainingPrecision = Annotated[Literal["32", "32-true", "bf16-mixed", "16-mixed"], BeforeValidator(_as_text)]
Duration = Annotated[str | float | None, AfterValidator(_duration), Said("a time such as 90s, 6m, 2h or 00:00:06:00")]
Strategy = Annotated[Text, AfterValidator(_strategy)]
Absent = Literal["stop", "skip"]
Channels = Annotated[Literal[1, 3], Said("1 (gray) or 3 (colour)")]
ByModel = Annotated[Mapping[str, Any] | list[Any] | None, Said("a name or a list of names, or such a list by model")]
Mappings = Annotated[list[Mapping[str, Any]], Said("a list of mappings")]


@dataclass
class Paths:
    cache: Text
    data: Text | None
    weights: Text | None
    runs: Text = ""


@dataclass
class Task:
    """Its other keys are its own: what builds its degradations refers to them."""

    name: Text
    channels: Channels
    luma: Literal["gray", "y"]
    degradation: Built
    test: Annotated[Mapping[str, Any] | list[Mapping[str, Any]], MinLen(1)]
    paper_patches: Count
    colour: Literal["y_only", "rgb"] | None = None


@dataclass
class TestFamily:
    """What a task is tested with: strengths of one parameter of one degradation."""

    __test__ = False  # its name is no test's

    family: Text
    parameter: Text | None
    at: Annotated[Any, Said("the values of the parameter, or a name")]
    label: str = ""
    degradation: Built | None = None
    sets: Names = ()


@dataclass
class Model:
    name: Text
    _target_: Text


@dataclass
class Optim:
    name: Text
    optimizer: Built
    schedule: Built
    loss: Built
    clip: Annotated[
        Mapping[Literal["norm", "value", "value_per_rate"], Positive],
        MaxLen(1),
        Said("one bound, {norm: 1.0}, {value: 0.1} or {value_per_rate: 0.005}, or {} for none"),
    ]
    decay: Literal["all", "convolutions"]
    reset: Literal["never", "epoch"]
    ema: Inner | None


@dataclass
class Budget:
    name: Literal["cpu", "gpu", "paper"]  # what `${at:…}` in an experiment's file tells apart
    patches: Count
    max_time: Duration
    batch_size: Count
    validations: Count


@dataclass
class Recipe:
    name: Text
    red_width: Count
    ablation_width: Count
    last_layer: Start
    start: Literal["he", "released"]
    batch_size: Count
    validation: Below1 | Text | None
    figure_validation: Below1 | Text | None
    validation_size: Whole
    orientations: Literal["all", "batch", "none"]
    pool: Count | Literal["images"] | None
    scales: Annotated[list[Share], MinLen(1)]
    init: Literal["optional", "required"]


@dataclass
class Data:
    """Its keys are the arguments of the data module; `path` is what other keys refer to."""

    train: Annotated[Names, MinLen(1)]
    path: Text | None = None


@dataclass
class Trainer:
    devices: Count | Literal["auto"]
    num_nodes: Count
    strategy: Strategy
    precision: TrainingPrecision
    channels_last: bool | Literal["auto"]
    compile: bool
    gradient_norms: bool
    max_steps: Count
    max_time: Duration
    on_divergence: Literal["stop", "back"]
    validations: Count
    log_every_n_steps: Count


@dataclass
class Sweep:
    list: bool
    jobs: Count
    name: Text | None


@dataclass(kw_only=True)
class Scoring:
    """What every command that scores has; that it has no metric, or no protocol, is said where these are built."""

    protocols: ByName | None = None
    metrics: ByName | None = None
    paths: Paths
    task: Task
    model: Model
    precision: TestPrecision
    accelerator: Device
    test_sets: Annotated[Names, MinLen(1)]
    baselines: Names
    absent_baselines: Absent
    on_bad_image: Absent
    max_pixels: Count
    trust: Annotated[bool | Text | list[Text], Said("true, false, or a package or a list of packages")]
    sheets: Mappings
    strict: bool


@dataclass(kw_only=True)
class Run(Scoring):
    """``python -m restore.run``."""

    name: Annotated[Text, MaxLen(200)]
    seed: Seed
    optim: Optim
    budget: Budget
    recipe: Recipe
    data: Data
    trainer: Trainer
    logger: Mapping[str, Any]
    claims: Mappings
    absent_sets: Absent
    feature_maps: ByModel
    sweep: Sweep
    tracking: Mapping[str, Any]
    init: Text | None
    resume: Text | None


@dataclass
class TestData:
    """What an evaluation is told of the files of its sets."""

    range: Positive | None


@dataclass(kw_only=True)
class Evaluate(Scoring):
    """``python -m restore.evaluate``."""

    data: TestData
    logger: Mapping[str, Any]
    tracking: Mapping[str, Any]
    run: Text | None
    weights: Text | None
    released: Annotated[list[Any], Said("a name or a list of names")]
    results: Text | None


@dataclass
class ReleasedGroup:
    """An entry of ``released`` that scores its files by a protocol, on sets and with words of its own."""

    names: Annotated[Names, MinLen(1)]
    protocol: Names = ()
    test_sets: Names = ()
    words: Names = ()


COMMANDS: Mapping[str, type[Scoring]] = {"config": Run, "evaluate": Evaluate}
OPEN = (Task, Model, Data)  # whose other keys are an object's, or refer to one
LISTS = ("test_sets", "baselines", "released", "data.train", "feature_maps")  # a single name stands for a list of one

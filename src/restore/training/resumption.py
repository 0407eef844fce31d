"""What a run goes on from: the newest checkpoint that is whole, looked at before anything is read or trained."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from torch import Tensor, nn, optim

from restore.checkpoint import read_checkpoint
from restore.errors import RequestError
from restore.runfolder import RunFolder
from restore.training.budget import Budget

log = logging.getLogger("restore")

PARTS: Mapping[str, type] = {
    **dict.fromkeys(("state_dict", "loops", "callbacks"), dict),
    **dict.fromkeys(("optimizer_states", "lr_schedulers"), list),
    **dict.fromkeys(("global_step", "epoch"), int),
    "pytorch-lightning_version": str,
}


@dataclass(frozen=True)
class Resumption:
    """A checkpoint that training can go on from.

    Attributes:
        file: that holds it.
        step: optimiser steps behind it.
        shapes: of the network's tensors in it, by name.
        parameters: how many each group of each optimiser has.
    """

    file: Path
    step: int
    shapes: Mapping[str, tuple[int, ...]]
    parameters: Sequence[Sequence[int]]

    @classmethod
    def read(cls, file: Path) -> Resumption:
        """The checkpoint in a file.

        Raises:
            RequestError: it is damaged, it is none, or it is the network's weights alone.
        """
        content = read_checkpoint(file)
        missing = [key for key, kind in PARTS.items() if not _has(content, key, kind)]
        if missing:
            raise RequestError(
                f"{file} is no state to go on from (it lacks {', '.join(missing)}); where it holds weights, "
                "init=<file> starts a new training from them"
            )
        _check_callbacks(content, file)
        shapes = {
            key.removeprefix("network."): tuple(value.shape)
            for key, value in content["state_dict"].items()
            if isinstance(key, str) and isinstance(value, Tensor)
        }
        try:
            parameters = [
                [len(group["params"]) for group in each["param_groups"]] for each in content["optimizer_states"]
            ]
        except (TypeError, KeyError) as error:
            raise RequestError(f"{file} is no state to go on from: its optimizer_states are of another form") from error
        return cls(file, content["global_step"], shapes, parameters)

    def check(self, network: nn.Module, optimizer: optim.Optimizer | None) -> None:
        """Refuse a network or an optimiser that is not the run's.

        Raises:
            RequestError: names the first tensor that differs.
        """
        own = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        for name in [*own, *self.shapes]:
            if own.get(name) != self.shapes.get(name):
                there, here = (shapes.get(name, "absent") for shapes in (self.shapes, own))
                raise RequestError(
                    f"cannot go on from {self.file} with another network: {name} is {there} in the file and {here} in "
                    "the network; init=<file> starts a new training from weights"
                )
        groups = [[len(group["params"]) for group in optimizer.param_groups]] if optimizer else []
        if groups != self.parameters:
            raise RequestError(
                f"cannot go on from {self.file} with another optimiser: its groups have {self.parameters} parameters in "
                f"the file and {groups} here; init=<file> starts a new training from weights"
            )


def _has(content: Any, key: str, kind: type) -> bool:
    return isinstance(content, dict) and isinstance(content.get(key), kind)


def _check_callbacks(content: Mapping[str, Any], file: Path) -> None:
    """Refuse a state whose callbacks or loops Lightning or the budget could not take over."""
    budget = content["callbacks"].get(Budget.__qualname__)
    numbers = [budget.get(key) for key in ("planned", "elapsed")] if isinstance(budget, dict) else [None]
    anchor = budget.get("anchor") if isinstance(budget, dict) else None
    numbers += anchor if isinstance(anchor, list) and len(anchor) == 2 else [None]
    if not all(isinstance(number, Real) and math.isfinite(number) and number >= 0 for number in numbers):
        raise RequestError(f"{file} is no state to go on from: the budget in it is {budget!r}")
    if "fit_loop" not in content["loops"] or content["global_step"] < 0:
        raise RequestError(f"{file} is no state to go on from: it does not say where training stands")


def newest_whole(run: RunFolder) -> Resumption:
    """The newest of a run's checkpoints that can be gone on from; says which was damaged.

    It is ``last.ckpt`` where that is whole; else the one of most steps among the one before it and the best one.

    Raises:
        RequestError: none of them can; says why the first one cannot, and what to do.
    """
    reasons = []
    try:
        if run.last.is_file():
            return Resumption.read(run.last)
        reasons.append(f"{run.last} is not there")
    except RequestError as error:
        reasons.append(str(error))
    others = []
    for file in (run.previous, run.best):
        try:
            if file.is_file():
                others.append(Resumption.read(file))
        except RequestError as error:
            reasons.append(str(error))
    if not others:
        raise RequestError(
            f"{run} cannot go on: {'; '.join(reasons)}; put a whole checkpoint there, or delete {run.checkpoints} and "
            "train again"
        )
    newest = max(others, key=lambda each: each.step)
    log.warning(f"{'; '.join(reasons)}: going on from {newest.file.name}, step {newest.step}")
    return newest

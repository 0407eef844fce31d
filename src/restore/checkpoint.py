"""Weights in and out of files: checkpoints, run folders, plain state dicts, MatConvNet's ``.mat``."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from restore.errors import RequestError
from restore.models.matconvnet import load_dncnn
from restore.runfolder import RunFolder


def load_weights(network: nn.Module, file: str | Path, model_name: str) -> nn.Module:
    """A network with the weights of a file: a checkpoint, a run folder, a state dict or a MatConvNet ``.mat``.

    A published DnCNN comes with its batch norm merged, so a network without batch norm is returned
    for it. Only tensors and plain values are unpickled.

    Raises:
        RequestError: the file is missing, unreadable, or holds the weights of another network.
    """
    run = RunFolder.find(file)
    path = run.checkpoint() if run.path.is_dir() else run.path
    if not path.is_file():
        raise RequestError(f"there is no weights file {path}")
    if path.suffix == ".mat":
        try:
            loaded = load_dncnn(path)
        except ValueError as error:
            raise RequestError(str(error)) from error
        _check_same(_convolutions(network), _convolutions(loaded), path, model_name)
        return loaded
    state = read_state(path)
    _check_same(
        {k: tuple(v.shape) for k, v in network.state_dict().items()},
        {k: tuple(v.shape) for k, v in state.items()},
        path,
        model_name,
    )
    network.load_state_dict(state)
    return network


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The network's tensors in a checkpoint of ours or a plain state dict, as float32."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and torch each have their own
        raise RequestError(f"{path} is not a checkpoint that can be read ({str(error).splitlines()[0]})") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    state = {key.removeprefix("network."): value for key, value in state.items() if isinstance(value, torch.Tensor)}
    if not state:
        raise RequestError(f"{path} holds no weights")
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def _convolutions(network: nn.Module) -> dict[str, tuple]:
    layers = (layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    return {f"convolution {number}": tuple(layer.weight.shape) for number, layer in enumerate(layers, start=1)}


def _check_same(wanted: dict[str, tuple], found: dict[str, tuple], path: Path, model_name: str) -> None:
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            here, there = wanted.get(name, "absent"), found.get(name, "absent")
            raise RequestError(
                f"the weights of {path} do not fit model={model_name}: {name} is {there} in the file and {here} in the "
                f"network (other model, model.width, model.depth, model.kernel_size or task.channels?)"
            )


def lighten(run: RunFolder) -> None:
    """Of a finished run's checkpoints keep the best one's weights, in float16; cut at any moment, they are not lost."""
    chosen, kept = run.checkpoint(), run.best
    steps = torch.load(chosen, map_location="cpu", weights_only=True).get("global_step", 0)
    state = {key: value.half() if value.is_floating_point() else value for key, value in read_state(chosen).items()}
    partial = kept.with_name(".best.ckpt")
    torch.save({"state_dict": state, "global_step": steps}, partial)
    partial.replace(kept)
    run.last.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

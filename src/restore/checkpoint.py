"""Weights in and out of files: checkpoints, run folders, plain state dicts, and the files that authors published."""

from __future__ import annotations

import io
import logging
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from restore import atomic
from restore.errors import RequestError
from restore.files import check_regular
from restore.models.convolutions import read_convolutions
from restore.models.ffdnet import FFDNet
from restore.models.fusion import merge_batch_norm
from restore.models.layouts import Layout, layout_for, translate, unwrapped
from restore.released import find, identify, is_released
from restore.runfolder import RunFolder

log = logging.getLogger("restore")
# where checkpoints have their state dict: Lightning's, BasicSR's (the averaged weights are those that it tests), others'
STATES = ("state_dict", "params_ema", "params", "model_state_dict", "model", "net")
AUTHORS_FORMATS = (".mat", ".caffemodel")


def load_weights(network: nn.Module, file: str | Path, model_name: str, own_sizes: bool = False) -> nn.Module:
    """A network with the weights of a file: a checkpoint, a run folder, a state dict, or a file of its authors.

    An authors' file (``.mat``, ``.caffemodel``) is read by the network's class, with every size and the border as
    the file and its authors have them (``TNRD.from_file``; what the file does not say, the network does: its
    ``not_in_file``). Where the class has no reader, the file's
    convolutions fill the network's in their order, and so do those of a state dict of convolutions alone
    of which no key is the network's. Neither holds batch norm, so a network that has it is returned with
    its batch norms merged into the convolutions, whose weights are the file's.
    Only tensors and plain values are unpickled.

    Args:
        own_sizes: the network keeps the sizes that it has (it is to be trained under its configuration), and a
            file of others is refused.

    Raises:
        RequestError: the file is missing, unreadable, or holds the weights of another network.
    """
    run = RunFolder.find(file)
    path = run.checkpoint() if run.path.is_dir() else run.path
    if not path.exists():
        raise RequestError(f"there is no weights file {path}")
    try:
        check_regular(path)
    except ValueError as error:
        raise RequestError(f"cannot read the weights {path}: {error}") from error
    if path.suffix in AUTHORS_FORMATS:
        _warn_of_another(path, model_name)
        try:
            if hasattr(network, "from_file"):
                return _from_authors(network, path, model_name, own_sizes)
            return _fill(network, read_convolutions(path), (nn.Conv2d,), path, model_name)
        except ValueError as error:
            raise RequestError(str(error)) from error
    state, layout = unwrapped(read_state(path), network)
    if layout:
        return _from_layout(network, state, layout, path, model_name)
    convolutions = _convolutions(state)
    if convolutions and state.keys().isdisjoint(network.state_dict().keys()):
        if isinstance(network, FFDNet):
            raise RequestError(
                f"{path} has keys of a program that is not known here, and in which order its sub-images come does not "
                f"show in it: model={model_name} reads its authors' .mat files and KAIR's .pth files"
            )
        network = _fill(network, convolutions, (nn.Conv2d, nn.ConvTranspose2d), path, model_name)
        log.warning(
            f"weights     {path.name} has keys of its own: its {len(convolutions)} convolutions taken in order; whether "
            f"what they give is added or taken away as in model={model_name} its scores tell"
        )
        return network
    if _shapes(state) == _shapes(merged := merge_batch_norm(network)):  # trained on from a file without batch norm
        network = merged
    _check_same(_shapes(network), _shapes(state), path, model_name)
    network.load_state_dict(state)
    return network


def _from_layout(
    network: nn.Module, state: Mapping[str, Tensor], layout: Layout, path: Path, model_name: str
) -> nn.Module:
    """The network with what another program's state dict holds; batch norm merged where that has none."""
    try:
        layout = layout_for(network, layout)
        normalised = any(key.endswith(".running_mean") for key in state)
        if not normalised:
            network = merge_batch_norm(network)
        kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)
        names = [name for name, layer in network.named_modules() if isinstance(layer, kinds)]
        keeps = any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
        layers = translate(state, layout, with_batch_norm=keeps)
    except ValueError as error:
        raise RequestError(f"{path} does not fit model={model_name}: it {error}") from error
    names += [f"layer {number}" for number in range(len(names) + 1, len(layers) + 1)]
    own = network.state_dict()
    filled = {
        f"{name}.{key}": value for name, layer in zip(names, layers, strict=False) for key, value in layer.items()
    }
    missing = {key: torch.zeros_like(own[key]) for key in own.keys() - filled.keys() if key.endswith(".bias")}
    filled |= {key: bias for key, bias in missing.items() if key.replace(".bias", ".weight") in filled}
    _check_same(_shapes(own), _shapes(filled), path, model_name)
    network.load_state_dict(filled)
    log.info(f"weights     {path.name} has the keys of {layout.program}'s {type(network).__name__}")
    return network


def _warn_of_another(path: Path, model_name: str) -> None:
    """Say where a file of the list was made for another network: a chain of convolutions fits many, and restores by one."""
    entry = identify(path)
    if entry and entry.model and entry.model != model_name:
        log.warning(f"weights     {path.name} is {entry.name} of the authors' files, which model={entry.model} reads")


def _from_authors(network: nn.Module, path: Path, model_name: str, own_sizes: bool) -> nn.Module:
    """The network that a file of its authors describes; where it keeps its own sizes, they have to be the file's."""
    reader: Any = type(network)
    read = reader.from_file(path, **getattr(network, "not_in_file", {}))
    if read.channels != network.channels:
        raise RequestError(
            f"{path} is for {read.channels} channels, and model={model_name} has {network.channels}: "
            f"task.channels={read.channels}"
        )
    if not own_sizes:
        return read
    _check_same(_shapes(network), _shapes(read), path, model_name)
    described = zip(str(network).splitlines(), str(read).splitlines(), strict=True)
    if different := next(((own, other) for own, other in described if own != other), None):
        own, other = (line.strip() for line in different)
        raise RequestError(f"the network of {path} is not model={model_name}: it has {other}, and here it is {own}")
    network.load_state_dict(read.state_dict())
    return network


def damage_of(path: Path) -> str:
    """What is wrong with the bytes of a checkpoint, in a few words; empty where nothing is, or nothing can be said.

    torch writes a zip, with a checksum of each tensor that it does not compare when it reads: one flipped bit of a
    weight is read as another weight. Here they are compared, which takes about a tenth of a second per 100 MB. A file
    of torch's form of before 1.6 has no checksums.
    """
    try:
        if not path.stat().st_size:
            return "it is empty"
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                return ""
        with zipfile.ZipFile(path) as content:
            torn = content.testzip()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        return f"it is cut short or torn, {' '.join(str(error).split()) or type(error).__name__}"
    return f"the checksum of {torn} in it is wrong" if torn else ""


def read_checkpoint(path: Path) -> Any:
    """The content of a checkpoint, as whoever wrote it put it there: tensors and plain values alone.

    Raises:
        RequestError: it is damaged, or it is no checkpoint.
    """
    if damage := damage_of(path):
        raise RequestError(f"{path} is damaged: {damage}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # pickle, zip and torch each have their own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RequestError(f"{path} is not a checkpoint that can be read ({reason})") from error


def read_state(path: Path) -> dict[str, Tensor]:
    """The network's tensors in a checkpoint of ours or a plain state dict, as float32."""
    content = read_checkpoint(path)
    state = _innermost(content) if isinstance(content, dict) else {}
    named = state.items() if isinstance(state, dict) else ()
    state = {
        key.removeprefix("network."): value
        for key, value in named
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    if not state:
        several = (
            [str(key) for key, value in content.items() if isinstance(value, dict)] if isinstance(content, dict) else []
        )
        inside = f", but {len(several)} dictionaries, {several[0]} to {several[-1]}" if len(several) > 1 else ""
        raise RequestError(f"{path} holds no weights: no tensors by their names{inside}")
    for key, value in state.items():
        if kind := _unusable(value):
            raise RequestError(f"{path} holds no weights that can be used: {key} is {kind}")
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def _innermost(content: dict) -> Any:
    """The state dict in a checkpoint: under one of the names that programs give it, or the content itself."""
    return next((content[name] for name in STATES if isinstance(content.get(name), dict)), content)


def _unusable(tensor: Tensor) -> str:
    """What a tensor is that is no array of real numbers; empty where it is one."""
    if tensor.is_meta:
        return "of the meta device, without its numbers"
    if tensor.layout != torch.strided:
        return f"sparse ({tensor.layout})"
    if tensor.is_quantized or tensor.is_complex():
        return f"of {tensor.dtype}"
    return ""


def _convolutions(state: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor | None]]:
    """Weight and bias of each layer of a state dict of convolutions alone, in order; of any other none."""
    layers: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        layer, _, name = key.rpartition(".")
        layers.setdefault(layer, {})[name] = value
    if any(
        not {"weight"} <= set(layer) <= {"weight", "bias"} or layer["weight"].dim() != 4 for layer in layers.values()
    ):
        return []
    return [(layer["weight"], layer.get("bias")) for layer in layers.values()]


def _fill(
    network: nn.Module,
    convolutions: Sequence[tuple[Tensor, Tensor | None]],
    kinds: tuple[type[nn.Module], ...],
    path: Path,
    model_name: str,
) -> nn.Module:
    """The network, batch norm merged, with weights and biases put into its layers of these kinds in their order."""
    network = merge_batch_norm(network)
    layers = cast("list[nn.Conv2d]", [layer for layer in network.modules() if isinstance(layer, kinds)])
    shapes = {f"convolution {n}": tuple(layer.weight.shape) for n, layer in enumerate(layers, start=1)}
    in_file = {f"convolution {n}": tuple(weight.shape) for n, (weight, _) in enumerate(convolutions, start=1)}
    _check_same(shapes, in_file, path, model_name)
    count = sum(len(layer.state_dict()) for layer in layers)
    if count != len(network.state_dict()):
        raise RequestError(f"{path} holds convolutions alone, and model={model_name} has other layers with weights")
    for number, (layer, (weight, bias)) in enumerate(zip(layers, convolutions, strict=True), start=1):
        bias = weight.new_zeros(layer.weight.shape[0]) if bias is None else bias
        if layer.bias is not None:
            layer.bias.data.copy_(bias)
        elif bias.any():
            raise RequestError(f"convolution {number} of {path} has a bias, and that of model={model_name} has none")
        layer.weight.data.copy_(weight)
    return network


def _shapes(state: Mapping[str, Tensor] | nn.Module) -> dict[str, tuple]:
    tensors = state.state_dict() if isinstance(state, nn.Module) else state
    return {key: tuple(value.shape) for key, value in tensors.items()}


def _check_same(in_network: dict[str, tuple], in_file: dict[str, tuple], path: Path, model_name: str) -> None:
    for name in [*in_network, *in_file]:
        if in_network.get(name) != in_file.get(name):
            here, there = in_network.get(name, "absent"), in_file.get(name, "absent")
            raise RequestError(
                f"the weights of {path} do not fit model={model_name}: {name} is {there} in the file and {here} in the "
                f"network (other model, model.width, model.depth, model.kernel_size or task.channels?)"
            )


def lighten(run: RunFolder) -> None:
    """Of a finished run's checkpoints keep the tested one's weights, in float16; cut at any moment, they are not lost.

    It is the best one, and the last one of a run that no validation chose a best one of.
    """
    file = run.checkpoint()
    steps, weights = trained_steps(run), read_state(file)
    state = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
    content = io.BytesIO()
    torch.save({"state_dict": state, "global_step": steps}, content)
    atomic.write(file, content.getbuffer())
    run.previous.unlink(missing_ok=True)
    if file == run.best:
        run.last.unlink(missing_ok=True)


def weights_file(weights: str | Path, folder: str | None) -> Path:
    """A run folder's best checkpoint; a file as given, or of that name in the folder of published weights.

    What goes by a name in the list of the authors' files (``tnrd_25``) is looked for there, and is checked.

    Raises:
        RequestError: a file of the list that is not there, or is another one.
    """
    run = RunFolder.find(weights)
    if run.path.is_dir():
        return run.checkpoint()
    if not run.path.is_file() and folder and (place := Path(folder).expanduser() / run.path).is_file():
        return place
    if not run.path.is_file() and is_released(str(weights)):
        return find(str(weights)).required(folder)
    return run.path


def trained_steps(run: RunFolder) -> int:
    """Optimiser steps behind the weights of a run folder; 0 where the file does not say."""
    content = read_checkpoint(run.checkpoint())
    steps = content.get("global_step", 0) if isinstance(content, dict) else 0
    return steps if isinstance(steps, int) else 0

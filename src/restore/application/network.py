"""Which network is applied, and what is known of what it was trained for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import nn

from restore.checkpoint import load_weights, weights_file
from restore.config.build import build_degradation, build_network
from restore.config.compose import compose, run_config
from restore.config.overrides import normalise_overrides
from restore.config.trust import Trust
from restore.degradations.base import Degradation
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.jpeg import JPEG
from restore.deployment.onnx_file import with_onnx
from restore.deployment.onnx_network import OnnxBacked
from restore.errors import RequestError
from restore.models.fusion import merge_batch_norm
from restore.released import find, is_released
from restore.remote import sha256
from restore.runfolder import RunFolder
from restore.training.hardware import device_kind

DENOISERS = {1: "red14_denoise25", 3: "denoise_colour"}  # by the image's channels: what comes with the package


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with its weights, and the configuration that says what it was trained for.

    Attributes:
        network: in evaluation mode, batch norm folded in.
        config: with the groups ``task`` and ``model``.
        name: that a person knows it by.
        file: of its weights; None for a network that has none.
    """

    network: nn.Module
    config: DictConfig
    name: str
    file: Path | None = None

    @property
    def channels(self) -> int:
        """Of the images that it restores, 1 or 3."""
        return int(getattr(self.network, "channels", 0) or self.config.model.get("channels") or 1)

    @cached_property
    def degradation(self) -> Degradation:
        return build_degradation(self.config.task.degradation)

    @property
    def scales(self) -> tuple[int, ...]:
        """Factors of the super-resolution that it was trained for; none for another task."""
        for part in self.parts:
            if isinstance(part, BicubicDownUp):
                return tuple(int(scale) for scale in part.scale.members)
        return ()

    @property
    def enlarges(self) -> bool:
        """Whether super-resolution is all that it does."""
        return isinstance(self.degradation, BicubicDownUp)

    @property
    def luma_alone(self) -> bool:
        """Whether it is trained on luma because that is where its degradation shows: super-resolution and JPEG."""
        return all(isinstance(part, BicubicDownUp | JPEG) for part in self.parts)

    @property
    def parts(self) -> list[nn.Module]:
        """The degradations that it was trained on, one by one where they are mixed or in a chain."""
        return list(getattr(self.degradation, "parts", None) or [self.degradation])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights and of the network's arguments: whether two restorations are by the same network."""
        digest = hashlib.sha256(repr(self.network).encode())
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode() + tensor.detach().float().cpu().numpy().tobytes())
        return digest.hexdigest()


def load_network(
    run: str | Path,
    model: str | None = None,
    overrides: Sequence[str] = (),
    device: str = "auto",
    trust: bool | Sequence[str] = False,
) -> TrainedNetwork:
    """A run's network, a shipped one, an authors' file, or a weights file's; arguments as of `restore.load`.

    Raises:
        RequestError: one sentence that says what does not fit.
    """
    name = str(run)
    if model is None and is_released(name):
        entry = find(name)
        model, overrides = entry.network, [*entry.words, *overrides]
    if model is None:
        config = run_config(run, Trust.of(trust))
        file, label = RunFolder.find(run).checkpoint(), config.model.name
    else:
        config = compose("evaluate", normalise_overrides([f"model={model}", *overrides]))
        file, label = weights_file(run, config.paths.weights), model
    network = load_weights(build_network(config.model), file, label)
    return TrainedNetwork(merge_batch_norm(network).to(device_kind(device)).eval(), config, name, file)


def choose(
    run: str = "",
    weights: str = "",
    model: str = "",
    overrides: Sequence[str] = (),
    device: str = "auto",
    trust: bool | Sequence[str] = False,
) -> TrainedNetwork | None:
    """The network of a person's words, None where they name none.

    Args:
        run: a run folder, or a name of `restore.load`.
        weights: a weights file; with `model`.
        model: of the weights file; alone, a name of `restore.load` or a network without weights (``identity``).
        overrides: further words, ``model.width=48`` or ``task=sr``.

    Raises:
        RequestError: they contradict each other, or name nothing.
    """
    if bool(run) + bool(weights) > 1 or (run and model):
        raise RequestError("run=, weights= with model=, or model= by name: one of them says which network")
    if weights and not model:
        raise RequestError("weights= is a file of numbers: model= says of which network")
    if run:
        _check_no_overrides(run, overrides)
        return load_network(run, device=device, trust=trust)
    if weights:
        return load_network(weights, model, overrides, device)
    if not model:
        if overrides:
            raise RequestError(f"{overrides[0]} is of a network with weights= and model=, and none is named")
        return None
    if is_released(model) or RunFolder.find(model).config.is_file():
        _check_no_overrides(model, overrides)
        return load_network(model, device=device)
    config = compose("evaluate", normalise_overrides([f"model={model}", *overrides]))
    network = build_network(config.model)
    if any(True for _ in network.parameters()):
        raise RequestError(f"model={model} has weights to be read: weights=<file>, or run=<folder of a run>")
    return TrainedNetwork(network.to(torch.device(device_kind(device))).eval(), config, model)


def on_backend(trained: TrainedNetwork, backend: str, accelerator: str = "auto") -> TrainedNetwork:
    """The same network, computed by what a person names.

    Args:
        backend: ``torch``, as it is; ``onnx``, by onnxruntime, whose images stay in the machine's memory.
        accelerator: of onnxruntime: ``auto`` is the CPU.

    Raises:
        RequestError: the network has no form in ONNX, or the extra ``onnx`` is not installed.
    """
    if backend == "torch" or isinstance(trained.network, OnnxBacked):
        return trained
    if not any(True for _ in trained.network.parameters()):
        raise RequestError(f"backend=onnx computes a network's layers, and {trained.name} has none")
    device = "cuda" if accelerator in ("gpu", "cuda") else "cpu"
    network = with_onnx(trained.network.cpu(), trained.channels, str(trained.config.model.name), device)
    return replace(trained, network=network)


def shipped_denoiser(channels: int, device: str = "auto") -> TrainedNetwork:
    """The network that is applied where none is named."""
    return load_network(DENOISERS[channels], device=device)


def shipped_digest() -> str:
    """Which networks those are: whether another version of this package would restore alike."""
    files = (RunFolder.find(name).checkpoint() for name in DENOISERS.values())
    return " ".join(sha256(file) for file in files)


def _check_no_overrides(run: str, overrides: Sequence[str]) -> None:
    if overrides:
        raise RequestError(f"{run} brings its own configuration: leave {overrides[0]} out")

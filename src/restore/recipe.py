"""From configuration to objects, and from a run folder to a network: the one place below the commands that knows Hydra.

A run folder is a recipe plus weights: its ``.hydra/config.yaml`` says how to build the network, and
``checkpoints/best.ckpt`` has the numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import nn

from restore.data.datamodule import RestorationData
from restore.degradations.strength import levels_to_test
from restore.evaluation.protocol import Protocol, Setting, protocol
from restore.models.matconvnet import load_dncnn
from restore.request import RequestError, unknown


def configuration() -> Path:
    """The folder of ``config.yaml``: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent
    return next(folder for folder in (package / "conf", package.parents[1] / "conf") if folder.is_dir())


def register_resolvers() -> None:
    """The few values that YAML cannot write down: they are asked of the machine or computed."""
    from restore.training.hardware import default_precision, device_kind
    from restore.training.launch import stamp

    resolvers = {
        "default_budget": lambda: "gpu" if device_kind() == "cuda" else "cpu",
        "default_precision": default_precision,
        "steps": lambda patches, batch: -(-int(patches) // max(1, int(batch))),
        "levels_to_test": lambda value, usual, name: levels_to_test(_plain(value), _plain(usual), name),
        "at": lambda budget, cpu, gpu, paper: {"cpu": cpu, "gpu": gpu}.get(budget, paper),
        "gpus": lambda accelerator, devices: devices if accelerator in ("gpu", "cuda") else None,
        "run_folder": lambda resume, folder, now: resume or f"{folder}/{stamp(now)}",
    }
    for name, resolver in resolvers.items():
        OmegaConf.register_new_resolver(name, resolver, replace=True)


# -- composing -------------------------------------------------------------------------------------


def compose(config_name: str, overrides: Sequence[str], hydra_too: bool = False) -> DictConfig:
    """The composed configuration, without running anything; with Hydra's own where asked.

    Raises:
        RequestError: it cannot be composed.
    """
    register_resolvers()
    try:
        with hydra.initialize_config_dir(str(configuration()), version_base="1.3"):
            return hydra.compose(config_name, list(overrides), return_hydra_config=hydra_too)
    except (HydraException, OmegaConfBaseException) as error:
        raise RequestError(_sentence(config_name, error)) from error


def _sentence(config_name: str, error: Exception) -> str:
    text = " ".join(f"{error} {error.__cause__ or ''}".split())
    key = re.search(r"[Kk]ey '([^']+)'|Could not override '([^']+)'", text)
    override = re.search(r"Could not override '([^']+)'", text)
    if override or key:
        wrong = override.group(1) if override else key.group(1) or key.group(2)
        keys = _keys(compose(config_name, []))
        return str(unknown("key", wrong, keys))
    return text.partition(" full_key:")[0]


def value_sentence(error: OmegaConfBaseException) -> str:
    """What a value of the configuration lacks, without OmegaConf's frame about it."""
    text = " ".join(str(error).split()).partition(" full_key:")[0]
    return re.sub(r"^\w+ raised while resolving interpolation: ", "", text)


def _keys(config: DictConfig, prefix: str = "") -> list[str]:
    keys = []
    for key in config:
        keys.append(prefix + str(key))
        node = OmegaConf.to_container(config, resolve=False)[key]
        if isinstance(node, dict):
            keys += _keys(OmegaConf.create(node), f"{prefix}{key}.")
    return keys


# -- objects ---------------------------------------------------------------------------------------


def build(config: DictConfig | dict, **more: Any) -> Any:
    """Instantiate a ``_target_``; what its constructor refuses becomes a `RequestError`."""
    try:
        return hydra.utils.instantiate(config, _convert_="all", **more)
    except InstantiationException as error:
        if isinstance(error.__cause__, (ValueError, TypeError, RequestError)):
            raise RequestError(str(error.__cause__)) from error
        if "locating target" in str(error):
            raise RequestError(" ".join(str(error).partition(", set env var")[0].split())) from error
        raise


def build_network(model: DictConfig) -> nn.Module:
    """The network of a ``model`` group: its constructor's arguments, and the `name` it goes by."""
    return build({key: value for key, value in _plain(model).items() if key != "name"})


def check_optimizer(optimizer: Callable[..., torch.optim.Optimizer], network: nn.Module) -> None:
    """Build it once, before anything is trained.

    Raises:
        RequestError: what it is given is out of its range.
    """
    try:
        optimizer(network.parameters())
    except (ValueError, TypeError) as error:
        raise RequestError(f"optim.optimizer: {error}") from error


def build_data(config: DictConfig, **more: Any) -> RestorationData:
    """The data module of a configuration; `path`, which other keys refer to, is no argument of its own."""
    return build({key: value for key, value in _plain(config.data).items() if key != "path"}, **more)


def settings(task: DictConfig) -> list[Setting]:
    """The corruptions that a task is tested with, named as in ``published.csv``: ``sigma=25``, ``text font=10``.

    ``task.test`` is one family of them or a list: the degradation's `parameter`, its values `at`, the
    `family` that protocols tell apart, and, where they differ from the defaults, `label` and `degradation`.
    """
    plain = _plain(task)
    found = []
    for family in plain["test"] if isinstance(plain["test"], list) else [plain["test"]]:
        parameter, values = family["parameter"], family["at"]
        for value in values if isinstance(values, list) else [values]:
            said = f"{value:g}" if isinstance(value, Real) else Path(value).stem
            name = family.get("label", f"{parameter}={{}}").format(said)
            degradation = dict(family.get("degradation", plain["degradation"]))
            if parameter is not None:
                degradation[parameter] = value
            built = build(degradation)
            found.append(Setting(name, value, built, family["family"], plain["channels"], plain["luma"]))
    return found


def protocols(names: str | Sequence[str], switches: DictConfig | None = None) -> list[Protocol]:
    """One protocol or several, by name; with switches turned, each one plain and so."""
    chosen = [str(name) for name in ([names] if isinstance(names, str) else names)]
    turned = [protocol(name, _plain(switches)) for name in chosen] if switches else []
    return [protocol(name) for name in chosen] + turned


def load_weights(network: nn.Module, file: str | Path, model_name: str) -> nn.Module:
    """A network with the weights of a file: a checkpoint, a run folder, a state dict or a MatConvNet ``.mat``.

    A published DnCNN comes with its batch norm merged, so a network without batch norm is returned
    for it. Only tensors and plain values are unpickled.

    Raises:
        RequestError: the file is missing, unreadable, or holds the weights of another network.
    """
    path = run_folder(file)
    if path.is_dir():
        path = best_checkpoint(path)
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


# -- run folders -----------------------------------------------------------------------------------

SHIPPED = Path(__file__).parent / "weights"  # run folders that come with the package, in float16


def run_folder(run: str | Path) -> Path:
    """A run folder (or file) by its path, or one that comes with the package by its name."""
    path, own = Path(run).expanduser(), SHIPPED / str(run)
    return own if own.is_dir() and not path.exists() else path


def shipped() -> list[str]:
    """Names of the runs that come with the package."""
    return sorted(folder.parent.name for folder in SHIPPED.glob("*/checkpoints"))


def lighten(folder: Path) -> None:
    """Of a finished run's checkpoints keep the best one's weights, in float16; cut at any moment, they are not lost."""
    chosen, kept = best_checkpoint(folder), folder / "checkpoints" / "best.ckpt"
    steps = torch.load(chosen, map_location="cpu", weights_only=True).get("global_step", 0)
    state = {key: value.half() if value.is_floating_point() else value for key, value in read_state(chosen).items()}
    partial = kept.with_name(".best.ckpt")
    torch.save({"state_dict": state, "global_step": steps}, partial)
    partial.replace(kept)
    (folder / "checkpoints" / "last.ckpt").unlink(missing_ok=True)


def best_checkpoint(run: Path) -> Path:
    """The best checkpoint of a run folder, or its last where no validation chose a best one.

    Raises:
        RequestError: not a run folder, or one without a checkpoint.
    """
    for name in ("best", "last"):
        if (path := run / "checkpoints" / f"{name}.ckpt").is_file():
            return path
    raise RequestError(f"{run} is not the folder of a run: it has no checkpoints/best.ckpt or last.ckpt")


def run_config(run: str | Path) -> DictConfig:
    """The configuration that a run folder was made with.

    Raises:
        RequestError: the folder has none.
    """
    file = run_folder(run) / ".hydra" / "config.yaml"
    if not file.is_file():
        own = f"; runs of the package's own: {', '.join(shipped())}" if shipped() else ""
        raise RequestError(f"{run} is not the folder of a run: it has no .hydra/config.yaml{own}")
    register_resolvers()
    return OmegaConf.load(file)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def chosen(config: DictConfig, words: Iterable[str], group: str) -> DictConfig:
    """A group of a run's configuration with the words of the command line that concern it laid over."""
    changes = [word.lstrip("+") for word in words if word.lstrip("+").startswith(f"{group}.")]
    try:
        return OmegaConf.merge(config, OmegaConf.from_dotlist(changes))
    except OmegaConfBaseException as error:
        raise RequestError(value_sentence(error)) from error


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value

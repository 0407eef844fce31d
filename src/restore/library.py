"""The library's door: `restore.load`, `restore.restore_image` and `restore.score`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from restore.application.network import load_network
from restore.conditions import KERNELS, Network, apply_network, told
from restore.config.compose import compose
from restore.config.experiment import Experiment, check_told
from restore.config.loading import quote
from restore.config.overrides import normalise_overrides
from restore.download import Download
from restore.errors import RequestError
from restore.evaluation.score import autocast
from restore.image import stored_to_unit
from restore.released import Released, find, is_released
from restore.results.rows import RunMetadata, result_rows
from restore.runs.scoring import read_tests

Image = NDArray[np.float32]


def load(
    run: str | Path,
    model: str | None = None,
    overrides: Sequence[str] = (),
    device: str = "auto",
    trust: bool | Sequence[str] = False,
    fetch: bool = False,
) -> nn.Module:
    """A network with its weights, ready to restore: in evaluation mode, float32, batch norm folded in.

    Args:
        run: a run's folder, the name of a run that comes with the package or of an authors' file in the list of
            ``python -m restore.pretrained``, or, with `model`, a weights file (a checkpoint, a state dict, an
            authors' ``.mat`` or ``.caffemodel``; also by name in the folder of published weights).
        model: of a weights file, the network's name in ``conf/model``.
        overrides: with `model`, what differs from its YAML, as on the command line: ``["model.depth=4"]``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        trust: of a run's folder that is not somebody else's: true, or packages whose classes its configuration may
            name. Otherwise it may name what this package's own does, and modules of torch, torchmetrics,
            kornia and albumentations.
        fetch: where an authors' file is not here, fetch it from its pinned place into the folder of published weights,
            RESTORE_WEIGHTS or ~/.cache/restore/weights.

    Raises:
        RequestError: one sentence that says what does not fit.

    Example:
        >>> import restore
        >>> network = restore.load("red14_denoise25")
        >>> sum(parameter.numel() for parameter in network.parameters())
        250321
    """
    if fetch and model is None and is_released(str(run)):
        _fetch(find(str(run)), compose("evaluate", []).paths.weights)
    return load_network(run, model, overrides, device, trust).network


def _fetch(entry: Released, folder: str) -> None:
    if not entry.located(folder):
        place = entry.place_in(folder)
        if reason := Download().fetch([(entry, place)]).failed.get(place):
            raise RequestError(f"{entry.name} was not fetched: {reason}")


def restore_image(network: Network, image: ArrayLike, precision: str = "32", **conditions: ArrayLike) -> Image:
    """The restored image of an array.

    Args:
        network: as from `load`, or anything that is called as a network is (see `restore.conditions`).
        image: ``(H, W)`` or ``(H, W, 3)``: uint8 or uint16 levels, or floats in [0, 1].
        precision: ``32``, or ``bf16-mixed`` under bfloat16 autocast.
        conditions: what the network is told, in the units of the image: ``sigma=25 / 255``, or a map ``(H, W)``.

    Returns:
        float32, in the shape of the image; neither clipped nor rounded.

    Raises:
        RequestError: an image of another shape, or a network that is told something else.

    Example:
        >>> import numpy, restore
        >>> network = restore.load("red14_denoise25")
        >>> restore.restore_image(network, numpy.full((40, 30), 0.5)).shape
        (40, 30)
    """
    missing, unasked = set(told(network)) - set(conditions), set(conditions) - set(told(network))
    if missing or unasked:
        wanted = ", ".join(told(network)) or "nothing"
        raise RequestError(f"this network is told {wanted}, and it is given {', '.join(conditions) or 'nothing'}")
    device = _device_of(network)
    given = {name: _condition(name, value).to(device) for name, value in conditions.items()}
    degraded = _tensor(np.asarray(image)).to(device)
    with torch.no_grad(), autocast(degraded.device.type, precision):
        restored = apply_network(network, degraded, given)
    return _array(restored)


def score(
    method: Callable[..., ArrayLike] | nn.Module,
    task: str = "denoise",
    test_sets: str | Sequence[str] = "photographs",
    protocol: str | Sequence[str] = "dncnn",
    metric: str | Sequence[str] = ("psnr", "ssim"),
    conditions: Sequence[str] = (),
    name: str | None = None,
    overrides: Sequence[str] = (),
) -> list[dict]:
    """The rows of `restore.evaluate` for any function of an image, from any library.

    The function gets what a network here would get, and its output is scored as theirs is: by the
    same test pairs, protocols and metrics.

    Args:
        method: ``(image, **conditions) -> restored``: float32 arrays ``(H, W)`` or ``(H, W, 3)`` in [0, 1];
            or a network, which is called with tensors and says itself what it is told.
        task: by its name in ``conf/task``.
        test_sets: by name, or folders of images.
        protocol, metric: by name.
        conditions: what the function is told, as keyword arguments, in the units of the image: ``("sigma",)``
            gives ``sigma=25 / 255``. A map comes as ``(H, W)``, a kernel as ``(k, k)``.
        name: in the rows; the function's own by default.
        overrides: what differs from the task's YAML, as on the command line: ``["task.sigma=50"]``.

    Returns:
        Rows as in ``results.csv``: one per image, setting, protocol and metric.

    Raises:
        RequestError: one sentence that says what cannot be had.

    Example:
        >>> import restore
        >>> rows = restore.score(lambda image: image.clip(0, 1), overrides=["task.sigma=25"], name="clip")
        >>> [(row["image"], row["metric"], round(row["value"], 1)) for row in rows][:2]
        [('astronaut', 'psnr', 20.7), ('astronaut', 'ssim', 0.3)]
    """
    lists = {"test_sets": test_sets, "protocol": protocol, "metric": metric}
    words = [f"task={task}", *(f"{key}=[{_listed(value)}]" for key, value in lists.items()), *overrides]
    experiment = Experiment.build(compose("evaluate", normalise_overrides(words)))
    kind = "network" if isinstance(method, nn.Module) else "callable"
    label = str(name or getattr(method, "__name__", type(method).__name__))
    network = method if isinstance(method, nn.Module) else ArrayMethod(method, tuple(conditions))
    check_told(network, experiment.settings, label)
    config, device = experiment.config, _device_of(network)
    scores = experiment.score(network, read_tests(config, experiment), "32", device)
    place = {
        "task": config.task.name,
        "model": label,
        "precision": "32",
        "device": device.type,
    }
    metadata = RunMetadata("", "", seed=0, budget="", patches=0, method_kind=kind, **place)
    return result_rows(scores, metadata, overlaps=None)


class ArrayMethod:
    """A function of arrays with the interface of a network.

    Args:
        method: ``(image, **conditions) -> restored`` on ``(H, W)`` or ``(H, W, 3)``.
        conditions: names of what it is told.
    """

    def __init__(self, method: Callable[..., ArrayLike], conditions: tuple[str, ...] = ()):
        self.method, self.conditions = method, conditions

    def __call__(self, degraded: Tensor, **conditions: Tensor) -> Tensor:
        restored = []
        for i in range(len(degraded)):
            image = _array(degraded[i : i + 1])
            own = {name: _plain(condition[i]) for name, condition in conditions.items()}
            answer = np.asarray(self.method(image, **own), dtype=np.float32)
            if answer.shape != image.shape:
                raise RequestError(f"the function is given an image of {image.shape} and returns one of {answer.shape}")
            restored.append(_tensor(answer))
        return torch.cat(restored).to(degraded.device)


def _device_of(network: Network) -> torch.device:
    """Where a network's weights are; the CPU for what has none."""
    weights = network.parameters() if isinstance(network, nn.Module) else iter(())
    return next((parameter.device for parameter in weights), torch.device("cpu"))


def _listed(names: str | Sequence[str]) -> str:
    return ",".join(quote(name) for name in ([names] if isinstance(names, str) else names))


def _tensor(image: NDArray) -> Tensor:
    """``(H, W)`` or ``(H, W, 3)`` to ``(1, C, H, W)``, float32 in [0, 1]."""
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise RequestError(f"an image is an array (H, W) or (H, W, 3), and this one is {image.shape}")
    if image.dtype not in (np.uint8, np.uint16) and not np.issubdtype(image.dtype, np.floating):
        raise RequestError(
            f"an image is of uint8 or uint16 levels or of floats in [0, 1], and this one is of {image.dtype}"
        )
    planes = torch.from_numpy(np.ascontiguousarray(image))
    planes = planes[None] if image.ndim == 2 else planes.permute(2, 0, 1)
    return stored_to_unit(planes)[None]


def _array(image: Tensor) -> Image:
    planes = image[0].float().cpu()
    return (planes[0] if len(planes) == 1 else planes.permute(1, 2, 0)).numpy()


def _condition(name: str, value: ArrayLike) -> Tensor:
    """A number to ``(1,)``, a kernel ``(k, k)`` to ``(1, k, k)``, a map ``(H, W)`` to ``(1, 1, H, W)``."""
    tensor = torch.from_numpy(np.array(value, dtype=np.float32))
    if tensor.ndim == 0:
        return tensor.reshape(1)
    return tensor[None] if name in KERNELS else tensor[None, None]


def _plain(condition: Tensor) -> float | NDArray[np.float32]:
    values = condition.float().cpu()
    return values.item() if values.ndim == 0 else (values[0] if values.ndim == 3 else values).numpy()

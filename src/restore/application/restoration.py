"""One photo through one network: conditions, enlargement, tiles within a bound of memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from restore.application.colour import LUMA_NOISE, Colour, adapted, through_luma
from restore.application.network import TrainedNetwork, on_backend
from restore.application.pipeline import AHEAD, PLANES
from restore.colour import rgb_to_y
from restore.conditions import KERNELS, MAPS, Network, told
from restore.deployment.onnx_network import required
from restore.errors import OutsideError, RequestError
from restore.evaluation.noise_level import estimate_noise
from restore.evaluation.tiling import Box, Tiler, check_tiles, cores, reach_of
from restore.image import to_unit
from restore.memory import check_memory, device_memory, in_words, is_out_of_memory
from restore.models.footprint import bytes_per_pixel
from restore.photos import Photo
from restore.resize import imresize

log = logging.getLogger("restore")
Progress = Callable[[float], None]  # called with the share of the photo that a tile was

LEVELS = ("sigma", "gain", "read_noise")  # conditions that a person gives in levels of 255
WORKING = 2  # of what tensors take: convolutions copy their inputs in other orders (measured: 1.0 to 2.0)
CONVERTED = 16  # bytes a level: of a tile as floats, restored, and on its way back to levels
PROCESS = 4.2e9  # bytes that all of it may take where nothing else is said: within 4 GiB
INTERPRETER = 0.65e9  # bytes of it that Python, torch and onnxruntime take (measured: 0.46 to 0.63)
LEAST = 1e9  # bytes that tiles may take, however large the files are
COPIES = 1.5  # of a photo's pixels before and after: a file is encoded from another copy
SMALLEST = 32  # pixels: a tile that does not fit at this side does not fit
EDGE = 3  # low-resolution pixels around a tile that bicubic enlarging depends on


@dataclass(frozen=True)
class Settings:
    """How photos are restored.

    Attributes:
        conditions: what the network is told, by name: sigma, gain and read_noise in levels of 255 of a photo's range,
            scale and quality as they are.
        estimate: sigma is estimated from each photo.
        colour: how networks of one channel restore colour (`restore.application.colour.adapted`).
        tile: side in pixels; 0 for whole images, None for what the memory holds.
        memory: bytes that a tile may take, as predicted; None for what 4 GiB leave beside the files and the
            interpreter, or half of the machine's if that is less; half of a GPU's.
        self_ensemble: over the orientations that the network's degradation allows.
        precision: ``32`` or ``bf16-mixed``.
        backend: ``torch``, or ``onnx`` for onnxruntime, in float32.
        accelerator: of onnxruntime; torch computes where the network lies.
    """

    conditions: Mapping[str, float] = field(default_factory=dict)
    estimate: bool = False
    colour: Colour = "auto"
    tile: int | None = None
    memory: float | None = None
    self_ensemble: bool = False
    precision: str = "32"
    backend: str = "torch"
    accelerator: str = "auto"


def check_backend(settings: Settings) -> None:
    """Refuse what onnxruntime does not do.

    Raises:
        RequestError: by the key, or the extra ``onnx`` is not installed.
    """
    if settings.backend == "onnx" and settings.precision != "32":
        raise RequestError(f"backend=onnx computes in float32: leave precision={settings.precision} out")
    if settings.backend == "onnx" and settings.accelerator == "mps":
        raise RequestError("backend=onnx computes on the CPU or a CUDA device: leave accelerator=mps out")
    if settings.backend == "onnx":
        required("onnx", "onnxscript", "onnxruntime")


def check_settings(trained: TrainedNetwork, settings: Settings) -> None:
    """Refuse what a network is told and does not ask for, asks for and is not told, or was not trained for.

    Raises:
        RequestError: by the key.
    """
    asked, given = set(told(trained.network)), set(settings.conditions) | ({"sigma"} if settings.estimate else set())
    if maps := asked & {*MAPS, *KERNELS}:
        raise RequestError(f"{trained.name} is told a {maps.pop()}: restore.restore_image is given one")
    if "scale" in given and not trained.scales:
        raise RequestError(f"scale={settings.conditions['scale']:g}: {trained.name} was not trained to enlarge")
    if trained.enlarges and "scale" not in given and len(trained.scales) != 1:
        raise RequestError(f"{trained.name} enlarges by {', '.join(map(str, trained.scales))}: scale= says which")
    for name in sorted(asked - given - {"scale"}):
        more = " (or sigma=auto)" if name == "sigma" else ""
        raise RequestError(f"{trained.name} is told {name}, and it is not given: {name}=<number>{more}")
    for name in sorted(given - asked - {"scale"}):
        raise RequestError(f"{name}=: {trained.name} is told {', '.join(sorted(asked)) or 'nothing'}")


class Restorer:
    """Restores photos by one network, and says before each what it will take.

    Args:
        trained: the network, on its device.

    Raises:
        RequestError: the settings do not fit the network.
    """

    def __init__(self, trained: TrainedNetwork, settings: Settings):
        check_settings(trained, settings)
        check_backend(settings)
        self._layers = trained.network  # those of torch, which memory is counted by
        self.trained, self.settings = on_backend(trained, settings.backend, settings.accelerator), settings
        trained = self.trained
        parameter = next(trained.network.parameters(), torch.zeros(()))
        self.device = parameter.device
        trained.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._footprints: dict[tuple[float, ...], float] = {}

    @property
    def scale(self) -> int:
        """By how much photos are enlarged; 1 for a network that does not."""
        default = self.trained.scales[0] if self.trained.enlarges and len(self.trained.scales) == 1 else 1
        return round(self.settings.conditions.get("scale", default))

    def restore(self, photo: Photo, name: str, progress: Progress = lambda share: None) -> Photo:
        """The restored photo, at its own depth, with its metadata and alpha; enlarged by a super-resolution network.

        Args:
            name: of the photo, for what is said of it.

        Raises:
            RequestError: it does not fit in memory, tiled or not as was asked for.
            OutsideError: memory ran out, though tiles were made as small as they may be.
        """
        channels, scale = photo.channels, self.scale
        luma_alone = self.trained.luma_alone
        network = adapted(self.trained.network, self.trained.channels, channels, self.settings.colour, luma_alone)
        luma = self.trained.channels < channels and through_luma(self.settings.colour, luma_alone)
        conditions = self._conditions(photo, luma, name)
        height, width = (side * scale for side in photo.levels.shape[:2])
        tiler, side = self._plan(network, channels, conditions, height, width, photo.levels.itemsize, name)
        levels = np.empty((height, width, *photo.levels.shape[2:]), photo.levels.dtype)
        bare = replace(photo, alpha=None)
        boxes = list(cores(height, width, side))[::-1]
        while boxes:
            box = boxes.pop()
            try:
                restored = tiler.restore(lambda part: self._read(bare, part, scale), box, height, width)
            except (MemoryError, RuntimeError) as error:
                boxes += self._smaller(error, tiler, box, height, width, name)
                continue
            levels[box.top : box.bottom, box.left : box.right] = bare.with_unit(restored).levels
            progress((box.bottom - box.top) * (box.right - box.left) / (height * width))
        alpha = photo.alpha
        if alpha is not None and scale > 1:
            alpha = photo.with_unit(torch.zeros(1, 1, height, width)).alpha
        return replace(photo, levels=levels, alpha=alpha)

    def _conditions(self, photo: Photo, luma: bool, name: str) -> dict[str, Tensor]:
        """What the network is told of one photo, in the units of the image, ``(1,)`` each."""
        given = dict(self.settings.conditions)
        if "scale" in told(self.trained.network):
            given["scale"] = self.scale
        values = {key: to_unit(torch.tensor(v)).item() if key in LEVELS else v for key, v in given.items()}
        if self.settings.estimate:
            values["sigma"] = self._estimate(photo, luma, name)
        elif luma and "sigma" in values:
            values["sigma"] *= LUMA_NOISE
        asked = told(self.trained.network)
        return {key: torch.tensor([float(v)], device=self.device) for key, v in values.items() if key in asked}

    def _estimate(self, photo: Photo, luma: bool, name: str) -> float:
        unit = photo.to_unit()
        try:
            level = estimate_noise(rgb_to_y(unit) if luma else unit)
        except ValueError as error:
            raise RequestError(f"{name}: {error}; sigma=<number> says it") from error
        log.info(f"{name}: sigma {255 * level.sigma:.1f} estimated{' in Y' if luma else ''}")
        if photo.format == "JPEG" or level.doubtful:
            reason = "it is a JPEG file" if photo.format == "JPEG" else "neighbouring pixels have noise in common"
            log.warning(f"{name}: the estimate may be far too low: {reason}; sigma=<number> says it better")
        return level.sigma

    def _read(self, photo: Photo, box: Box, scale: int) -> Tensor:
        """Degraded pixels of a box of the restored image: the file's, or its bicubic enlargement."""
        if scale == 1:
            levels = photo.levels[box.top : box.bottom, box.left : box.right]
            return replace(photo, levels=levels).to_unit().to(self.device)
        height, width = photo.levels.shape[:2]
        low = Box(
            max(0, box.top // scale - EDGE),
            max(0, box.left // scale - EDGE),
            min(height, -(-box.bottom // scale) + EDGE),
            min(width, -(-box.right // scale) + EDGE),
        )
        levels = photo.levels[low.top : low.bottom, low.left : low.right]
        unit = replace(photo, levels=levels).to_unit().to(self.device)
        sides = (scale * (low.bottom - low.top), scale * (low.right - low.left))
        enlarged = imresize(unit, *sides, (scale, scale))
        return box.within(Box(*(scale * edge for edge in low))).of(enlarged)

    def _plan(
        self,
        network: Network,
        channels: int,
        conditions: Mapping[str, Tensor],
        height: int,
        width: int,
        itemsize: int,
        name: str,
    ) -> tuple[Tiler, int]:
        """The tiles of a photo, none larger than the memory allows, said with what they will take."""
        kind, settings = self.device.type, self.settings
        orientations: tuple[int, ...] = (0,)
        if settings.self_ensemble:
            orientations = self.trained.degradation.symmetries(told(self.trained.network))
        like = torch.zeros(1, channels, 1, 1, device=self.device)
        key = (channels, *(float(value) for value in conditions.values()))
        if key not in self._footprints:
            layers = adapted(self._layers, self.trained.channels, channels, settings.colour, self.trained.luma_alone)
            self._footprints[key] = WORKING * bytes_per_pixel(layers, like, conditions, 1) + CONVERTED * channels
        cost = self._footprints[key]
        bound = settings.memory or self._bound(height, width, itemsize)
        fits = cost * height * width <= bound
        if settings.tile == 0 or (settings.tile is None and fits):
            check_memory(cost * height * width, f"{name}, restored whole,", kind)
            log.info(f"{name}: {width}×{height}, whole, {in_words(cost * height * width)} at most")
            return Tiler(network, None, conditions, orientations, settings.precision), max(height, width)
        reach = reach_of(self.trained.network, self.trained.channels, conditions, self.trained.name)
        check_tiles(network, reach, like, height, width, conditions, self.trained.name)
        side = settings.tile or int((bound / cost) ** 0.5) - 2 * reach.margin - 2 * (reach.grid - 1)
        needed = cost * min(height, side + 2 * reach.margin) * min(width, side + 2 * reach.margin)
        if settings.tile is None and side < SMALLEST:
            raise RequestError(
                f"{self.trained.name} sees {reach.margin} pixels to each side, and a tile of {SMALLEST} with them does "
                f"not fit in memory={bound / 1e9:.3g} GB"
            )
        check_memory(needed, f"{name}, in tiles of {side} pixels,", kind)
        log.info(f"{name}: {width}×{height}, in tiles of {side} pixels, {in_words(needed)} at most")
        return Tiler(network, reach, conditions, orientations, settings.precision), side

    def _bound(self, height: int, width: int, itemsize: int) -> float:
        """Bytes that tiles may take beside a photo that becomes `height` × `width`, of `itemsize` bytes a level."""
        half = device_memory(self.device.type) / 2
        if self.device.type == "cuda":
            return half
        pixels = height * width * (1 + self.scale**-2)
        return min(half, max(LEAST, PROCESS - INTERPRETER - max(AHEAD, COPIES * PLANES * pixels * itemsize)))

    def _smaller(self, error: Exception, tiler: Tiler, box: Box, height: int, width: int, name: str) -> list[Box]:
        """A box in four, where memory ran out; any other error is raised again."""
        if not is_out_of_memory(error):
            raise error
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        side = max(box.bottom - box.top, box.right - box.left) // 2
        if tiler.reach is None or side < SMALLEST:
            raise OutsideError(f"{name}: memory ran out at {2 * side} pixels a side") from error
        log.warning(f"{name}: memory ran out, and tiles of {side} pixels follow")
        parts = list(cores(box.bottom - box.top, box.right - box.left, side))
        return [Box(box.top + p.top, box.left + p.left, box.top + p.bottom, box.left + p.right) for p in parts][::-1]

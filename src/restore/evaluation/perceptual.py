"""LPIPS and DISTS: distances between the features of a network that was trained to tell photographs apart.

Their feature networks are torchvision's, whose weights nobody downloads here: a user lays the file
into ``paths.weights``. The small learned weights over the features come with torchmetrics.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
import torchmetrics.functional.image
from torch import Tensor, nn
from torch.nn.functional import conv2d

from restore.errors import RequestError

ALEXNET = "alexnet-owt-7be5be79.pth"
VGG16 = "vgg16-397923af.pth"
VGG16_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
BUNDLED = Path(torchmetrics.functional.image.__file__).parent


class LPIPS:
    """Learned perceptual image patch similarity (Zhang et al. 2018), version 0.1 on AlexNet: lower is better.

    ``sum_l mean_hw(w_l · (f_l(x)/|f_l(x)| − f_l(y)/|f_l(y)|)²)`` over the five layers after their ReLU.

    Args:
        folder: where `ALEXNET`, torchvision's file, lies.

    Attributes:
        identity: version, and the first 8 hex digits of the file's SHA-256.

    Shape:
        two ``(1, 3, H, W)`` in [0, 1], sides of at least 31, to a scalar.

    Raises:
        RequestError: the file is not there, or is another network's.
    """

    def __init__(self, folder: str | Path | None = None):
        file = weights_file("lpips", ALEXNET, folder)
        self.stages = alexnet()
        load_features(self.stages, file)
        heads = load(BUNDLED / "lpips_models" / "alex.pth")
        self.heads = [heads[f"lin{layer}.model.1.weight"] for layer in range(5)]  # (1, C, 1, 1) each
        self.identity = f"0.1-{short_digest(file)}"

    def __call__(self, restored: Tensor, clean: Tensor) -> Tensor:
        device = clean.device
        centre = torch.tensor([-0.030, -0.088, -0.188], device=device).view(1, 3, 1, 1)
        spread = torch.tensor([0.458, 0.448, 0.450], device=device).view(1, 3, 1, 1)
        stages = self.stages.to(device)
        x, y = ((2 * image.float() - 1 - centre) / spread for image in (restored, clean))
        distance = torch.zeros((), device=device)
        for stage, head in zip(stages, self.heads, strict=True):
            x, y = stage(x), stage(y)
            difference = (unit_length(x) - unit_length(y)).square()
            distance = distance + conv2d(difference, head.to(device)).mean()
        return distance


class DISTS:
    """Deep image structure and texture similarity (Ding et al. 2020) on VGG16: lower is better.

    ``1 − sum_l (α_l · texture_l + β_l · structure_l)``: SSIM's luminance and structure terms, over whole
    maps, of the image itself and of the last layer of each of VGG16's five blocks. Pooling is by the
    root of the Hann-weighted mean square. The published weights are given the name of version 0.1.

    Args:
        folder: where `VGG16`, torchvision's file, lies.

    Attributes:
        identity: version, and the first 8 hex digits of the file's SHA-256.

    Shape:
        two ``(1, 3, H, W)`` in [0, 1] to a scalar. Deviation: no image is resized, where the authors'
        program brings the shorter side to 256 first.

    Raises:
        RequestError: the file is not there, or is another network's.
    """

    def __init__(self, folder: str | Path | None = None):
        file = weights_file("dists", VGG16, folder)
        self.stages = vgg16()
        load_features(self.stages, file)
        shares = load(BUNDLED / "dists_models" / "weights.pt")
        total = shares["alpha"].sum() + shares["beta"].sum()
        widths = [3, *(stage[-1] for stage in VGG16_WIDTHS)]
        self.alpha, self.beta = ((shares[name] / total).detach().split(widths, dim=1) for name in ("alpha", "beta"))
        self.identity = f"0.1-{short_digest(file)}"

    def __call__(self, restored: Tensor, clean: Tensor) -> Tensor:
        similarity = torch.zeros((), device=clean.device)
        features = zip(self.features(restored.float()), self.features(clean.float()), strict=True)
        for (x, y), alpha, beta in zip(features, self.alpha, self.beta, strict=True):
            texture, structure = texture_and_structure(x, y)
            shares = (alpha.to(clean.device) * texture + beta.to(clean.device) * structure).sum()
            similarity = similarity + shares
        return 1 - similarity

    def features(self, image: Tensor) -> list[Tensor]:
        """The image and what each block makes of it."""
        mean = torch.tensor([0.485, 0.456, 0.406], device=image.device).view(1, 3, 1, 1)
        spread = torch.tensor([0.229, 0.224, 0.225], device=image.device).view(1, 3, 1, 1)
        maps, below = [image], (image - mean) / spread
        for stage in self.stages.to(image.device):
            below = stage(below)
            maps.append(below)
        return maps


# -- feature networks ------------------------------------------------------------------------------


class HannPooling(nn.Module):
    """``sqrt(h * x²)`` with a 3×3 Hann window, every second pixel: pooling without aliases (Hénaff, Simoncelli 2016)."""

    def forward(self, image: Tensor) -> Tensor:
        taps = torch.tensor([0.25, 0.5, 0.25], device=image.device)
        channels = image.shape[1]
        window = torch.outer(taps, taps).expand(channels, 1, 3, 3)
        return (conv2d(image.square(), window, stride=2, padding=1, groups=channels) + 1e-12).sqrt()


def alexnet() -> nn.Sequential:
    """The five convolutions of torchvision's AlexNet, each with its ReLU and the pooling before it."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    )


def vgg16() -> nn.Sequential:
    """The five blocks of torchvision's VGG16, with `HannPooling` between them in place of the maxima."""
    blocks, below = nn.Sequential(), 3
    for number, widths in enumerate(VGG16_WIDTHS):
        block = nn.Sequential(*([HannPooling()] if number else []))
        for width in widths:
            block.extend([nn.Conv2d(below, width, 3, padding=1), nn.ReLU()])
            below = width
        blocks.append(block)
    return blocks


def load_features(network: nn.Module, file: Path) -> None:
    """Fill a network's convolutions, in their order, with those of torchvision's ``features``.

    Raises:
        RequestError: the file holds another network.
    """
    state = load(file)
    weights = [key for key in state if key.startswith("features.") and key.endswith(".weight")]
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    shapes = [tuple(state[key].shape) for key in weights]
    if shapes != [tuple(layer.weight.shape) for layer in layers]:
        raise RequestError(f"{file} is not torchvision's {file.name}: its layers are others")
    for key, layer in zip(weights, layers, strict=True):
        layer.weight.data = state[key].float()
        assert layer.bias is not None
        layer.bias.data = state[key.replace(".weight", ".bias")].float()
    network.requires_grad_(False)


def load(file: Path) -> dict[str, Tensor]:
    """Tensors by name.

    Raises:
        RequestError: the file is not there, or is no file of tensors.
    """
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise RequestError(f"{file.name} is not in this torchmetrics; version 1.7 has it") from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise RequestError(f"{file} cannot be read as weights") from error


def weights_file(metric: str, name: str, folder: str | Path | None) -> Path:
    """The path of torchvision's file in ``paths.weights``.

    Raises:
        RequestError: it is not there; the sentence says where it is to be had and where it must lie.
    """
    source = f"https://download.pytorch.org/models/{name}"
    if not folder:
        raise RequestError(
            f"metric={metric} needs {name} ({source}) in the folder of weights, and paths.weights is not set"
        )
    file = Path(folder).expanduser() / name
    if not file.is_file():
        raise RequestError(f"metric={metric} needs the file {file}, which is not there; it is {source}")
    return file


def short_digest(file: Path) -> str:
    """The first 8 hex digits of a file's SHA-256, which torchvision's files have in their names."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:8]


# -- between features ------------------------------------------------------------------------------


def unit_length(maps: Tensor) -> Tensor:
    """Each pixel's features divided by their length."""
    return maps / (1e-8 + maps.square().sum(dim=1, keepdim=True)).sqrt()


def texture_and_structure(x: Tensor, y: Tensor) -> Sequence[Tensor]:
    """SSIM's two terms of each map as a whole: ``(N, C, H, W)`` twice to ``(N, C, 1, 1)`` twice."""
    mean_x, mean_y = (maps.mean(dim=(2, 3), keepdim=True) for maps in (x, y))
    variance_x, variance_y = (maps.var(dim=(2, 3), keepdim=True, correction=0) for maps in (x, y))
    covariance = (x * y).mean(dim=(2, 3), keepdim=True) - mean_x * mean_y
    texture = (2 * mean_x * mean_y + 1e-6) / (mean_x**2 + mean_y**2 + 1e-6)
    structure = (2 * covariance + 1e-6) / (variance_x + variance_y + 1e-6)
    return texture, structure

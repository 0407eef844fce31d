"""What others do: each patch read, cropped, turned and corrupted alone on the CPU, by albumentations and OpenCV.

Only the benchmark uses this, to say what synthesis on the device is faster than.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from restore.data import datasets
from restore.image import to_unit


def _noise(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    sigma = random.uniform(0, 55)
    return image + sigma * random.standard_normal(image.shape, dtype=np.float32)


def _sensor(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    gain, read_noise = random.uniform(0, 4), random.uniform(0, 10)
    return gain * random.poisson(image / gain) + read_noise * random.standard_normal(image.shape, dtype=np.float32)


def _bicubic(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    import cv2

    scale = int(random.integers(2, 5))
    small = cv2.resize(image, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_CUBIC)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_CUBIC)


def _jpeg(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    import cv2

    _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(5, 100))])
    return cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)


def _blur(kernel: np.ndarray) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    def blur(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        import cv2

        return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)

    return blur


def _text(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    import cv2

    drawn = image.copy()
    for row in range(0, image.shape[0], 20):
        word = "".join(random.choice(list("etaoinshrdlu"), 8))
        place = (int(random.integers(-20, 20)), row + 10)
        cv2.putText(drawn, word, place, cv2.FONT_HERSHEY_SIMPLEX, 0.35, int(random.integers(256)), 1, cv2.LINE_AA)
    return drawn


def _scratch(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    import cv2

    drawn = image.copy()
    for _ in range(3):
        ends = random.integers(-10, image.shape[0] + 10, 4).tolist()
        cv2.line(drawn, ends[:2], ends[2:], int(random.integers(256)), int(random.integers(1, 4)), cv2.LINE_AA)
    return drawn


def _general(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return (_noise, _bicubic, _jpeg)[random.integers(3)](image, random)


def _pepper(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    changed, white = random.random((2, *image.shape), dtype=np.float32)
    return np.where(changed < random.uniform(0.01, 0.06), np.where(white < 0.5, 255, 0), image)


def _camera(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    noisy = image + random.uniform(0, 51) * random.standard_normal(image.shape, dtype=np.float32)
    return _jpeg(noisy.clip(0, 255).astype(np.uint8), random)


def _chain(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    import cv2

    blurred = cv2.GaussianBlur(image, (9, 9), random.uniform(0.3, 1.2))
    small = cv2.resize(blurred, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC)
    noisy = small + random.uniform(0, 10) * random.standard_normal(small.shape, dtype=np.float32)
    code = cv2.imencode(
        ".jpg", noisy.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 91))]
    )
    return cv2.resize(cv2.imdecode(code[1], cv2.IMREAD_GRAYSCALE), image.shape[::-1], interpolation=cv2.INTER_CUBIC)


def _kernel(side: int) -> np.ndarray:
    return np.full((side, side), 1 / side**2, np.float32)


PEERS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "denoise_blind": _noise,
    "poisson_gaussian": _sensor,
    "sr_blind": _bicubic,
    "jpeg_blind": _jpeg,
    "deblur": _blur(_kernel(15)),
    "deblur gaussian": _blur(_kernel(25)),
    "deblur motion": _blur(_kernel(15)),
    "inpaint_text": _text,
    "inpaint_scratch": _scratch,
    "general": _general,
    "kornia": _pepper,
    "albumentations": _camera,
    "chain": _chain,
}


class PeerPairs(Dataset):
    """Pairs made one by one: albumentations crops and turns, OpenCV corrupts.

    The images lie decoded in memory, which is kinder than the peers are to themselves.

    Args:
        kind: one of `PEERS`.
        patch_size: side of the square patch in pixels.
        length: pairs.
    """

    def __init__(self, kind: str, patch_size: int, length: int):
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else it asks its registry at import
        import albumentations

        images = datasets.read(datasets.find("photographs", None, 1, training=True), 1).images
        self.images = [image[0].numpy() for image in images]
        self.corrupt, self.length = PEERS[kind], length
        self.crop = albumentations.Compose(
            [
                albumentations.RandomCrop(patch_size, patch_size),
                albumentations.HorizontalFlip(p=0.5),
                albumentations.RandomRotate90(p=1.0),
            ]
        )

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng(index)
        clean = self.crop(image=self.images[index % len(self.images)])["image"]
        degraded = self.corrupt(np.ascontiguousarray(clean), random)
        return tuple(to_unit(torch.from_numpy(np.array(image, np.float32)))[None] for image in (degraded, clean))


class FilePatches(Dataset):
    """A patch per item as the common training programs have it: read a file, crop, turn, add noise.

    Args:
        files: gray images.
        side: of the patch.
        sigma: of the noise, in levels.
        count: items.
    """

    def __init__(self, files: list[str], side: int, sigma: float, count: int):
        self.files, self.side, self.sigma, self.count = files, side, sigma, count

    @staticmethod
    def write(images: list[Tensor], folder: Path, side: int = 180) -> list[str]:
        """PNG files of the images' middles, of Train400's size."""
        import cv2

        files = []
        for number, image in enumerate(images):
            top, left = ((length - side) // 2 for length in image.shape[-2:])
            files.append(str(folder / f"{number}.png"))
            cv2.imwrite(files[-1], image[0, top : top + side, left : left + side].numpy())
        return files

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, item: int) -> tuple[Tensor, Tensor]:
        import cv2

        random = np.random.default_rng(item)
        image = cv2.imread(self.files[random.integers(len(self.files))], cv2.IMREAD_GRAYSCALE)
        top, left = (random.integers(length - self.side + 1) for length in image.shape)
        patch = np.rot90(image[top : top + self.side, left : left + self.side], random.integers(4))
        patch = patch[::-1] if random.integers(2) else patch
        levels = torch.from_numpy(np.ascontiguousarray(patch, dtype=np.float32))[None]
        return to_unit(levels + self.sigma * torch.randn(levels.shape)), to_unit(levels)

import numpy as np
import pytest
import torch

from restore.data import datasets
from restore.data.datasets import Images
from restore.data.overlap import overlap


def textured(seed: int, height: int = 160, width: int = 200) -> torch.Tensor:
    """Something like a photograph: 1/f noise, the same at every scale."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    spectrum = np.exp(2j * np.pi * rng.random((height, width))) / (0.01 + np.hypot(fy, fx))
    image = np.fft.ifft2(spectrum).real
    image = (image - image.min()) / np.ptp(image) * 255
    return torch.from_numpy(image.astype(np.uint8))[None]


def images(name: str, **content: torch.Tensor) -> Images:
    return Images(name, list(content), list(content.values()), sources=list(content.values()))


def test_whole_cropped_and_recoloured_copies_are_found_and_others_not():
    large = {f"t{i}": textured(i) for i in range(4)}
    training = images("training", **large)
    crop = large["t1"][:, 37:117, 51:141]
    noisy = (large["t2"].float() * 0.8 + 20 + 3 * torch.randn(large["t2"].shape)).clamp(0, 255).byte()
    test = images(
        "test", same=large["t0"].clone(), crop=crop, gray=noisy, other=textured(99), small=textured(98, 80, 90)
    )
    assert overlap(training, test) == {"same": "t0", "crop": "t1", "gray": "t2"}
    # a test image larger than the training crop
    assert overlap(images("crops", c=crop), images("whole", w=large["t1"])) == {"w": "c"}


def test_cache_answers_the_second_time(tmp_path, monkeypatch):
    training, test = images("a", x=textured(1)), images("b", y=textured(1))
    assert overlap(training, test, tmp_path) == {"y": "x"}
    monkeypatch.setattr("restore.data.overlap._search", lambda *_: pytest.fail("searched again"))
    assert overlap(training, test, tmp_path) == {"y": "x"}


def read(name: str, root, training: bool) -> Images:
    return datasets.read(datasets.find(name, root, 1, training=training), 1)


def test_nothing_between_train400_and_bsd68(data_root):
    assert overlap(read("train400", data_root, True), read("bsd68", data_root, False)) == {}


@pytest.mark.slow
def test_bsd68_lies_inside_bsds500_val(data_root):
    found = overlap(read("bsd300", data_root, True), read("bsd68", data_root, False))
    assert len(found) == 68
    originals = {file.stem for file in datasets.find("bsd68", data_root, 3, training=False).files}
    assert set(found.values()) == originals


@pytest.mark.slow
def test_train400_lies_inside_bsds500_train_and_test(data_root):
    folder = data_root / "BSDS500"
    files = [file for part in ("train", "test") for file in sorted((folder / part).glob("*.jpg"))]
    bsds = datasets.read(datasets.Listing("bsds500", tuple(files)), 1)
    assert len(overlap(bsds, read("train400", data_root, True))) == 400

"""What RED-Net's released networks are given and how they are scored, against their demos' steps done by other programs.

NumPy, Pillow and SciPy compute each input here from the image file; the tasks and the protocol are those of the
commands in docs/released.md.
"""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from caffe_files import red_layers, red_output, write
from conftest import photograph, protocol, read_rows
from restore.conditions import Pair
from restore.config.build import build_network, build_settings
from restore.config.compose import compose
from restore.data.images import read_image
from restore.evaluation.protocol import Setting
from restore.models.red import REDNet

HEIGHT, WIDTH = 61, 50
COLOUR = photograph(HEIGHT, WIDTH, 3)


def pair_of(tmp_path, *words: str) -> tuple[Pair, Setting]:
    """The test pair that a command would make of the image in a file."""
    config = compose("evaluate", ["model=red30_released", "protocol=red", *words])
    (setting,) = build_settings(config.task)
    Image.fromarray(COLOUR).save(tmp_path / "colour.png")
    levels = read_image(tmp_path / "colour.png", setting.channels, "as in file")[None]
    return protocol("red", *words).pair(levels, setting, "01"), setting


def luma() -> np.ndarray:
    """Y of BT.601 in studio range, rounded to 8 bits."""
    return np.round(16 + COLOUR.astype(float) @ [65.481, 128.553, 24.966] / 255).astype(np.uint8)


def levels_of(image: torch.Tensor) -> np.ndarray:
    """An image in levels, ``(H, W)`` or ``(H, W, 3)``."""
    array = 255 * image[0].permute(1, 2, 0).double().numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


@pytest.mark.parametrize("sigma", [10, 30, 50, 70])
def test_noise_is_added_to_the_full_range_gray_image_and_nothing_is_clipped(sigma, tmp_path):
    pair, _ = pair_of(tmp_path, f"task.sigma={sigma}")
    gray = COLOUR.astype(float) @ [0.2989360212937754, 0.5870430744511212, 0.1140209042551034]
    assert np.array_equal(levels_of(pair.clean).round(), np.floor(gray + 0.5))
    assert pair.degraded.dtype == torch.float32
    noise = (levels_of(pair.degraded) - levels_of(pair.clean)) / sigma
    assert noise.mean() == pytest.approx(0, abs=5 / np.sqrt(noise.size))
    assert noise.std() == pytest.approx(1, abs=5 / np.sqrt(2 * noise.size))
    assert np.abs(noise * sigma - np.round(noise * sigma)).mean() == pytest.approx(0.25, abs=0.02), "no rounding"
    assert sigma == 10 or (levels_of(pair.degraded).min() < 0 and levels_of(pair.degraded).max() > 255)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_8_bit_luma_is_shrunk_and_enlarged_in_float(scale, tmp_path):
    pair, _ = pair_of(tmp_path, "task=sr", f"task.scale={scale}")
    height, width = HEIGHT // scale, WIDTH // scale
    clean = luma()[: height * scale, : width * scale]
    assert np.array_equal(levels_of(pair.clean).round(), clean)
    low = Image.fromarray(clean.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    high = np.asarray(low.resize((width * scale, height * scale), Image.Resampling.BICUBIC))
    inside = (slice(4 * scale, -4 * scale),) * 2  # Pillow's border is not MATLAB's
    np.testing.assert_allclose(levels_of(pair.degraded)[inside], high[inside], atol=1e-3)


@pytest.mark.parametrize("quality", [10, 20])
def test_the_8_bit_luma_goes_through_a_gray_jpeg_file(quality, tmp_path):
    pair, _ = pair_of(tmp_path, "task=jpeg", f"task.quality={quality}")
    file = io.BytesIO()
    Image.fromarray(luma()).save(file, "JPEG", quality=quality)
    assert np.array_equal(levels_of(pair.clean).round(), luma())
    assert np.array_equal(levels_of(pair.degraded).round(4), np.asarray(Image.open(file)))


def kernel_of(kind: str) -> np.ndarray:
    """``fspecial('disk', 7)``, by the share of 200×200 points of a pixel inside; ``fspecial('gaussian', 25, 1.6)``."""
    if kind == "gaussian":
        line = np.exp(-(np.arange(-12, 13) ** 2) / (2 * 1.6**2))
        weights = np.outer(line, line)
    else:
        at = (np.arange(15 * 200) + 0.5) / 200 - 7.5
        inside = at[:, None] ** 2 + at**2 <= 49
        weights = inside.reshape(15, 200, 15, 200).mean(axis=(1, 3))
    return weights / weights.sum()


@pytest.mark.parametrize("kernel", ["disk", "gaussian"])
def test_the_8_bit_colours_are_filtered_with_a_replicated_border_and_rounded(kernel, tmp_path):
    pair, _ = pair_of(tmp_path, "task=deblur", f"task.kernel={kernel}")
    assert np.array_equal(levels_of(pair.clean).round(), COLOUR)
    blurred = ndimage.convolve(COLOUR.astype(float), kernel_of(kernel)[..., None], mode="nearest")
    degraded = levels_of(pair.degraded).round(4)
    assert np.array_equal(degraded, degraded.round()), "8 bits"
    assert np.abs(degraded - blurred).max() < 0.52, "rounded from what SciPy has"
    assert (degraded == blurred.round()).mean() > 0.99


def test_scratches_are_drawn_on_8_bit_colours_and_nothing_is_told(tmp_path):
    pair, setting = pair_of(tmp_path, "task=inpaint_scratch")
    degraded = levels_of(pair.degraded).round(4)
    assert np.array_equal(levels_of(pair.clean).round(), COLOUR)
    assert np.array_equal(degraded, degraded.round())
    changed = (degraded != COLOUR).any(axis=-1).mean()
    assert 0 < changed < 0.3
    assert setting.name == "scratch"
    assert not hasattr(REDNet, "conditions"), "the mask that the pair carries goes to no network that does not ask"


@pytest.mark.parametrize("colour", [0, 1, 2])
def test_the_first_channel_is_red(colour, tmp_path):
    """From a file to the network: of a network that sees channel 0 alone, only a red image comes out changed."""
    layers = [(name, kind, [blob.copy() for blob in blobs]) for name, kind, blobs in red_layers(3)]
    for name, _, blobs in layers:
        if blobs:
            blobs[1][:] = 0
        if name == "conv1":
            blobs[0][:, 1:] = 0
    network = REDNet.from_file(write(tmp_path / "red.caffemodel", layers))
    image = np.zeros((9, 9, 3), np.uint8)
    image[..., colour] = 200
    Image.fromarray(image).save(tmp_path / "one.png")
    levels = read_image(tmp_path / "one.png", 3)[None].float() / 255
    assert torch.equal(network(levels), levels) == (colour != 0)


@pytest.mark.parametrize(("channels", "words"), [(1, ("task.sigma=30",)), (3, ("task=deblur", "task.kernel=disk"))])
def test_scored_as_the_released_program_scores(channels, words, command, image_folder, tmp_path):
    """The whole command: the mean of eight passes, in float, no border, all channels in one PSNR."""
    layers = red_layers(channels)
    write(tmp_path / "RED30.caffemodel", layers)
    folder = image_folder("photos", 1, channels, (24, 19))
    answer = command("evaluate", "model=red30_released", "weights=RED30.caffemodel", *words, "protocol=red",
                     f"test_sets=[{folder}]")  # fmt: skip
    assert answer.code == 0, answer.err
    (row,) = read_rows(tmp_path / "results.csv")
    config = compose("evaluate", ["protocol=red", *words])
    (setting,) = build_settings(config.task)
    levels = read_image(folder / "00.png", channels, "as in file")[None]
    pair = protocol("red").pair(levels, setting, row["image"])
    total = torch.zeros_like(pair.degraded, dtype=torch.float64)
    for turns in range(4):
        for mirrored in (False, True):
            version = pair.degraded.double().rot90(turns, (2, 3))
            version = version.flip(3) if mirrored else version
            restored = red_output(layers, version.transpose(2, 3)).transpose(2, 3)
            total += (restored.flip(3) if mirrored else restored).rot90(-turns, (2, 3))
    error = (total / 8 - pair.clean).square().mean().item()
    assert float(row["value"]) == pytest.approx(-10 * np.log10(error), abs=1e-3)
    assert row["channels"] == str(channels)


def test_released_is_red30_of_128_maps():
    config = compose("evaluate", ["model=red30_released", "task=deblur"])
    network = build_network(config.model)
    assert (network.channels, network.encoder[3].weight.shape) == (3, (128, 128, 3, 3))

"""SIDD's files of blocks: scipy writes them, and what is read is what was written."""

import zlib

import numpy as np
import pytest
import torch
from scipy.io import savemat

from conftest import read_rows
from restore.data import datasets
from restore.data.blocks import SIDD_BLOCKS, read_block
from restore.data.images import announced, read_image
from restore.data.pairs import find_pairs
from restore.errors import RequestError

SIZE = (3, 2, 24, 20, 3)  # scenes, blocks, rows, columns, channels
NAMES = {"ValidationGtBlocksSrgb": 1, "ValidationNoisyBlocksSrgb": 2}


def blocks(seed: int, size=SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def write(folder, compressed: bool = True, size=SIZE):
    folder.mkdir(exist_ok=True)
    for name, seed in NAMES.items():
        savemat(folder / f"{name}.mat", {name: blocks(seed, size)}, do_compression=compressed)
    return folder


@pytest.mark.parametrize("compressed", [True, False])
def test_every_block_is_the_one_that_was_written(compressed, tmp_path):
    pairs = find_pairs(write(tmp_path / "SIDD", compressed))
    assert [name for name, _, _ in pairs] == ["00-00", "00-01", "01-00", "01-01", "02-00", "02-01"]
    for name, clean, degraded in pairs:
        scene, block = map(int, name.split("-"))
        for seed, path in ((1, clean), (2, degraded)):
            assert announced(path) == (24 * 20, torch.uint8)
            assert (read_image(path, 3).permute(1, 2, 0).numpy() == blocks(seed)[scene, block]).all()
    assert read_image(pairs[0][1], 1).shape == (1, 24, 20)


def test_as_a_test_set_and_as_a_folder(command, tmp_path):
    write(tmp_path / "SIDD")
    words = ["task=real_noise", "results=rows.csv", f"paths.data={tmp_path}"]
    answer = command("evaluate", *words, "test_sets=sidd")
    assert answer.code == 0, answer.err
    rows = read_rows(tmp_path / "rows.csv")
    assert [row["image"] for row in rows][:2] == ["00-00", "00-01"]
    error = ((blocks(1)[0, 0].astype(float) - blocks(2)[0, 0]) ** 2).mean()
    assert float(rows[0]["value"]) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)
    listing = datasets.find(str(tmp_path / "SIDD"), None, 3, training=True)
    assert len(datasets.read(listing, 3).partners) == 6


def test_a_changed_file_is_read_again(tmp_path):
    write(tmp_path)
    path = tmp_path / SIDD_BLOCKS.clean / "02-01"
    assert (read_block(path) == blocks(1)[2, 1]).all()
    savemat(path.parent, {"ValidationGtBlocksSrgb": blocks(7)})
    assert (read_block(path) == blocks(7)[2, 1]).all()


def read_all(folder) -> None:
    for _, _, degraded in find_pairs(folder):
        read_image(degraded, 3)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def not_matlab(content: bytes) -> bytes:
    return b"x" * len(content)


def torn(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(64) + content[middle + 64 :]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [(cut, "cut off"), (not_matlab, "no file of MATLAB 5 to 7"), (torn, "cannot read the blocks of")],
)
def test_a_damaged_file_is_one_sentence(damage, sentence, tmp_path):
    write(tmp_path)
    file = tmp_path / SIDD_BLOCKS.degraded
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(RequestError, match=sentence):
        read_all(tmp_path)


@pytest.mark.parametrize("size", [(2, 24, 20, 3), (3, 2, 24, 20, 4)])
def test_another_array_is_refused(size, tmp_path):
    with pytest.raises(RequestError, match="one of uint8 scenes×blocks×rows×columns×3 is read"):
        find_pairs(write(tmp_path, size=size))
    savemat(tmp_path / SIDD_BLOCKS.clean, {"x": np.zeros(SIZE)})
    with pytest.raises(RequestError, match="one of uint8"):
        find_pairs(tmp_path)


def test_two_that_do_not_belong_together(tmp_path):
    write(tmp_path)
    savemat(tmp_path / SIDD_BLOCKS.clean, {"x": blocks(1, (2, 2, 24, 20, 3))})
    with pytest.raises(RequestError, match=r"different sizes, 2×2×24×20×3 and 3×2×24×20×3"):
        find_pairs(tmp_path)
    (tmp_path / SIDD_BLOCKS.clean).unlink()
    with pytest.raises(RequestError, match=r"has no ValidationGtBlocksSrgb\.mat beside it"):
        find_pairs(tmp_path)
    write(tmp_path)
    with pytest.raises(RequestError, match="no block 03-00"):
        read_image(tmp_path / SIDD_BLOCKS.clean / "03-00", 3)


def test_a_small_file_that_unpacks_to_more_than_it_says_is_not_laid_out(tmp_path):
    file = tmp_path / SIDD_BLOCKS.clean
    write(tmp_path, compressed=False)
    content = bytearray(file.read_bytes())
    place = content.index(np.array(SIZE, "<i4").tobytes())
    content[place : place + 4] = np.array([10**6], "<i4").tobytes()
    inner = bytes(content[128:])
    packed = zlib.compress(inner)
    file.write_bytes(bytes(content[:128]) + np.array([15, len(packed)], "<u4").tobytes() + packed)
    with pytest.raises(RequestError, match="its array has 8,640 bytes, which is not 1000000×2×24×20×3"):
        find_pairs(tmp_path)

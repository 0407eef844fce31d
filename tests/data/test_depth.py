"""Images of 16 bits and of floats train and are tested at their depth, and are what their 8-bit copies are."""

import numpy as np
import pytest
import tifffile
import torch

from conftest import photograph, protocol
from restore import photos
from restore.config.build import build_settings
from restore.config.compose import compose
from restore.data import datasets
from restore.data.bank import ImageBank
from restore.data.datamodule import RestorationData
from restore.data.images import half_size, read_image, resized
from restore.data.overlap import overlap
from restore.data.split import shrunk_copies
from restore.data.storage import ImageStorage
from restore.degradations.noise import GaussianNoise
from restore.errors import RequestError
from restore.image import as_stored, deepened, stored_to_unit

DEPTHS = {"u1": torch.uint8, "u2": torch.uint16, "f4": torch.float32}


def stored(depth, levels):
    """The file's levels of an 8-bit image in another depth: the same image exactly."""
    return {"u1": levels, "u2": levels.astype("u2") * 257, "f4": levels.astype("f4") / np.float32(255)}[depth]


def folder_of(tmp_path, depths, channels=1):
    folder = tmp_path / "-".join(depths)
    folder.mkdir()
    for number, depth in enumerate(depths):
        levels = stored(depth, photograph(48, 40, channels, number))
        peak = {"u1": 255, "u2": 65535, "f4": 1}[depth]
        photos.write(photos.Photo(levels, peak=peak), folder / f"{number}{'.tif' if depth == 'f4' else '.png'}")
    return folder


def read_folder(folder, channels=1, **more):
    return datasets.read(datasets.find(str(folder), None, channels, training=True), channels, **more)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("luma", ["gray", "y", "as in file"])
@pytest.mark.parametrize("depth", ["u2", "f4"])
def test_an_image_is_what_its_copy_of_8_bits_is(tmp_path, depth, luma, channels):
    folder = folder_of(tmp_path, ["u1", depth], channels=3)
    for copy in (tmp_path / "a.png",):
        photos.write(photos.Photo(photograph(48, 40, 3, 1)), copy)
    deep = read_image(folder / ("1.tif" if depth == "f4" else "1.png"), channels, luma)
    plain = read_image(tmp_path / "a.png", channels, luma)
    assert deep.dtype == DEPTHS[depth]
    half_a_level = 0.5 / 255 if channels == 1 and luma != "as in file" else 1e-7  # luma is rounded at its own depth
    assert (stored_to_unit(deep) - stored_to_unit(plain)).abs().max() <= half_a_level + 1e-6


def test_a_level_of_16_bits_is_not_lost_on_its_way_to_a_patch(tmp_path, generator):
    levels = np.arange(65536, dtype="u2").reshape(256, 256)
    photos.write(photos.Photo(levels, peak=65535), tmp_path / "a.png")
    image = read_image(tmp_path / "a.png", 1)
    patches = ImageBank([image], ["a"]).crop(torch.tensor([[0, 0, 0, o] for o in range(8)]), 256)
    assert all(len(patch.unique()) == 65536 for patch in patches)
    assert torch.equal((patches[0, 0] * 65535).round().to(torch.int32), torch.from_numpy(levels.astype("i4")))


def test_depths_mix_in_one_bank_at_the_deepest(tmp_path):
    for depths, kind in (
        (("u1", "u2"), torch.uint16),
        (("u1", "u2", "f4"), torch.float32),
        (("u1", "u1"), torch.uint8),
    ):
        images = read_folder(folder_of(tmp_path, depths))
        bank = ImageBank(images.images, images.names)
        assert bank.buffer.dtype == kind
        same = torch.stack([torch.from_numpy(photograph(48, 40, 1, n)) for n in range(len(depths))])
        places = torch.tensor([[n, 4, 5, 0] for n in range(len(depths))])
        assert torch.allclose(bank.crop(places, 30)[:, 0], same[:, 4:34, 5:35].float() / 255, atol=1e-7, rtol=0)


def test_a_large_deep_set_is_mapped_at_its_depth(tmp_path, monkeypatch):
    folder = folder_of(tmp_path, ("u1", "u2", "u1"))
    plain = read_folder(folder)
    monkeypatch.setattr("restore.data.storage.ImageStorage.__init__.__defaults__", (None, 100, None))
    mapped = read_folder(folder)
    assert {image.dtype for image in mapped.images} == {torch.uint16}
    assert len({image.untyped_storage().data_ptr() for image in mapped.images}) == 1
    banks = [ImageBank(images.images, images.names) for images in (plain, mapped)]
    assert banks[1].buffer.data_ptr() == mapped.images[0].data_ptr(), "not copied"
    places = torch.tensor([[i, 2, 3, o] for i in range(3) for o in range(8)])
    assert torch.equal(banks[0].crop(places, 16), banks[1].crop(places, 16))
    assert ImageStorage([], 1).buffer is None


def test_what_the_file_does_not_say_is_told(tmp_path):
    """Twelve bits in sixteen: `range` makes 4095 white; a file of 8 bits says itself what is."""
    levels = (photograph(48, 40, 1, 0).astype(float) / 255 * 4095).round()
    photos.write(photos.Photo(levels.astype("u2"), peak=65535), tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "b.tif", levels.astype("f4"), photometric="minisblack")
    photos.write(photos.Photo(photograph(48, 40, 1, 0)), tmp_path / "c.png")
    a, b, c = (read_image(tmp_path / name, 1, peak=4095) for name in ("a.png", "b.tif", "c.png"))
    assert a.dtype == b.dtype == torch.float32
    assert torch.equal(a, b)
    assert torch.equal(a, torch.from_numpy((levels / 4095).astype("f4"))[None])
    assert c.dtype == torch.uint8
    with pytest.raises(RequestError, match=r"a\.png: peak must be above 0 and at most 65535, and it is 70000"):
        read_image(tmp_path / "a.png", 1, peak=70_000)


@pytest.mark.parametrize("depth", ["u2", "f4"])
def test_shrinking_and_resizing_keep_the_depth(depth):
    levels = photograph(48, 40, 1, 3)
    plain, deep = (torch.from_numpy(stored(each, levels))[None] for each in ("u1", depth))
    copies = [
        shrunk_copies(datasets.Images("x", ["x"], [image], sources=[image]), [1, 0.7], 8).images[1]
        for image in (plain, deep)
    ]
    for first, second in (copies, *((f(plain), f(deep)) for f in (half_size, lambda image: resized(image, 20)))):
        assert second.dtype == deep.dtype
        difference = (stored_to_unit(first) - stored_to_unit(second)).abs().max()
        assert 0 < difference < 0.6 / 255 or depth == "f4", "8 bits are rounded, the other less"


@pytest.mark.parametrize("depths", [("u2", "u2", "u2"), ("f4", "f4", "f4"), ("u1", "u2", "f4")])
def test_patches_and_noise_are_those_of_8_bits(tmp_path, depths):
    """The same coordinates, the same noise: sigma is in levels of 255 of the range at any depth."""
    batches = []
    for kinds in (("u1", "u1", "u1"), depths):
        data = RestorationData(
            [str(folder_of(tmp_path, kinds))],
            ["photographs"],
            GaussianNoise(25),
            patch_size=24,
            batch_size=4,
            validation=0.34,
        )
        data.read_training()
        data.fill_bank()
        data.batch_seed = 5
        batches.append(data.pairs(data.coordinates(0, 1)[3]))
    for name in ("clean", "degraded"):
        first, second = (getattr(batch, name) for batch in batches)
        assert torch.allclose(first, second, atol=3e-7, rtol=0)
    noise = (batches[1].degraded - batches[1].clean).std() * 255
    assert noise == pytest.approx(25, rel=0.05)


@pytest.mark.parametrize("depth", ["u2", "f4"])
@pytest.mark.parametrize("task", ["denoise", "sr", "jpeg", "deblur", "inpaint_text"])
@pytest.mark.parametrize("name", ["dncnn", "red", "srcnn"])
def test_protocols_take_any_depth(depth, task, name):
    """A test pair of a deep image is that of its 8-bit copy, within the rounding that the protocol does."""
    setting = build_settings(compose("evaluate", [f"task={task}"]).task)[0]
    levels = photograph(48, 48, 3, 2)
    states = [torch.from_numpy(stored(each, levels)).permute(2, 0, 1)[None].contiguous() for each in ("u1", depth)]
    pairs = [protocol(name).pair(state, setting, "x") for state in states]
    for part in ("clean", "degraded"):
        first, second = (getattr(pair, part) for pair in pairs)
        assert first.shape == second.shape
        assert (first - second).abs().mean() < 1 / 255


def test_the_overlap_is_found_across_depths(tmp_path):
    training = read_folder(folder_of(tmp_path, ("u1", "u1")))
    for depths in (("u2", "u2"), ("f4", "f4")):
        assert overlap(training, read_folder(folder_of(tmp_path, depths))) == {"0": "0", "1": "1"}


def test_deeper_and_back():
    levels = torch.arange(256, dtype=torch.uint8)
    for dtype in DEPTHS.values():
        deep = deepened(levels, dtype)
        assert deep.dtype == dtype
        assert torch.allclose(stored_to_unit(deep), levels.float() / 255, atol=1e-7, rtol=0)
    deep = torch.arange(65536, dtype=torch.int32).to(torch.uint16)
    assert torch.equal(as_stored(deepened(deep, torch.float32) * 65535, torch.uint16), deep)

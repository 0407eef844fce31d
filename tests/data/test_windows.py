"""A pair of patches is a cut of a pair of images, where blocks or samples have a grid."""

import itertools

import numpy as np
import pytest
import torch

from restore.conditions import Pair, turn
from restore.data import datasets
from restore.data.bank import ImageBank
from restore.data.sampler import PatchCoordinates
from restore.data.windows import Windows
from restore.degradations.base import Degradation
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.blur import Blur
from restore.degradations.jpeg import JPEG
from restore.degradations.mix import Mix
from restore.degradations.noise import GaussianNoise
from restore.image import to_unit


def drawn(sizes: torch.Tensor, windows: Windows, count: int = 400, **how) -> tuple[torch.Tensor, torch.Tensor]:
    """A step's patches ``(B, 4)``, and the windows around them."""
    pair = [
        PatchCoordinates(sizes, windows.patch_size, count, 0, "images", windows=w, **how)[0] for w in (None, windows)
    ]
    return pair[0], pair[1]


def in_turned_image(patches: torch.Tensor, sizes: torch.Tensor, side: int) -> torch.Tensor:
    """Rows and columns before each square of `side` in its image as it is turned, ``(B, 2)``."""
    orientation = patches[:, 3, None]
    flipped = (orientation & torch.tensor([2, 1])) > 0
    place = torch.where(flipped, sizes[patches[:, 0]] - side - patches[:, 1:3], patches[:, 1:3])
    return torch.where(orientation & 4 > 0, place.flip(1), place)


@pytest.mark.parametrize(
    ("windows", "side"),
    [
        (Windows(50), 50),
        (Windows(50, margin=7), 64),
        (Windows(50, grid=8), 64),
        (Windows(50, grid=16), 80),
        (Windows(50, margin=1, grid=2), 54),
        (Windows(50, margin=1, grid=12), 72),
        (Windows(50, margin=1, grid=24), 96),
        (Windows(48, grid=8, aligned=True), 48),
        (Windows(48, margin=1, grid=3, aligned=True), 54),
    ],
)
def test_side(windows, side):
    assert windows.side == side


SIZES = torch.tensor([[78, 78], [53, 61], [50, 50], [180, 180], [97, 260]])


@pytest.mark.parametrize(("margin", "grid"), [(0, 8), (0, 16), (1, 2), (1, 3), (5, 12), (1, 24), (9, 1)])
def test_a_window_begins_on_the_grid_and_holds_patch_and_margin(margin, grid):
    windows = Windows(50, margin, grid)
    patches, cuts = drawn(SIZES, windows)
    assert torch.equal(patches[:, [0, 3]], cuts[:, [0, 3]])
    patch, window = in_turned_image(patches, SIZES, 50), in_turned_image(cuts, SIZES, windows.side)
    before = cuts[:, 4:]
    assert torch.equal(window + before, patch), "the patch is where it was drawn"
    assert (window % grid == 0).all()
    assert windows.side % grid == 0
    turned = torch.where(cuts[:, 3, None] & 4 > 0, SIZES[cuts[:, 0]].flip(1), SIZES[cuts[:, 0]])
    assert (window >= 0).all(), "it begins within the image"
    assert ((window + windows.side < turned + grid) | (window == 0)).all(), "and ends there, to less than a period"
    assert (before >= torch.minimum(patch, torch.tensor(margin))).all()
    after = windows.side - before - 50
    assert (after >= torch.minimum(turned - patch - 50, torch.tensor(margin))).all()


def test_blocks_begin_anywhere_in_a_patch_of_a_small_image():
    """Of T91's smallest images, 78 pixels wide, too."""
    _, cuts = drawn(torch.tensor([[78, 78]]), Windows(50, grid=8), 2000)
    counts = torch.bincount(cuts[:, 4] % 8 * 8 + cuts[:, 5] % 8, minlength=64)
    assert counts.min() > 10, "any of the 64 phases"


@pytest.mark.parametrize(("margin", "grid"), [(0, 8), (1, 3), (5, 12)])
def test_aligned_patches_begin_on_the_grid(margin, grid):
    windows = Windows(50, margin, grid, aligned=True)
    patches, cuts = drawn(SIZES, windows)
    before, window = cuts[:, 4:], in_turned_image(cuts, SIZES, windows.side)
    assert (before % grid == 0).all()
    moved = in_turned_image(patches, SIZES, 50) - (window + before)
    assert (window + before >= 0).all()
    assert set(moved.flatten().tolist()) == set(range(grid)), "back to where a period begins"
    assert (windows.side - before - 50 >= margin).all()


def test_ranks_share_the_windows_of_a_step():
    windows = Windows(50, 1, 12)
    whole = PatchCoordinates(SIZES, 50, 8, 0, "pixels", windows=windows)[3]
    shares = [PatchCoordinates(SIZES, 50, 8, 0, "pixels", rank, 2, windows=windows)[3] for rank in range(2)]
    assert torch.equal(torch.stack(shares, dim=1).flatten(0, 1), whole)
    assert whole.dtype == torch.long
    assert whole.shape == (8, 6)


def test_a_margin_without_a_grid_is_around_every_patch():
    patches, cuts = drawn(SIZES, Windows(50, margin=7))
    assert torch.equal(patches - torch.tensor([0, 7, 7, 0]), cuts)


def pairs(degradation: Degradation, images: list[torch.Tensor], windows: Windows, count: int) -> tuple[Pair, Pair]:
    """Patches as they are trained on, and the same patches cut from whole images that were degraded so strongly."""
    sizes = torch.tensor([image.shape[-2:] for image in images])
    patches, cuts = drawn(sizes, windows, count)
    bank = ImageBank(images, [""] * len(images))
    clean, generator = bank.crop(cuts[:, :4], windows.side), torch.Generator().manual_seed(0)
    strengths = degradation.draw(count, generator)
    before = cuts[:, 4:].unbind(1) if windows.grid else (windows.margin, windows.margin)
    trained = degradation.apply(clean, strengths, generator).crop(*before, windows.patch_size)
    wholes = []
    for number, (place, (image, *_, orientation)) in enumerate(
        zip(in_turned_image(patches, sizes, windows.patch_size).tolist(), patches.tolist(), strict=True)
    ):
        own = {name: strength[number : number + 1] for name, strength in strengths.items()}
        whole = degradation.apply(turn(to_unit(images[image][None].float()), orientation), own, generator)
        wholes.append(whole.crop(*place, windows.patch_size))
    degraded, clean = (torch.cat([getattr(whole, name) for whole in wholes]) for name in ("degraded", "clean"))
    return trained, Pair(degraded, clean)


def of_energy(trained: Pair, cut: Pair) -> float:
    """How much of the residual's energy the two residuals differ by."""
    difference = (trained.degraded - cut.degraded).square().sum()
    return float(difference / (cut.degraded - cut.clean).square().sum())


PAPERS = {
    "jpeg": (lambda: JPEG({"set": [10, 20, 30, 40]}, channels=1), 1, 1e-6),
    "jpeg of colour": (lambda: JPEG({"set": [10, 20, 30, 40]}), 3, 1e-3),
    "x2": (lambda: BicubicDownUp(2), 1, 4e-3),
    "x3": (lambda: BicubicDownUp(3), 1, 4e-3),
    "x4": (lambda: BicubicDownUp(4), 1, 4e-3),
    "x2, x3 and x4": (lambda: BicubicDownUp({"set": [2, 3, 4]}), 1, 1e-3),
    "blur": (lambda: Blur("disk", radius=7), 1, 1e-6),
}


@pytest.mark.parametrize("name", PAPERS)
def test_residuals_differ_by_less_than_half_a_percent_from_those_of_whole_images(name):
    make, channels, bound = PAPERS[name]
    images = datasets.read(datasets.find("photographs", None, channels, training=True), channels).images[1:5]
    images.append(images[0][:, :78, :78])
    degradation = make()
    trained, cut = pairs(degradation, images, Windows(50, degradation.margin, degradation.grid), 48)
    assert torch.equal(trained.clean, cut.clean)
    assert of_energy(trained, cut) < bound
    alone, _ = pairs(degradation, images, Windows(50), 48)
    assert of_energy(alone, cut) > 0.01, "a patch degraded alone is another one"


def test_what_a_mixture_asks_for_is_enough_for_each_of_its_parts():
    parts = [GaussianNoise(25), BicubicDownUp({"set": [2, 3, 4]}), JPEG([5, 99], channels=1)]
    mix = Mix(parts)
    assert (mix.margin, mix.grid) == (1, 24)
    images = datasets.read(datasets.find("photographs", None, 1, training=True), 1).images[1:4]
    for part in parts[1:]:
        assert of_energy(*pairs(part, images, Windows(50, mix.margin, mix.grid), 32)) < 1e-3


def test_grids_of_what_is_shipped():
    assert [JPEG(10, channels).grid for channels in (1, 3)] == [8, 16]
    scales = [1, 2, 3, 4, 8, [2, 4], {"set": [2, 3, 4]}, {"set": [2, 8]}, [1, 8]]
    assert [BicubicDownUp(scale).grid for scale in scales] == [0, 2, 3, 4, 8, 12, 12, 8, 24]
    assert [BicubicDownUp(scale).margin for scale in (1, 2, 4)] == [0, 1, 1]
    assert GaussianNoise(25).grid == Blur("disk").grid == 0


def test_every_orientation_and_both_axes_come_into_it():
    """Against turning the image itself, one patch at a time."""
    image = torch.arange(40 * 30, dtype=torch.float32).remainder(251).to(torch.uint8).view(1, 40, 30)
    windows, bank = Windows(9, 2, 4), ImageBank([image], ["a"])
    for orientation, top, left in itertools.product(range(8), (0, 7, 31), (0, 10, 21)):
        patch = np.array([[0, top, left, orientation]])
        cut = torch.from_numpy(windows.around(patch, np.array([[40, 30]])))
        window = bank.crop(cut[:, :4], windows.side)
        inner = window[:, :, cut[0, 4] : cut[0, 4] + 9, cut[0, 5] : cut[0, 5] + 9]
        assert torch.equal(inner[0], to_unit(turn(image[:, top : top + 9, left : left + 9], orientation).float()))

"""Transforms of albumentations: what can be had, what is refused, and where the randomness comes from."""

import io
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from restore.conditions import Pair
from restore.config.build import build_data, build_degradation, build_settings
from restore.config.compose import compose
from restore.degradations.albumentations_catalogue import catalogue, table
from restore.degradations.albumentations_transform import REFUSED, AlbumentationsTransforms, pixel_transforms
from restore.errors import RequestError
from restore.image import quantise

CAMERA = [{"name": "ISONoise", "intensity": [0.1, 0.5]}, {"name": "ImageCompression", "quality_range": [30, 90]}]


def image(n: int = 3, channels: int = 3, side: int = 40) -> torch.Tensor:
    coarse = torch.rand(n, channels, 6, 6, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(0.05, 0.95)


def run(transforms, clean: torch.Tensor, seed: int = 0) -> torch.Tensor:
    degradation = AlbumentationsTransforms(transforms, clean.shape[1])
    return degradation(clean, torch.Generator().manual_seed(seed)).degraded


@pytest.fixture(scope="module")
def entries():
    return {entry.name: entry for entry in catalogue()}


def test_every_pixel_transform_can_be_had_or_says_why(entries):
    """Whatever the installed albumentations has: a transform that comes anew and fails has no reason here."""
    assert set(entries) == set(pixel_transforms())
    assert {name for name, entry in entries.items() if entry.reason} == set(REFUSED)
    assert all(entry.reason or entry.gray or entry.colour for entry in entries.values())
    assert {name for name, entry in entries.items() if entry.colour and not entry.gray} >= {"ISONoise", "RandomFog"}
    page = table()
    assert all(f"| `{name}` |" in page for name in entries)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_cannot_be_used(name):
    """Called on an image alone it fails, does nothing, changes the kind of numbers or leaves the unit range."""
    results = []
    for channels in (1, 3):
        array = np.random.default_rng(0).random((48, 48, channels), dtype=np.float32)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = pixel_transforms()[name](p=1)(image=array)["image"]
        except ValueError:
            continue
        of_its_kind = result.dtype == array.dtype and result.shape == array.shape
        results.append(of_its_kind and not np.array_equal(result, array) and 0 <= result.min() <= result.max() <= 1)
    assert not any(results)
    with pytest.raises(ValueError, match=f"transforms cannot have {name}: it"):
        AlbumentationsTransforms([name])


def test_every_one_draws_from_the_passed_generator_alone(entries):
    """The same seed gives the same pixels, another other ones, and the three global generators stand still."""
    for entry in entries.values():
        if entry.reason:
            continue
        clean = image(1, 3 if entry.colour else 1).expand(4, -1, -1, -1)
        words = {"name": entry.name} | ({"num_masks_x": 2, "mask_x_length": 8} if entry.name == "XYMasking" else {})
        degradation = AlbumentationsTransforms([words], clean.shape[1])
        states = [torch.random.get_rng_state(), str(np.random.get_state()), random.getstate()]  # noqa: NPY002
        one = degradation(clean, torch.Generator().manual_seed(0)).degraded
        now = [torch.random.get_rng_state(), str(np.random.get_state()), random.getstate()]  # noqa: NPY002
        assert torch.equal(states[0], now[0]), entry.name
        assert states[1:] == now[1:], entry.name
        random.seed(len(entry.name))
        np.random.seed(len(entry.name))  # noqa: NPY002
        again = degradation(clean, torch.Generator().manual_seed(0)).degraded
        assert torch.equal(one, again), f"{entry.name} reads a global generator"
        assert torch.isfinite(one).all(), entry.name
        assert 0 <= one.min() <= one.max() <= 1, entry.name
        assert any(not torch.equal(one[0], sample) for sample in one[1:]) == entry.drawn, entry.name


def test_two_noises_in_a_row_are_not_the_same_noise():
    """With one seed for each transform, as Compose has it, the second would repeat the first."""
    noise = {"name": "GaussNoise", "std_range": [0.05, 0.05]}
    clean = torch.full((1, 1, 128, 128), 0.5)
    once, twice = (run([noise] * count, clean) - clean for count in (1, 2))
    assert once.std().item() == pytest.approx(0.05, rel=0.05)
    assert twice.std().item() == pytest.approx(0.05 * 2**0.5, rel=0.05)
    assert torch.corrcoef(torch.stack([once.flatten(), (twice - once).flatten()]))[0, 1].abs() < 0.05


def test_a_sample_depends_on_its_seed_and_not_on_its_place():
    clean, degradation = image(), AlbumentationsTransforms(CAMERA)
    seeds = {"seed": torch.tensor([5, 6, 7])}
    pair = degradation.apply(clean, seeds, torch.Generator())
    alone = degradation.apply(clean[2:], {"seed": seeds["seed"][2:]}, torch.Generator())
    assert torch.equal(pair.degraded[2:], alone.degraded)
    assert isinstance(pair, Pair)
    assert not pair.conditions


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_the_file_that_a_camera_writes(channels):
    """To the last bit what Pillow writes and reads of the image rounded to 8 bits, red as red."""
    clean = image(1, channels, 64)
    degraded = run([{"name": "ImageCompression", "quality_range": [20, 20]}], clean)
    levels = (quantise(clean)[0] * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(levels.squeeze()).save(file, "JPEG", quality=20)
    expected = np.array(Image.open(file)).reshape(levels.shape)
    assert np.array_equal((255 * degraded[0].permute(1, 2, 0)).round().byte().numpy(), expected)


def test_float_stays_float_unless_a_transform_rounds(entries):
    clean = image(1, 1)
    assert not torch.equal(quantise(clean), clean)
    noisy = run(["GaussNoise"], clean)
    assert not torch.allclose(quantise(noisy), noisy, atol=1e-6)
    rounded = run(["MedianBlur"], clean)
    torch.testing.assert_close(quantise(rounded), rounded, atol=1e-6, rtol=0)
    assert entries["MedianBlur"].eight_bit
    assert not entries["GaussNoise"].eight_bit


def test_share_of_samples_and_one_of_several():
    clean = torch.full((200, 1, 8, 8), 0.5)
    half = run([{"name": "GaussNoise", "p": 0.5}], clean)
    assert (half != clean).flatten(1).any(1).float().mean().item() == pytest.approx(0.5, abs=0.1)
    entry = {"name": "OneOf", "transforms": [{"name": "InvertImg", "p": 3 / 4}, {"name": "GaussNoise", "p": 1 / 4}]}
    clean = torch.full((200, 1, 8, 8), 0.25)
    inverted = (run([entry], clean) == 0.75).flatten(1).all(1).float().mean()
    assert inverted.item() == pytest.approx(0.75, abs=0.1)


REFUSALS = {
    "a near name": ([{"name": "IsoNoise"}], "unknown transform of albumentations 'IsoNoise': did you mean 'ISONoise'"),
    "geometry": (
        ["HorizontalFlip"],
        "transforms cannot have HorizontalFlip: it is none that changes pixels and leaves them",
    ),
    "near argument": (
        [{"name": "ISONoise", "intensty": [0, 1]}],
        "unknown argument of ISONoise 'intensty': did you mean",
    ),
    "bad value": (
        [{"name": "ISONoise", "intensity": [0.5, 0.1]}],
        r"transforms has ISONoise's intensity wrong: .* and it is \[0.5, 0.1\]",
    ),
    "bad share": ([{"name": "Blur", "p": 2}], "Blur's p wrong: .*less than or equal to 1, and it is 2"),
    "no name": ([{"p": 1}], "transforms has one without a name"),
    "no list": ("ISONoise", "transforms is a list of at least one"),
    "an empty one": ([], "transforms is a list of at least one"),
    "an empty choice": ([{"name": "OneOf"}], "transforms has OneOf as"),
    "a choice of nothing": ([{"name": "OneOf", "transforms": [{"name": "Blur", "p": 0}]}], "a part of p above 0"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_wrong_words_are_one_sentence(case):
    transforms, message = REFUSALS[case]
    with pytest.raises((ValueError, RequestError), match=message) as caught:
        AlbumentationsTransforms(transforms)
    assert "\n" not in str(caught.value)


def test_colour_alone_is_said_before_anything_is_trained():
    with pytest.raises(
        ValueError, match=r"ISONoise, which cannot be applied: it is for colour images \(task.channels=3\)"
    ):
        AlbumentationsTransforms(CAMERA, channels=1)
    for arguments in ({"channels": 2}, {"margin": -1}, {"grid": 2.5}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            AlbumentationsTransforms(CAMERA, **arguments)


def test_the_task_names_its_setting_by_its_transforms():
    config = compose("config", ["task=albumentations", "task.transforms=[{name:Blur,blur_limit:[3,5]},MedianBlur]"])
    (setting,) = build_settings(config.task)
    assert setting.name == "Blur(blur_limit=3..5)+MedianBlur"
    assert setting.degradation.margin == 4
    choice = {"name": "OneOf", "transforms": ["Blur", {"name": "MedianBlur", "p": 0.5}]}
    assert AlbumentationsTransforms([choice]).suffix == " OneOf(Blur|MedianBlur(p=0.5))"
    with pytest.raises(RequestError, match=r"^task\.transforms has Blur's blur_limit wrong"):
        build_degradation(
            {"_target_": f"{AlbumentationsTransforms.__module__}.AlbumentationsTransforms"}
            | {"transforms": [{"name": "Blur", "blur_limit": "far"}]}
        )


def test_the_call_home_is_silenced_and_nothing_is_imported_before_it_is_used():
    program = """
import sys, urllib.request
urllib.request.OpenerDirector.open = lambda *_, **__: sys.exit("asked a server")
from restore.degradations.albumentations_transform import AlbumentationsTransforms
assert "albumentations" not in sys.modules
AlbumentationsTransforms([{"name": "Blur"}])
assert "albumentations.check_version" in sys.modules
"""
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_step_is_the_same_whatever_went_before():
    """So that a run that is resumed, or goes over more devices, repeats nothing: pairs follow from seed and step."""
    words = ["task=albumentations", "budget=cpu", "data.patch_size=24", "data.batch_size=4", "data.share=0.3"]
    pairs = []
    for earlier in ([0, 1], []):
        data = build_data(compose("config", words))
        data.read_training()
        data.fill_bank()
        for step in [*earlier, 2]:
            data.batch_seed = step
            pair = data.pairs(data.coordinates(0, 1)[step])
        pairs.append(pair)
    assert torch.equal(pairs[0].degraded, pairs[1].degraded)
    assert torch.equal(pairs[0].clean, pairs[1].clean)
    assert pair.degraded.shape == (4, 3, 24, 24)
    assert not torch.equal(pair.degraded, pair.clean)

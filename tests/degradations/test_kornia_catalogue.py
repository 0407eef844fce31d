"""All of kornia's intensity transforms, tried: the table of docs/kornia.md and what it says."""

import importlib.util
from pathlib import Path

import pytest
import torch

from restore.degradations.kornia_catalogue import EXAMPLES, NOT_TRIED, catalogue, names
from restore.degradations.kornia_transform import KorniaTransform
from second_device import second_device

# of the transforms in kornia 0.9; those of another version are tried by the table all the same
COLOUR_ALONE = {
    *("ColorJiggle", "ColorJitter", "RandomChannelDropout", "RandomChannelShuffle", "RandomGrayscale", "RandomHue"),
    *("RandomJPEG", "RandomPlanckianJitter", "RandomRGBShift", "RandomSaturation", "RandomSnow"),
}
FIXED = {
    *("Normalize", "Denormalize", "RandomAutoContrast", "RandomBoxBlur", "RandomEqualize", "RandomGrayscale"),
    *("RandomInvert", "RandomMedianBlur"),
}


@pytest.fixture(scope="module")
def trials():
    return {trial.name: trial for trial in catalogue()}


def build(name: str) -> KorniaTransform:
    channels = 3 if name in COLOUR_ALONE else 1
    return KorniaTransform({"_target_": f"kornia.augmentation.{name}", **EXAMPLES.get(name, {})}, channels)


def test_which_can_be_had(trials):
    assert {name for name, trial in trials.items() if trial.reasons[3]} <= set(NOT_TRIED)
    assert {name for name, trial in trials.items() if trial.reasons[1]} - set(NOT_TRIED) == COLOUR_ALONE & set(trials)
    assert len(trials) > 30


def test_samples_differ_unless_nothing_is_drawn(trials):
    assert {name for name, trial in trials.items() if not trial.varies} - set(NOT_TRIED) == FIXED & set(trials)
    assert trials["ColorJitter"].shared == ("order",)
    assert trials["RandomMotionBlur"].shared == ("ksize_factor",)
    assert not trials["RandomGamma"].shared


TRIED = [name for name in names() if name not in NOT_TRIED]


@pytest.mark.parametrize("name", TRIED)
def test_on_the_second_device(name):
    with second_device() as device:
        degradation = build(name).to(device)
        clean = torch.rand(3, degradation.channels, 45, 38, device=device)
        for _ in range(2):  # and stays there
            pair = degradation(clean, torch.Generator(device).manual_seed(0))
            assert pair.degraded.device == clean.device
            assert all(condition.device == clean.device for condition in pair.conditions.values())


@pytest.mark.parametrize("name", TRIED)
def test_a_sample_is_degraded_by_its_own_strengths(name):
    """Whatever the others of its batch are, where strengths are drawn apart; and nobody's input is changed."""
    degradation = build(name)
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(6, degradation.channels, 45, 38, generator=generator)
    before, state = clean.clone(), torch.get_rng_state()
    strengths = degradation.draw(6, generator)
    together = degradation.apply(clean, strengths, generator)
    assert torch.equal(clean, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(condition.shape == (6,) for condition in together.conditions.values())
    if strengths:
        chosen = torch.tensor([4, 1])
        alone = degradation.apply(clean[chosen], {key: value[chosen] for key, value in strengths.items()}, generator)
        torch.testing.assert_close(alone.degraded, together.degraded[chosen])


def test_the_page_lists_them_all(trials):
    spec = importlib.util.spec_from_file_location("generated", Path(__file__).parents[2] / "docs" / "generated.py")
    generated = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generated)
    page = generated.kornia_transforms()
    for name, trial in trials.items():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        gray, colour = row.split(" | ")[2:4]
        assert (gray == "no", colour == "no") == (bool(trial.reasons[1]), bool(trial.reasons[3]))
    assert "`RandomJPEG`, `RandomPlanckianJitter`: `Shape mismatch" in page

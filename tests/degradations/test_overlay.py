import pytest
import torch

from restore.degradations.base import TestStream
from restore.degradations.overlay import PALETTE, SHEET, Scratch, Text, text_sheet


def test_glyphs_are_real_and_larger_fonts_larger():
    small, large = text_sheet(10, 0.8)[0], text_sheet(20, 0.8)[0]
    assert small.shape == (SHEET, SHEET)
    for sheet in (small, large):
        assert 0.02 < (sheet > 127).float().mean() < 0.2

    # rows of letters: twice the font size apart
    def pitch(sheet):
        profile = (sheet > 127).float().mean(dim=1)
        spectrum = torch.fft.rfft(profile - profile.mean()).abs()
        return SHEET / (1 + spectrum[1:].argmax().item())

    assert pitch(small) == pytest.approx(20, abs=2)
    assert pitch(large) == pytest.approx(40, abs=4)


@pytest.mark.parametrize("make", [lambda: Text(10), lambda: Scratch()], ids=["text", "scratch"])
def test_only_some_pixels_change_and_those_much(make, generator):
    clean = torch.full((6, 3, 60, 70), 0.5)
    clean = (clean * 255).round() / 255
    degraded = make()(clean, generator).degraded
    changed = (degraded != clean).any(dim=1).float().mean(dim=(1, 2))
    assert (changed > 0.01).all()
    assert (changed < 0.6).all()
    assert (degraded - clean).abs().max() > 0.3


def test_places_and_colours_differ_between_samples(generator):
    clean = torch.full((8, 3, 60, 60), 0.5)
    degraded = Text(10)(clean, generator).degraded
    masks = {tuple((sample != sample[:, :1, :1]).any(dim=0).flatten().tolist()) for sample in degraded}
    assert len(masks) == 8
    strong = degraded.permute(0, 2, 3, 1).reshape(-1, 3)
    assert len(strong.unique(dim=0)) > 100
    gray = Text(10)(clean.mean(dim=1, keepdim=True), generator).degraded
    assert gray.shape == (8, 1, 60, 60)


def test_any_size_wraps_around_the_sheet(generator):
    image = torch.full((1, 1, SHEET + 90, SHEET + 30), 0.5)
    degraded = Text(20)(image, generator).degraded
    assert torch.equal(degraded[..., :90, :30] != 0.5, degraded[..., SHEET:, SHEET:] != 0.5)


def test_sizes_mix_and_palette_is_shared():
    text = Text({"set": [10, 20]})
    assert len(text.cover) == 2
    assert text.owner.max().item() < PALETTE
    assert not text.state_dict(), "a degradation puts nothing into checkpoints"


@pytest.mark.parametrize("make", [lambda: Text({"set": [10, 20]}), lambda: Scratch()], ids=["text", "scratch"])
def test_test_pairs_come_from_sheets_that_training_never_draws(make):
    degradation = make()
    covers, owners = degradation.test_sheets
    assert covers.shape == owners.shape == degradation.cover.shape
    for test in covers:
        assert 0.02 < (test > 127).float().mean() < 0.6
        for train in degradation.cover:
            both = (test > 127) & (train > 127)
            assert both.float().mean() < 0.5 * (test > 127).float().mean(), "other words, or other scratches"


@pytest.mark.parametrize("make", [lambda: Text(10), lambda: Scratch()], ids=["text", "scratch"])
def test_a_test_pair_shows_a_test_sheet(make):
    """In the place that was drawn, the mask is that of the test's sheet and not of the training's."""
    degradation, clean = make(), torch.full((1, 1, SHEET, SHEET), 128 / 255)
    stream = TestStream.seeded(5)
    strengths = degradation.draw(1, stream.generator)
    mask = degradation.exact(clean, strengths, stream).conditions["mask"][0, 0]
    place = torch.Generator().manual_seed(5)
    degradation.draw(1, place)
    top, left = torch.randint(SHEET, (2, 1, 1), generator=place).flatten().tolist()

    def fits(covers):
        turned = covers[strengths["sheet"]][0].roll((-top, -left), (0, 1)) > 127
        return mask[turned].mean().item()

    assert fits(degradation.test_sheets[0]) > 0.9
    assert fits(degradation.cover) < 0.5


def test_font_sizes_have_weights(generator):
    text = Text({"set": [10, 20], "weights": [3, 1]})
    assert text.draw(4000, generator)["sheet"].float().mean() == pytest.approx(0.25, abs=0.03)


def test_density():
    assert (Text(10, density=0.2).cover > 127).sum() < 0.5 * (Text(10, density=0.8).cover > 127).sum()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Text(3), r"font_size must be from 4 to 200"),
        (lambda: Text([10, 20]), r"font_size is a number or a set"),
        (lambda: Text(10, density=2), r"density"),
        (lambda: Scratch(density=-1), r"density"),
    ],
)
def test_refusals(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_no_font(monkeypatch):
    from PIL import features

    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(ValueError, match="built without FreeType"):
        text_sheet(11, 0.5)

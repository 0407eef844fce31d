import re
from itertools import groupby

import pytest
import torch

from restore.config.build import build_data
from restore.config.compose import compose
from restore.degradations.base import TestStream
from restore.degradations.sensor import PoissonGaussian, fit_sensor
from restore.image import to_unit


@pytest.mark.parametrize(("gain", "read_noise", "level"), [(1, 0, 40), (4, 0, 200), (4, 10, 3), (0, 10, 90), (2, 5, 0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_mean_and_variance_are_the_models(gain, read_noise, level, channels, generator):
    """Levels: gain · level + read_noise²; and a mean that is the clean image's."""
    clean = torch.full((1, channels, 300, 400), level / 255)
    noise = 255 * (PoissonGaussian(gain, read_noise)(clean, generator).degraded - clean).double()
    variance = gain * level + read_noise**2
    assert noise.var().item() == pytest.approx(variance, rel=0.03)
    assert abs(noise.mean().item()) < 4 * (variance / noise.numel()) ** 0.5
    if channels == 3:
        assert abs(torch.corrcoef(noise[0].flatten(1))[0, 1]) < 0.02, "each channel has noise of its own"


def test_without_read_noise_the_image_is_counted(generator):
    """Whole numbers of electrons, distributed as Poisson's: the third moment tells it from a normal number."""
    clean = torch.full((1, 1, 400, 400), 20 / 255)
    electrons = PoissonGaussian(5, 0)(clean, generator).degraded.double() * 255 / 5
    torch.testing.assert_close(electrons, electrons.round(), atol=1e-4, rtol=0)
    skewness = ((electrons - 4) ** 3).mean() / 4**1.5
    assert skewness.item() == pytest.approx(1 / 4**0.5, abs=0.03)


def test_electrons_are_levels_the_other_way_round(generator):
    """Half an electron a level and a read noise of three electrons: 2 levels an electron, and 6 levels."""
    clean, seeds = torch.rand(2, 1, 20, 20, generator=generator), (torch.Generator().manual_seed(1) for _ in range(2))
    levels, electrons = PoissonGaussian(2, 6), PoissonGaussian(0.5, 3, "electrons")
    one, other = (each(clean, seed) for each, seed in zip((levels, electrons), seeds, strict=True))
    torch.testing.assert_close(one.degraded, other.degraded)
    for name, value in (("gain", 2 / 255), ("read_noise", 6 / 255)):
        torch.testing.assert_close(one.conditions[name], other.conditions[name])
        assert one.conditions[name].tolist() == pytest.approx([value, value])
    assert (levels.suffix, electrons.suffix) == (" read=6", " read=3 electrons")


def test_each_sample_draws_its_own_and_is_told_it(generator):
    clean = torch.full((64, 1, 60, 60), 0.5)
    pair = PoissonGaussian([0, 4], [0, 10])(clean, generator)
    variance = (pair.degraded - clean).var(dim=(1, 2, 3))
    told = 0.5 * pair.conditions["gain"] + pair.conditions["read_noise"] ** 2
    assert ((variance / told - 1).abs() < 0.15).all()
    assert told.max() > 5 * told.min()
    assert torch.corrcoef(torch.stack([pair.conditions["gain"], pair.conditions["read_noise"]]))[0, 1].abs() < 0.3


def test_together_they_are_members_of_one_place(generator):
    gains, reads = [1, 2, 4], [3, 5, 8]
    together = PoissonGaussian({"set": gains, "weights": [1, 1, 2]}, {"set": reads}, together=True)
    drawn = together.draw(400, generator)
    members = set(zip(drawn["gain"].tolist(), drawn["read_noise"].tolist(), strict=True))
    assert members == {(1, 3), (2, 5), (4, 8)}
    assert 150 < (drawn["gain"] == 4).sum() < 250, "by the gain's weights"
    apart = PoissonGaussian({"set": gains}, {"set": reads}).draw(400, generator)
    assert len(set(zip(apart["gain"].tolist(), apart["read_noise"].tolist(), strict=True))) == 9
    one = PoissonGaussian(2, {"set": reads}, together=True).draw(100, generator)
    assert set(one["read_noise"].tolist()) == {3, 5, 8}, "a single number goes with any"


def test_neither_clipped_nor_counted_below_black(generator):
    degraded = PoissonGaussian(0.1, 50)(torch.zeros(1, 1, 40, 40), generator).degraded
    assert degraded.min() < 0
    overshot = torch.full((1, 1, 40, 40), -0.1)
    assert torch.equal(PoissonGaussian(4, 0)(overshot, generator).degraded, overshot)


def test_a_test_pair_has_the_protocols_normal_numbers():
    clean = torch.full((1, 1, 30, 30), 0.5, dtype=torch.float64)
    noise = torch.randn(1, 1, 30, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(3))

    def exact(degradation: PoissonGaussian) -> torch.Tensor:
        generator = torch.Generator().manual_seed(5)
        strengths = degradation.draw(1, generator)
        return degradation.exact(clean, strengths, TestStream(generator, lambda shape: noise.view(shape))).degraded

    torch.testing.assert_close(exact(PoissonGaussian(0, 10)), clean + 10 / 255 * noise, atol=1e-8, rtol=0)
    torch.testing.assert_close(exact(PoissonGaussian(2, 10)) - exact(PoissonGaussian(2, 0)), 10 / 255 * noise)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((-1, 0), "gain must be at least 0, and it is -1"),
        ((1, -2), "read_noise must be at least 0, and it is -2"),
        ((1, 0, "photons"), "unit must be levels or electrons, and it is 'photons'"),
        (([0, 2], 0, "electrons"), "gain must be above 0 electrons a level"),
        (({"set": [1, 2]}, {"set": [1, 2, 3]}, "levels", True), "sets of one length"),
        (([1, 2], [1, 2], "levels", True), "sets of one length"),
        (({"set": [1, 2]}, {"set": [1, 2], "weights": [1, 2]}, "levels", True), "those of gain count"),
    ],
)
def test_refusals(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        PoissonGaussian(*arguments)


# -- the fit ---------------------------------------------------------------------------------------


@pytest.fixture
def light(generator) -> torch.Tensor:
    return torch.rand(1, 3, 250, 300, generator=generator)


@pytest.mark.parametrize(("gain", "read_noise"), [(2, 6), (0.2, 3), (4, 0)])
def test_the_fit_finds_what_made_the_noise(gain, read_noise, light, generator):
    fit = fit_sensor(light, PoissonGaussian(gain, read_noise)(light, generator).degraded)
    assert fit.gain == pytest.approx(gain, rel=0.06)
    assert fit.read_noise**2 == pytest.approx(read_noise**2, abs=0.02 * (127 * gain + read_noise**2))
    assert fit.explained > 0.97


def test_the_fit_leaves_out_what_was_clipped(light, generator):
    degraded = PoissonGaussian(0.1, 1)(light, generator).degraded.clamp(0, 1)
    fit = fit_sensor(light, degraded)
    assert (fit.gain, fit.read_noise) == (pytest.approx(0.1, rel=0.05), pytest.approx(1, rel=0.2))


def test_of_another_law_the_fit_keeps_the_mean_square_and_says_so(light, generator):
    """Noise that falls with brightness, as a tone curve leaves it: no photons, and nothing explained."""
    noise = (1 - light) * torch.randn(light.shape, generator=generator) * 10 / 255
    fit = fit_sensor(light, light + noise)
    inside = (light > 8 / 255) & (light < 247 / 255)
    assert fit.gain == 0
    assert fit.read_noise == pytest.approx(255 * noise[inside].square().mean().sqrt().item(), rel=1e-4)
    assert fit.explained < 0.01


def test_photons_alone_where_the_dark_has_less_noise_than_none(light, generator):
    fit = fit_sensor(light, light + light * torch.randn(light.shape, generator=generator) * 20 / 255)
    assert (fit.gain > 0, fit.read_noise) == (True, 0)


def test_what_cannot_be_fitted_is_refused(light):
    with pytest.raises(ValueError, match="of one shape"):
        fit_sensor(light, light[..., 1:])
    with pytest.raises(ValueError, match="different brightness"):
        fit_sensor(torch.full((1, 1, 9, 9), 0.5), torch.rand(1, 1, 9, 9))


@pytest.mark.slow
def test_the_experiment_has_what_is_fitted_to_the_pairs_that_it_trains_on(data_root):
    """PolyU's scenes of Canon's cameras one by one, and all of them for the Gaussian noise."""
    if not (data_root / "PolyU").is_dir():
        pytest.skip("PolyU is not in RESTORE_DATA")
    config = compose("config", ["experiment=real_noise", f"paths.data={data_root}", "budget=cpu"])
    data = build_data(config)
    data.read_training()
    crops = {
        name: pair
        for name, *pair in zip(data.training.names, data.training.images, data.training.partners, strict=True)
    }
    scenes = groupby(sorted(crops), key=lambda name: re.sub(r"_+\d+$", "", name))
    fits = [
        fit_sensor(*map(to_unit, map(torch.stack, zip(*map(crops.get, names), strict=True)))) for _, names in scenes
    ]
    assert [fit.gain for fit in fits] == pytest.approx(config.task.gain.set, abs=6e-4)
    assert [fit.read_noise for fit in fits] == pytest.approx(config.task.read_noise.set, abs=6e-3)
    both = (to_unit(torch.stack(half)) for half in (data.training.images, data.training.partners))
    assert fit_sensor(*both)[:2] == pytest.approx((0, config.task.sigma), abs=6e-3)
    held_out = {re.sub(r"_+\d+$", "", name) for name in data.validation.names}
    assert held_out == {"Canon80D_8_8_6400_comproom", "Canon80D_8_8_800_GO"}, "whole scenes: none of them trains"
    assert len(fits) == 13

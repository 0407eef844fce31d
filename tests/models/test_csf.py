"""Cascades of shrinkage fields: against a plain computation, as a network to train, and from the authors' files."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from conftest import photograph, protocol
from restore.degradations.noise import GaussianNoise
from restore.evaluation.metrics import psnr
from restore.evaluation.protocol import Setting
from restore.image import to_unit
from restore.models.cost import Cost, count_cost
from restore.models.csf import CSF, power_spectrum

SIZES = {"3x3": [(3, 3)] * 3, "pairs": [(1, 2), (2, 1)], "mixed": [(2, 3), (3, 1), (1, 2)]}


def model_of(sizes, stages: int = 2, seed: int = 0) -> dict:
    """A model as the authors' files have it: unsymmetric filters, unlike functions, λ from 0.7 to 5, means in int16."""
    rng = np.random.default_rng(seed)
    filters = np.empty((len(sizes), stages), dtype=object)
    functions = np.empty((len(sizes), stages), dtype=[(name, "O") for name in ("precision", "means", "weights")])
    means = np.arange(-60, 61, 10)
    for index in np.ndindex(filters.shape):
        drawn = rng.normal(size=sizes[index[0]])
        filters[index] = (drawn - drawn.mean()) / np.linalg.norm(drawn - drawn.mean())
        weights = 0.4 * means[:, None] + 5 * rng.normal(size=(len(means), 1))
        functions[index] = (np.array([[0.01]]), means.astype(np.int16)[:, None], weights)
    balances = np.linspace(0.7, 5, stages)[None]
    deblurs = np.zeros((1, 1), np.uint8)
    return {"lambda": balances, "f": filters, "shrink": functions, "is_deblurring": deblurs}


def plainly(model: dict, image: np.ndarray) -> np.ndarray:
    """The stages pixel by pixel, float64: loops for the filters, whole transforms, the sum of Gaussians itself."""
    x = image
    for stage, balance in enumerate(model["lambda"][0]):
        y, x = (np.pad(each, 10, mode="edge") for each in (image, x))
        height, width = x.shape
        numerator, denominator = balance * np.fft.fft2(y), np.full(x.shape, balance)
        for filter_, function in zip(model["f"][:, stage], model["shrink"][:, stage], strict=True):
            response = np.zeros_like(x)
            for (row, column), tap in np.ndenumerate(filter_):  # (f ∗ x)[p] = Σ f[t] x[p − t]
                for p in np.ndindex(x.shape):
                    response[p] += tap * x[(p[0] - row) % height, (p[1] - column) % width]
            means, weights = (function[name].astype(float).ravel() for name in ("means", "weights"))
            shrunk = (weights * np.exp(-0.005 * (response[..., None] - means) ** 2)).sum(-1)
            spectrum = np.fft.fft2(filter_, x.shape)
            numerator += spectrum.conj() * np.fft.fft2(shrunk)
            denominator = denominator + abs(spectrum) ** 2
        x = np.fft.ifft2(numerator / denominator).real[10:-10, 10:-10]
    return x


@pytest.mark.parametrize("sizes", SIZES.values(), ids=list(SIZES))
def test_equals_a_plain_computation_pixel_by_pixel(sizes, tmp_path, generator):
    """So which way the filters look, which function follows which of them, and what is circular, is pinned."""
    model = model_of(sizes)
    savemat(tmp_path / "csf.mat", {"model": model})
    levels = 255 * torch.rand(1, 1, 7, 6, generator=generator)
    network = CSF.from_file(tmp_path / "csf.mat")
    assert (network.channels, len(network.stages)) == (1, 2)
    with torch.no_grad():
        restored = 255 * network(levels / 255)
    expected = plainly(model, levels[0, 0].double().numpy())
    assert np.abs(expected - levels[0, 0].numpy()).max() > 5, "it does something"
    assert np.abs(restored[0, 0].numpy() - expected).max() < 0.01
    turned = {**model, "f": np.vectorize(lambda f: np.rot90(f, 2), otypes=[object])(model["f"])}
    assert np.abs(plainly(turned, levels[0, 0].double().numpy()) - expected).max() > 1, "the other way round shows"


def test_a_small_lambda_does_not_move_the_mean(tmp_path):
    """Beside responses in the thousands, λ F(y) of the mean is lost among roundings, and the quotient is anything."""
    model = model_of(SIZES["3x3"], stages=1)
    model["lambda"][:] = 1e-9
    savemat(tmp_path / "csf.mat", {"model": model})
    clean = to_unit(torch.from_numpy(photograph(40, 30, 1)))[None, None]
    with torch.no_grad():
        restored = CSF.from_file(tmp_path / "csf.mat").stages[0](clean, clean)
    assert restored.mean().item() == pytest.approx(clean.mean().item(), abs=1e-5)


def test_power_spectrum_is_that_of_the_filters(generator):
    filters = torch.randn(4, 3, 2, generator=generator)
    direct = torch.fft.rfft2(filters, s=(9, 8)).abs().square().sum(0)
    torch.testing.assert_close(power_spectrum(filters, 9, 8), direct)


def test_counts_by_hand():
    network = CSF()
    assert count_cost(network, 1, 20, 30) == Cost(5 * (48 * 49 + 48 * 53 + 1), 5 * 2 * 48 * 49 * 600, 0)
    assert count_cost(CSF(3, 2, SIZES["pairs"]), 3, 2, 5).macs == 3 * 2 * 2 * 4 * 10


@pytest.mark.parametrize("kernel_size", [3, 7, [[1, 2], [2, 1]]], ids=str)
def test_starts_at_the_identity_with_filters_of_no_mean(kernel_size):
    network = CSF(3, kernel_size=kernel_size)
    smooth = to_unit(torch.from_numpy(photograph(24, 20, 3)).movedim(-1, 0))[None] * 0.2
    with torch.no_grad():
        torch.testing.assert_close(network(smooth), smooth, atol=1e-3, rtol=0)
        for stage in network.stages:
            stage.filters.normal_().add_(2)
            filters = stage.projected()
            assert filters.sum((1, 2)).abs().max() < 1e-5
            torch.testing.assert_close(filters.square().sum((1, 2)), torch.ones(len(filters)))
            assert not (filters * (1 - stage.supports)).any()


def test_channels_are_restored_each_by_itself(generator):
    colour = torch.rand(2, 3, 9, 8, generator=generator)
    with torch.no_grad():
        restored, plane = CSF(3, stages=1)(colour), CSF(1, stages=1)(colour[:, 1:2])
    torch.testing.assert_close(restored[:, 1:2], plane)


def test_every_parameter_has_a_finite_gradient_and_training_lowers_the_loss(generator):
    network = CSF(stages=2, kernel_size=3)
    with torch.no_grad():
        network.stages[1].log_lambda.fill_(-30.0)
    clean = to_unit(torch.from_numpy(np.stack([photograph(20, 20, 1, seed) for seed in range(4)])))[:, None]
    degraded = clean + 0.1 * torch.randn(clean.shape, generator=generator)
    optimiser, losses = torch.optim.Adam(network.parameters(), 3e-3), []
    for _ in range(40):
        optimiser.zero_grad()
        losses.append((network(degraded) - clean).square().mean())
        losses[-1].backward()
        for name, parameter in network.named_parameters():
            assert torch.isfinite(parameter.grad).all(), name
            assert len(losses) > 1 or parameter.grad.any(), name
        optimiser.step()
    assert losses[-1] < 0.5 * losses[0]


def test_is_computed_in_float32_under_autocast(generator):
    network, degraded = CSF(stages=2), torch.rand(1, 1, 12, 9, generator=generator)
    with torch.no_grad():
        plain = network(degraded)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(network(degraded), plain)
        half = network.to(torch.bfloat16)(degraded.bfloat16())
    assert half.dtype == torch.bfloat16
    assert (half.float() - plain).abs().max() < 0.1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"stages": 0}, "model.stages must be from 1 to 1000, and it is 0"),
        ({"kernel_size": 1}, "model.kernel_size must be at least 2"),
        ({"kernel_size": [[1, 1]]}, "model.kernel_size must be at least 2"),
        (
            {"margin": 5},
            "model.margin must be at least the largest filter's side less 1, and at most 1000, and it is 5",
        ),
        ({"means": [0, 0, 5]}, "model.means must be a first level, a spacing above 0"),
        ({"precision": 0}, "model.precision above 0"),
    ],
    ids=str,
)
def test_refuses_by_name(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        CSF(**words)


def changed(**parts) -> dict:
    return {**model_of(SIZES["3x3"]), **parts}


def with_means(means) -> dict:
    model = model_of(SIZES["3x3"])
    for function in model["shrink"].flat:
        function["means"] = np.asarray(means)
    model["shrink"][1, 1]["means"] = model["shrink"][1, 1]["means"] + 0
    return model


def unlike() -> dict:
    model = model_of(SIZES["3x3"])
    model["shrink"][1, 1]["means"] = model["shrink"][1, 1]["means"] + 1
    return model


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"net": 1}, r"csf\.mat is not a cascade .* \(there is no model in it\)"),
        ({"model": {k: v for k, v in changed().items() if k != "shrink"}}, "its model has no shrink"),
        ({"model": changed(is_deblurring=np.ones((1, 1)))}, "its model deblurs, and is told the kernel"),
        ({"model": changed(**{"lambda": np.ones((1, 3))})}, r"3 stages, \(3, 2\) and \(3, 2\)"),
        ({"model": changed(**{"lambda": np.zeros((1, 2))})}, "lambda is not above 0 in every stage"),
        ({"model": changed(f=np.roll(model_of(SIZES["mixed"])["f"], 1))}, "filters of different sizes"),
        ({"model": unlike()}, "its functions differ in their means"),
        ({"model": with_means(np.arange(13.0) ** 2)}, "means that are not equidistant"),
    ],
    ids=["no model", "no functions", "deblurs", "stages", "lambda", "sizes", "means", "spacing"],
)
def test_refuses_other_files(content, sentence, tmp_path):
    savemat(tmp_path / "csf.mat", content)
    with pytest.raises(ValueError, match=sentence):
        CSF.from_file(tmp_path / "csf.mat")


# -- the authors' weights ---------------------------------------------------------------------------

FILE = "CSF_sigma25_7x7.mat"
TABLE_III = [29.48, 32.39, 30.32, 28.80, 29.62, 28.72, 28.90, 31.79, 29.03, 29.76, 29.71, 29.53]  # DnCNN's, sigma 25


def scores(network: CSF, folder) -> list[float]:
    """PSNR in dB of each image of a folder under protocol dncnn."""
    rules, setting = protocol("dncnn"), Setting("sigma=25", 25, GaussianNoise(25))
    values = []
    for file in sorted(folder.glob("*.png")):
        pair = rules.pair(torch.from_numpy(np.array(Image.open(file).convert("L")))[None, None], setting, file.stem)
        with torch.no_grad():
            values.append(psnr(rules.restore(network, pair, setting), pair.clean).item())
    return values


def test_the_authors_file_gives_their_printed_values(data_root, weights_root, tmp_path):
    (tmp_path / "01.png").symlink_to(data_root / "Set12" / "01.png")
    network = CSF.from_file(weights_root / FILE).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == 24_485
    assert scores(network, tmp_path) == pytest.approx(TABLE_III[:1], abs=0.005)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_of_them(data_root, weights_root):
    network = CSF.from_file(weights_root / FILE).eval()
    set12 = scores(network, data_root / "Set12")
    assert set12 == pytest.approx(TABLE_III, abs=0.005)
    assert np.mean(set12) == pytest.approx(29.837, abs=0.0005)
    assert np.mean(scores(network, data_root / "BSD68")) == pytest.approx(28.74, abs=0.005)  # ours came out at 28.737

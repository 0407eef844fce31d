"""TNRD against a plain computation pixel by pixel, and its authors' files against what they print."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat

from conftest import protocol
from restore.data import datasets
from restore.dct import LUMA, block_dct, quantisation_table, whole_blocks
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.jpeg import JPEG
from restore.degradations.noise import GaussianNoise
from restore.evaluation.metrics import psnr
from restore.evaluation.protocol import Protocol, Setting
from restore.image import quantise, to_unit
from restore.models.cost import Cost, count_cost
from restore.models.tnrd import TNRD
from restore.resize import imresize

CONDITIONS = {"noise": {}, "sr": {"scale": torch.tensor([2.0, 3.0])}, "jpeg": {"quality": torch.tensor([10.0, 30.0])}}


def small(data_term: str = "noise", **sizes) -> TNRD:
    """A network whose filters, functions and weights are all different."""
    torch.manual_seed(1)
    network = TNRD(stages=2, kernel_size=3, data_term=data_term, **sizes)
    with torch.no_grad():
        network.coefficients.add_(torch.randn_like(network.coefficients))
        network.weights.add_(0.5 * torch.randn_like(network.weights))
        if network.log_reaction is not None:
            network.log_reaction.add_(torch.tensor([0.3, -0.4]))
    return network


# -- a step, pixel by pixel ------------------------------------------------------------------------


def filter_of(coefficients: np.ndarray, size: int) -> np.ndarray:
    """The sum of the cosine waves without the constant one, vertical frequency running fastest, of norm 1."""
    total = np.zeros((size, size))
    for number, coefficient in enumerate(coefficients, start=1):
        across, down = divmod(number, size)
        for y in range(size):
            for x in range(size):
                wave = math.cos(math.pi * (2 * y + 1) * down / (2 * size))
                wave *= math.cos(math.pi * (2 * x + 1) * across / (2 * size))
                total[y, x] += coefficient * wave * math.sqrt((1 + (down > 0)) * (1 + (across > 0))) / size
    return total / np.sqrt((total**2).sum())


def diffused(u: np.ndarray, y: int, x: int, filters: list[np.ndarray], phi) -> float:
    """``Σ kᵀ ∗ φ(k ∗ u)`` at one pixel: every response whose window holds it, times the weight that it has there."""
    size, (height, width) = len(filters[0]), u.shape

    def at(row: int, column: int) -> float:  # mirrored, the outermost pixel repeated
        row = -1 - row if row < 0 else 2 * height - 1 - row if row >= height else row
        column = -1 - column if column < 0 else 2 * width - 1 - column if column >= width else column
        return u[row, column]

    total = 0.0
    for number, kernel in enumerate(filters):
        for i in range(size):
            for j in range(size):  # the window in which the pixel has the place (i, j)
                window = [[at(y - i + a, x - j + b) for b in range(size)] for a in range(size)]
                total += kernel[i, j] * phi(number, float((kernel * np.array(window)).sum()))
    return total


def gaussians(weights: np.ndarray, means: np.ndarray, precision: float):
    def phi(number: int, value: float) -> float:
        return float((weights[number] * np.exp(-precision / 2 * (value - means) ** 2)).sum())

    return phi


def test_two_steps_are_those_of_the_equation(generator):
    network = small(basis=29, spacing=25.0)
    image = torch.rand(1, 1, 4, 5, generator=generator)
    f = image[0, 0].double().numpy() * 255
    u = f
    means = np.arange(-350.0, 351, 25)
    for step in range(2):
        filters = [filter_of(row, 3) for row in network.coefficients[step].detach().double().numpy()]
        assert min(np.abs(kernel - kernel.T).max() for kernel in filters) > 0.02, "orientations can be told apart"
        assert min(np.abs(kernel - kernel[::-1, ::-1]).max() for kernel in filters) > 0.02
        phi = gaussians(network.weights[step].detach().double().numpy(), means, 25.0**-2)
        p = math.exp(network.log_reaction[step].item())
        flow = np.array([[diffused(u, y, x, filters, phi) for x in range(5)] for y in range(4)])
        assert np.abs(flow).max() > 1
        u = u - flow - p * (u - f)
    restored = network(image)[0, 0].detach().double().numpy() * 255
    np.testing.assert_allclose(restored, u, atol=0.01)  # the functions' table


def test_the_authors_file_is_read_as_its_layout_says(weights_root, generator):
    path = weights_root / "TNRD_sigma25.mat"
    column = loadmat(path)["cof"][:, 0]
    coefficients, weights = column[: 48 * 48].reshape(48, 48), column[48 * 48 + 1 :].reshape(48, 63)
    filters, p = [filter_of(row, 7) for row in coefficients], math.exp(column[48 * 48])
    network = TNRD.from_file(path)
    assert (network.channels, network.conditions, network.coefficients.shape) == (1, (), (5, 48, 48))
    np.testing.assert_allclose(network.filters()[0, :, 0].detach().numpy(), np.stack(filters), atol=1e-6)
    for parameter in (network.coefficients, network.weights, network.log_reaction):
        parameter.data = parameter.data[:1]
    image = torch.rand(1, 1, 9, 11, generator=generator)
    f = image[0, 0].double().numpy() * 255
    phi = gaussians(weights, np.arange(-310.0, 311, 10), 0.01)
    restored = network(image)[0, 0].detach().double().numpy() * 255
    for y, x in ((0, 10), (4, 5)):  # a corner, where the mirror is seen, and the middle
        expected = f[y, x] - diffused(f, y, x, filters, phi)  # u is f: no reaction
        assert restored[y, x] == pytest.approx(expected, abs=2e-3)
    assert p == pytest.approx(1)


def test_mirrors_images_smaller_than_a_filter():
    network = TNRD()
    image = torch.tensor([[0.2, 0.8]]).view(1, 1, 1, 2)
    wide = torch.tensor(np.pad(image[0, 0].numpy(), ((30, 30), (30, 30)), mode="symmetric"))[None, None]
    network.coefficients.data, network.weights.data = network.coefficients[:1].data, network.weights[:1].data
    network.log_reaction.data = network.log_reaction[:1].data
    torch.testing.assert_close(network(image), network(wide)[..., 30:31, 30:32])


# -- data terms ------------------------------------------------------------------------------------


def test_super_resolution_is_held_to_the_low_resolution_image(generator):
    """The reaction as it is written, with the low-resolution image at hand."""
    network = small("sr")
    low = torch.rand(1, 1, 4, 6, generator=generator)
    network.weights.data.zero_()
    u = f = imresize(low, 8, 12) * 255
    first = torch.rand(1, 1, 8, 12, generator=generator)
    for step in range(2):
        p = network.log_reaction[step].exp()
        u = (u - p / 4 * imresize(imresize(u, 4, 6) - low * 255, 8, 12)).clamp(0, 255)
    restored = network(f / 255, scale=torch.tensor([2.0]))
    torch.testing.assert_close(restored, u / 255, atol=1e-5, rtol=0)
    assert (restored - f / 255).abs().max() > 0.01, (
        "what is clipped, or not what its own small image enlarges to, moves"
    )
    batch = network(first.expand(2, -1, -1, -1), scale=torch.tensor([2.0, 3.0]))
    for sample, scale in zip(batch, (2.0, 3.0), strict=True):
        torch.testing.assert_close(sample, network(first, scale=torch.tensor([scale]))[0], atol=1e-5, rtol=0)


def test_jpegs_coefficients_stay_near_the_files(generator):
    clean = quantise(0.3 + 0.4 * torch.rand(2, 1, 16, 24, generator=generator))
    pair = JPEG({"set": [10, 30]}).apply(clean, {"quality": torch.tensor([10.0, 30.0])}, generator)
    network = small("jpeg")
    network.weights.data.mul_(10)
    restored = network(pair.degraded, **pair.conditions).detach()
    step = quantisation_table(LUMA, pair.conditions["quality"])[:, None]
    file = (block_dct(clean * 255 - 128) / step).round()
    moved = block_dct(restored * 255 - 128) / step - file
    assert moved.abs().max() == pytest.approx(0.4, abs=0.001)
    assert (moved.abs() > 0.01).float().mean() > 0.5
    network.weights.data.zero_()
    start = network(pair.degraded, **pair.conditions)
    torch.testing.assert_close(
        quantise(start), pair.degraded, msg="its start is the decoded image before it is rounded"
    )
    assert (start - pair.degraded).abs().max() > 0.2 / 255


def test_colours_are_restored_one_by_one(generator):
    torch.manual_seed(1)
    gray, colour = small("sr"), small("sr", channels=3)
    degraded = torch.rand(2, 3, 9, 8, generator=generator)
    scale = torch.tensor([2.0, 3.0])
    each = torch.cat([gray(plane, scale=scale) for plane in degraded.split(1, dim=1)], dim=1)
    torch.testing.assert_close(colour(degraded, scale=scale), each)


# -- as a network of the suite ---------------------------------------------------------------------


def test_counts():
    macs = 5 * 2 * 48 * 49 * 600
    assert count_cost(TNRD(), 1, 20, 30) == Cost(26_645, macs, 61)
    assert count_cost(TNRD(data_term="sr"), 1, 20, 30) == Cost(26_645, macs, 61)
    assert count_cost(TNRD(stages=4, data_term="jpeg"), 1, 16, 32).parameters == 4 * 5328


def test_starts_as_a_step_towards_the_clean_image(data_root):
    clean = to_unit(datasets.read(datasets.find("set12", data_root, 1, training=False), 1).images[0][None])
    noisy = clean + 25 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert psnr(TNRD()(noisy), clean) > psnr(noisy, clean) + 0.5
    weights = TNRD().weights[0, 0].detach().double().numpy()
    phi = gaussians(weights[None], np.arange(-310.0, 311, 10), 0.01)
    for v in (-100.0, -20.0, 0.0, 50.0):
        assert phi(0, v) == pytest.approx(0.8 / 245 * v / (1 + (v / 20) ** 2), abs=1e-5)


@pytest.mark.parametrize("data_term", CONDITIONS)
def test_training_lowers_the_loss(data_term):
    torch.manual_seed(0)
    network = TNRD(data_term=data_term)
    clean = torch.nn.functional.interpolate(torch.rand(2, 1, 6, 6), (24, 24), mode="bilinear")
    generator = torch.Generator().manual_seed(0)
    make = {"noise": GaussianNoise(25), "sr": BicubicDownUp(3), "jpeg": JPEG(10)}[data_term]
    pair = make(clean, generator)
    told = {name: pair.conditions[name] for name in network.conditions}
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    losses = []
    for _ in range(12):
        loss = (network(pair.degraded, **told) - clean).square().mean()
        optimiser.zero_grad()
        loss.backward()
        assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
        assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_gradients_are_differences_of_the_loss():
    network = small()
    image, clean = torch.rand(2, 1, 1, 7, 8, generator=torch.Generator().manual_seed(2))
    direction = [0.5 * torch.randn_like(parameter) for parameter in network.parameters()]
    network(image).sub(clean).square().sum().backward()
    slope = sum((p.grad * d).sum() for p, d in zip(network.parameters(), direction, strict=True)).item()

    def loss(distance: float) -> float:
        with torch.no_grad():
            for parameter, way in zip(network.parameters(), direction, strict=True):
                parameter += distance * way
            value = network(image).double().sub(clean).square().sum().item()
            for parameter, way in zip(network.parameters(), direction, strict=True):
                parameter -= distance * way
        return value

    assert slope == pytest.approx((loss(1e-2) - loss(-1e-2)) / 2e-2, rel=0.02)


def test_float32_under_autocast(generator):
    network = small()
    image = torch.rand(1, 1, 12, 13, generator=generator)
    expected = network(image)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(image), expected)
    assert network(image.bfloat16()).dtype == torch.bfloat16


def test_half_weights_keep_the_functions_places(generator):
    """As a finished run's weights are kept."""
    network, image = TNRD(spacing=12.5), torch.rand(1, 1, 12, 13, generator=generator)
    half = {name: value.half().float() for name, value in network.state_dict().items()}
    other = TNRD(spacing=12.5)
    other.load_state_dict(half)
    assert torch.equal(other.diffusion.means, network.diffusion.means)
    assert other.diffusion.ends.tolist() == [-397.5, 397.5]
    assert other.diffusion.places == 3181
    torch.testing.assert_close(other(image), network(image), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"kernel_size": 4}, "must be odd"),
        ({"kernel_size": 1}, "kernel_size must be at least 3"),
        ({"stages": 0}, "model.stages from 1 to 1000"),
        ({"spacing": 0}, "model.spacing above 0"),
        ({"data_term": "blur"}, "one of noise, sr, jpeg, and it is 'blur'"),
        ({"data_term": "jpeg", "channels": 3}, "gray images, and model.channels is 3"),
    ],
)
def test_refusals(sizes, message):
    with pytest.raises(ValueError, match=message):
        TNRD(**sizes)


# -- files -----------------------------------------------------------------------------------------


def write(path: Path, network: TNRD, **fields: np.ndarray) -> Path:
    """A file as the authors' are: means as integers of 16 bits, a column of `cof` a step."""
    stages = len(network.weights)
    reaction = torch.zeros(stages, 0) if network.log_reaction is None else network.log_reaction[:, None]
    steps = torch.cat([network.coefficients.flatten(1), reaction, network.weights.flatten(1)], dim=1)
    diffusion = network.diffusion
    gaussians = {
        "means": diffusion.means.numpy().astype(np.int16)[:, None],
        "precision": diffusion.precision.item(),
        "D": np.linspace(*diffusion.ends.tolist(), diffusion.places)[None],
    }
    savemat(path, {"cof": steps.detach().double().numpy().T, "MFS": gaussians, "stage": np.uint8(stages), **fields})
    return path


@pytest.mark.parametrize("data_term", CONDITIONS)
def test_every_size_comes_from_the_file(data_term, tmp_path, generator):
    network = small(data_term, basis=21, spacing=20.0)
    network.diffusion.places = 451
    path = write(tmp_path / "file.mat", network)
    read = TNRD.from_file(path, data_term)
    assert (len(read.weights), read.diffusion.kernel_size, read.data_term, read.diffusion.places) == (
        2,
        3,
        data_term,
        451,
    )
    for name, value in network.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], value)
    image = torch.rand(2, 1, 9, 8, generator=generator)
    torch.testing.assert_close(read(image, **CONDITIONS[data_term]), network(image, **CONDITIONS[data_term]))
    assert TNRD.from_file(path).data_term == ("jpeg" if data_term == "jpeg" else "noise")


def test_files_that_are_no_such_network(tmp_path):
    noise, jpeg = write(tmp_path / "noise.mat", small()), write(tmp_path / "jpeg.mat", small("jpeg"))
    with pytest.raises(ValueError, match=r"noise.mat has reaction weights, so it is not of data_term=jpeg"):
        TNRD.from_file(noise, "jpeg")
    with pytest.raises(ValueError, match=r"jpeg.mat has no reaction weights, so it is not of data_term=sr"):
        TNRD.from_file(jpeg, "sr")
    with pytest.raises(ValueError, match=r"long.mat has steps of 700 numbers, which are no filters of one size"):
        TNRD.from_file(write(tmp_path / "long.mat", small(), cof=np.zeros((700, 2))))
    savemat(tmp_path / "other.mat", {"cof": np.zeros((5329, 5))})
    (tmp_path / "text.mat").write_text("not a file of MATLAB")
    for name in ("other.mat", "text.mat", "absent.mat"):
        with pytest.raises(ValueError, match=rf"{name} is not a TNRD network that can be read"):
            TNRD.from_file(tmp_path / name)


# -- what the authors print ------------------------------------------------------------------------

SIGMA25 = Setting("sigma=25", 25, GaussianNoise(25))
SCALE3 = Setting("scale=3", 3, BicubicDownUp(3), "sr", luma="y")
TABLE_III = [29.72, 32.53, 30.57, 29.02, 29.85, 28.88, 29.18, 32.00, 29.41, 29.91, 29.87, 29.71]  # sigma 25, its order


def scores(
    network: TNRD,
    test: Protocol,
    setting: Setting,
    name: str,
    root: Path,
    which: slice = slice(None),
    channels: int = 1,
) -> list[float]:
    """PSNR in dB of images of a set."""
    images = datasets.read(datasets.find(name, root, channels, training=False), channels)
    values = []
    for name, levels in zip(images.names[which], images.images[which], strict=True):
        pair = test.pair(levels[None], setting, name)
        with torch.no_grad():
            restored = test.restore(network, pair, setting)
        values.append(psnr(test.compared(restored, setting), test.compared(pair.clean, setting)).item())
    return values


def test_two_images_of_set12(data_root, weights_root):
    network = TNRD.from_file(weights_root / "TNRD_sigma25.mat")
    values = scores(network, protocol("dncnn"), SIGMA25, "set12", data_root, slice(0, 5, 4))
    assert [round(value, 2) for value in values] == TABLE_III[0:5:4]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_set12_image_by_image_and_bsd68(data_root, weights_root):
    network = TNRD.from_file(weights_root / "TNRD_sigma25.mat")
    values = scores(network, protocol("dncnn"), SIGMA25, "set12", data_root)
    assert [round(value, 2) for value in values] == TABLE_III
    assert np.mean(values) == pytest.approx(30.0546, abs=5e-4)
    assert np.mean(scores(network, protocol("dncnn"), SIGMA25, "bsd68", data_root)) == pytest.approx(28.918, abs=6e-4)


@pytest.mark.parametrize(
    ("which", "expected"), [(slice(2, 3), 28.908), pytest.param(slice(None), 33.177, marks=pytest.mark.slow)]
)
def test_set5_enlarged(which, expected, data_root, weights_root):
    """The low-resolution image in float, the output too, the border as wide as the scale."""
    network = TNRD.from_file(weights_root / "TNRD_sr_x3.mat", "sr")
    words = ("ensemble=false", "border=-1", "luma=y")
    test = protocol("red", *(f"protocols.red.{word}" for word in words))
    assert np.mean(scores(network, test, SCALE3, "set5", data_root, which, 3)) == pytest.approx(expected, abs=6e-4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("dataset", "of_the_blocks", "through_libjpeg"), [("classic5", 29.285, 29.2879), ("live1", 29.149, 29.1462)]
)
def test_jpeg(dataset, of_the_blocks, through_libjpeg, data_root, weights_root):
    """What is printed comes of a float DCT of whole blocks; libjpeg's integers round some coefficients otherwise."""
    network = TNRD.from_file(weights_root / "TNRD_jpeg_q10.mat")
    values = []
    for levels in datasets.read(datasets.find(dataset, data_root, 1, training=False), 1).images:
        clean = to_unit(levels[None])
        pair = JPEG(10)(whole_blocks(clean), torch.Generator())
        with torch.no_grad():
            restored = network(pair.degraded, **pair.conditions)[..., : clean.shape[2], : clean.shape[3]]
        values.append(psnr(restored, clean).item())
    assert np.mean(values) == pytest.approx(of_the_blocks, abs=1e-3)
    test = protocol("dncnn", "protocols.dncnn.quantise_restored=false")
    setting = Setting("quality=10", 10, JPEG(10), "jpeg", luma="y")
    assert np.mean(scores(network, test, setting, dataset, data_root)) == pytest.approx(through_libjpeg, abs=5e-4)

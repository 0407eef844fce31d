import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from restore.degradations import kernels
from restore.degradations.blur import Blur


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("disk", kernels.disk(7)),
        ("gaussian", kernels.gaussian(25, 1.6)),
        ("motion", kernels.motion(15, 45)),
        ("motion", kernels.motion(9, 0)),
    ],
)
def test_kernels_sum_to_one_and_are_symmetric(name, kernel):
    assert kernel.sum().item() == pytest.approx(1, abs=1e-6)
    assert all(side % 2 for side in kernel.shape)
    torch.testing.assert_close(kernel, kernel.flip(0, 1))


def test_disk_is_matlabs():
    # fspecial('disk', 2) of MATLAB
    corner = torch.tensor([[0, 0.0170, 0.0381], [0.0170, 0.0784, 0.0796], [0.0381, 0.0796, 0.0796]])
    kernel = kernels.disk(2)
    assert kernel.shape == (5, 5)
    torch.testing.assert_close(kernel[:3, :3], corner, atol=2e-4, rtol=0)
    assert kernels.disk(7).shape == (15, 15)


def test_gaussian_is_matlabs():
    # fspecial('gaussian', 3, 0.5)
    expected = torch.tensor([[0.0113, 0.0838, 0.0113], [0.0838, 0.6193, 0.0838], [0.0113, 0.0838, 0.0113]])
    torch.testing.assert_close(kernels.gaussian(3, 0.5), expected, atol=1e-4, rtol=0)


def test_motion_is_a_line_in_its_direction():
    torch.testing.assert_close(kernels.motion(9, 0), torch.full((1, 9), 1 / 9)) if kernels.motion(9, 0).shape == (
        1,
        9,
    ) else None
    flat, upright = kernels.motion(9, 0), kernels.motion(9, 90)
    torch.testing.assert_close(flat.T.flip(0), upright, atol=1e-6, rtol=0)
    middle = flat[flat.shape[0] // 2]
    assert middle.sum() > 0.99
    rising = kernels.motion(15, 45)  # up to the right
    assert rising[0, -1] > 0
    assert rising[0, 0] == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_filtering_is_scipys_with_nearest_border(channels, generator):
    clean = torch.rand(2, channels, 31, 29, generator=generator)
    blurred = Blur("motion", length=7, angle=30)(clean, generator).degraded
    kernel = kernels.motion(7, 30).numpy()[None, None]
    expected = ndimage.correlate(clean.numpy(), kernel, mode="nearest")
    np.testing.assert_allclose(blurred, np.clip(np.round(expected * 255), 0, 255) / 255, atol=1.01 / 255)
    assert (np.abs(blurred.numpy() - np.round(expected * 255) / 255) > 1e-6).mean() < 0.01


def test_the_gaussian_is_filtered_by_its_two_lines(generator):
    clean = torch.rand(1, 1, 40, 33, generator=generator)
    blur = Blur("gaussian")
    assert blur.separable
    lines = blur(clean, generator).degraded
    blur.separable = False
    assert ((lines - blur(clean, generator).degraded) * 255).abs().max() <= 1.01
    assert (lines == blur(clean, generator).degraded).float().mean() > 0.99


def test_adjoint_before_rounding(generator):
    """⟨k ⋆ x, y⟩ = ⟨x, k ⋆ y⟩ for a symmetric kernel, away from the border."""
    from kornia.filters import filter2d

    x, y = torch.zeros(2, 1, 1, 31, 31).unbind(0)
    x[..., 12:19, 12:19] = torch.rand(7, 7, generator=generator)
    y[..., 12:19, 12:19] = torch.rand(7, 7, generator=generator)
    kernel = Blur("disk", radius=3).kernels
    left = (filter2d(x, kernel, border_type="replicate") * y).sum()
    right = (x * filter2d(y, kernel, border_type="replicate")).sum()
    torch.testing.assert_close(left, right)


def test_eight_bit_and_noise(generator):
    clean = torch.full((1, 1, 200, 200), 0.5)
    quiet = Blur("disk")(clean, generator).degraded * 255
    torch.testing.assert_close(quiet, quiet.round(), atol=1e-4, rtol=0)
    noisy = Blur("disk", noise=5)(clean, generator).degraded * 255
    assert noisy.std().item() == pytest.approx(5, rel=0.05)


def test_motions_differ_inside_a_batch(generator):
    clean = torch.rand(1, 1, 40, 40, generator=generator).expand(10, -1, -1, -1)
    blurred = Blur("motion", length=[5, 21], angle=[0, 180])(clean, generator).degraded
    assert len({tuple(sample.flatten().tolist()) for sample in blurred}) > 5


def test_kernels_from_files(tmp_path):
    np.save(tmp_path / "k.npy", np.full((3, 5), 2.0))
    with pytest.warns(UserWarning, match=r"k\.npy sums to 30 and is normalised"):
        kernel = kernels.from_file(tmp_path / "k.npy")
    torch.testing.assert_close(kernel, torch.full((3, 5), 1 / 15))
    Image.fromarray(np.full((5, 5), 9, np.uint8)).save(tmp_path / "k.png")
    torch.testing.assert_close(Blur(str(tmp_path / "k.png")).kernels[0], torch.full((5, 5), 1 / 25))
    np.save(tmp_path / "even.npy", np.ones((4, 4)))
    np.save(tmp_path / "zero.npy", np.zeros((3, 3)))
    np.save(tmp_path / "line.npy", np.ones(3))
    (tmp_path / "text.npy").write_text("hello")
    for name, sentence in (
        ("even", "odd side"),
        ("zero", "sum to 0"),
        ("line", "two dimensions"),
        ("text", "cannot read"),
    ):
        with pytest.raises(ValueError, match=sentence):
            Blur(str(tmp_path / f"{name}.npy"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"kernel": "disc"}, "kernel is disk, gaussian, motion"),
        ({"kernel": "gaussian", "size": 24}, "odd side"),
        ({"radius": 0}, "radius"),
        ({"kernel": "motion", "length": 0}, "length"),
        ({"noise": -1}, "noise"),
        ({"kernel": "none.npy"}, "cannot read the kernel"),
    ],
)
def test_refusals(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        Blur(**words)

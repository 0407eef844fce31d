import numpy as np
import pytest
import torch
from PIL import Image

from restore.degradations import kernels


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
    flat, upright = kernels.motion(9, 0), kernels.motion(9, 90)
    torch.testing.assert_close(flat.T.flip(0), upright, atol=1e-6, rtol=0)
    middle = flat[flat.shape[0] // 2]
    assert middle.sum() > 0.99
    rising = kernels.motion(15, 45)  # up to the right
    assert rising[0, -1] > 0
    assert rising[0, 0] == 0


def test_kernels_from_files(tmp_path):
    np.save(tmp_path / "k.npy", np.full((3, 5), 2.0))
    with pytest.warns(UserWarning, match=r"k\.npy sums to 30 and is normalised"):
        kernel = kernels.from_file(tmp_path / "k.npy")
    torch.testing.assert_close(kernel, torch.full((3, 5), 1 / 15))
    Image.fromarray(np.full((5, 5), 9, np.uint8)).save(tmp_path / "k.png")
    torch.testing.assert_close(kernels.from_file(tmp_path / "k.png"), torch.full((5, 5), 1 / 25))
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
            kernels.from_file(tmp_path / f"{name}.npy")

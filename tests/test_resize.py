"""MATLAB's imresize against an independent computation, pixel by pixel from its definition."""

import math

import numpy as np
import pytest
import torch

from restore.resize import imresize, imresize_uint8


def cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def resize_line(line: np.ndarray, out: int) -> np.ndarray:
    """From the definition: output pixel i is the normalised sum of h((u − j) s) over all j, mirrored at the border."""
    size, scale = len(line), out / len(line)
    shrink = min(scale, 1.0)
    result = np.zeros(out)
    for i in range(1, out + 1):
        u = i / scale + 0.5 * (1 - 1 / scale)
        reach = math.ceil(2 / shrink) + 1
        total = weights = 0.0
        for j in range(math.floor(u) - reach, math.floor(u) + reach + 1):
            weight = shrink * cubic(shrink * (u - j))
            mirrored = j
            while not 1 <= mirrored <= size:
                mirrored = 1 - mirrored if mirrored < 1 else 2 * size + 1 - mirrored
            total += weight * line[mirrored - 1]
            weights += weight
        result[i - 1] = total / weights
    return result


@pytest.mark.parametrize(
    ("size", "out"), [((13, 17), (7, 9)), ((12, 16), (4, 8)), ((5, 7), (15, 14)), ((9, 8), (4, 2))]
)
def test_equals_the_definition_everywhere(size, out, generator):
    image = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    ours = imresize(image, *out)
    rows = np.apply_along_axis(resize_line, 2, image.numpy(), out[0])
    expected = np.apply_along_axis(resize_line, 3, rows, out[1])
    assert ours.shape == (2, 3, *out)
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-12)


def test_an_8_bit_image_is_rounded_after_its_rows_and_after_its_columns(generator):
    levels = torch.randint(0, 256, (2, 3, 14, 18), generator=generator, dtype=torch.uint8)
    rows = np.apply_along_axis(resize_line, 2, levels.double().numpy(), 7)
    rows = np.clip(np.floor(rows + 0.5), 0, 255)
    expected = np.clip(np.floor(np.apply_along_axis(resize_line, 3, rows, 6) + 0.5), 0, 255)
    ours = imresize_uint8(levels, 7, 6)
    assert ours.dtype == torch.uint8
    assert np.array_equal(ours.numpy(), expected)
    once = imresize(levels.double(), 7, 6).round().clamp(0, 255)
    assert (once != ours).any(), "the rounding between the passes is seen"


def test_halves_are_rounded_up():
    """0.5 becomes 1, as MATLAB rounds; half to even would make it 0."""
    assert imresize_uint8(torch.tensor([[1, 0], [1, 0]], dtype=torch.uint8), 1, 1).item() == 1


def test_torch_antialiased_bicubic_differs_at_the_border(generator):
    image = torch.rand(1, 1, 24, 24, generator=generator)
    theirs = torch.nn.functional.interpolate(image, size=(12, 12), mode="bicubic", antialias=True)
    difference = (imresize(image, 12, 12) - theirs).abs()
    assert difference[..., 4:-4, 4:-4].max() < 1e-5
    assert difference.max() > 1e-3


def test_constant_stays_and_gradient_flows():
    image = torch.full((1, 1, 10, 11), 0.3, requires_grad=True)
    small = imresize(image, 3, 4)
    torch.testing.assert_close(small, torch.full_like(small, 0.3))
    small.sum().backward()
    assert image.grad.sum() == pytest.approx(12, rel=1e-5)


def test_refuses_nothing():
    with pytest.raises(ValueError, match="cannot be resized"):
        imresize(torch.zeros(1, 1, 4, 4), 0, 2)

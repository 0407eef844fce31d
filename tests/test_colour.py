import pytest
import torch

from restore.colour import rgb_to_gray, rgb_to_y


def test_gray_matches_matlab():
    # rgb2gray of MATLAB R2023b for these colours
    colours = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 30], [255, 255, 255]], dtype=torch.uint8)
    gray = rgb_to_gray(colours.T.reshape(3, 1, 5))
    assert gray.shape == (1, 1, 5)
    assert gray.flatten().tolist() == [76, 150, 29, 124, 255]


def test_luma_is_the_studio_range():
    # rgb2ycbcr of MATLAB: black 16, white 235, red 81.5
    colours = torch.tensor([[0, 0, 0], [255, 255, 255], [255, 0, 0]]).T.reshape(3, 1, 3) / 255
    assert (rgb_to_y(colours).flatten() * 255).tolist() == pytest.approx([16, 235, 81.481], abs=1e-3)

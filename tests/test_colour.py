import torch

from restore.colour import rgb_to_gray


def test_gray_matches_matlab():
    # rgb2gray of MATLAB R2023b for these colours
    colours = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 30], [255, 255, 255]], dtype=torch.uint8)
    gray = rgb_to_gray(colours.T.reshape(3, 1, 5))
    assert gray.shape == (1, 1, 5)
    assert gray.flatten().tolist() == [76, 150, 29, 124, 255]

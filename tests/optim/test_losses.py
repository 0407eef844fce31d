"""The papers' losses, in their own scale."""

import pytest
import torch

from restore.optim.losses import PatchSquaredError


@pytest.mark.parametrize(("weight", "value"), [(1.0, 100), (0.5, 50)])
def test_squared_error_is_summed_over_a_patch_and_averaged_over_patches(weight, value):
    restored, clean = torch.zeros(4, 1, 5, 5), torch.full((4, 1, 5, 5), 2.0)
    assert PatchSquaredError(weight)(restored, clean).item() == value  # 25 pixels × 4 × weight


def test_it_is_torchs_mean_times_the_pixels_of_a_patch(generator):
    restored, clean = (torch.rand(3, 2, 7, 5, generator=generator) for _ in range(2))
    expected = torch.nn.functional.mse_loss(restored, clean) * 2 * 7 * 5
    torch.testing.assert_close(PatchSquaredError()(restored, clean), expected)

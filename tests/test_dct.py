"""The block transform against SciPy's, the tables against the files that libjpeg writes."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import dctn

from restore.dct import CHROMA, LUMA, block_dct, dct_matrix, inverse_block_dct, quantisation_table, whole_blocks


def test_is_the_orthonormal_dct(generator):
    image = torch.rand(7, 7, dtype=torch.float64, generator=generator)
    matrix = dct_matrix(7)
    np.testing.assert_allclose((matrix @ image @ matrix.T).numpy(), dctn(image.numpy(), norm="ortho"), atol=1e-12)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(7, dtype=torch.float64))


def test_blocks_are_transformed_one_by_one_and_back(generator):
    planes = 255 * torch.rand(2, 1, 16, 24, generator=generator)
    coefficients = block_dct(planes)
    assert coefficients.shape == (2, 6, 64)
    block = planes[1, 0, 8:16, 16:24].numpy()  # the last of the second plane
    np.testing.assert_allclose(coefficients[1, 5].view(8, 8).numpy(), dctn(block, norm="ortho"), atol=1e-3)
    torch.testing.assert_close(inverse_block_dct(coefficients, 16, 24), planes, atol=1e-3, rtol=0)


def test_continued_to_whole_blocks_by_the_last_row_and_column():
    plane = torch.arange(15.0).view(1, 1, 3, 5)
    whole = whole_blocks(plane)
    np.testing.assert_array_equal(whole[0, 0].numpy(), np.pad(plane[0, 0].numpy(), ((0, 5), (0, 3)), mode="edge"))
    assert whole_blocks(whole).shape == (1, 1, 8, 8)


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 100])
def test_tables_are_those_of_the_files(quality):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as opened:
        luma, chroma = opened.quantization[0], opened.quantization[1]
    told = torch.tensor([float(quality)])
    assert quantisation_table(LUMA, told).tolist() == [luma]
    assert quantisation_table(CHROMA, told).tolist() == [chroma]

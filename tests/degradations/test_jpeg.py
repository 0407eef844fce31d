"""The on-device JPEG against libjpeg, and kornia's against the same bar."""

import pytest
import torch

from conftest import exact
from restore.data import datasets
from restore.degradations.jpeg import JPEG
from restore.evaluation.metrics import psnr
from restore.image import to_unit


def difference(images, quality: int, subsampling: str = "4:2:0") -> float:
    """Mean over images of PSNR(ours) − PSNR(libjpeg), each against the clean image, in dB."""
    coder, unused = JPEG(quality, subsampling=subsampling), torch.Generator()
    gains = []
    for image in images:
        clean = to_unit(image)[None]
        ours, theirs = coder(clean, unused).degraded, exact(coder, clean)
        gains.append((psnr(ours, clean) - psnr(theirs, clean)).item())
    return sum(gains) / len(gains)


def photographs(channels: int) -> list[torch.Tensor]:
    return datasets.read(datasets.find("photographs", None, channels, training=False), channels).images


@pytest.mark.parametrize("quality", [10, 20, 30, 40])
@pytest.mark.parametrize(
    ("channels", "subsampling", "bar"), [(1, "4:2:0", 0.02), (3, "4:2:0", 0.03), (3, "4:4:4", 0.03)]
)
def test_photographs_as_libjpeg(quality, channels, subsampling, bar):
    images = [image[:, :-3, :-5] for image in photographs(channels)]  # sides that are no multiple of 8
    assert abs(difference(images, quality, subsampling)) < bar


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_colours_of_nearly_every_pixel_are_libjpegs(subsampling):
    """And 4:4:4 keeps what 4:2:0 averages: the files are not the same."""
    clean = to_unit(photographs(3)[1][:, :200, :203])[None]
    coder = JPEG(10, subsampling=subsampling)
    other = JPEG(10, subsampling="4:4:4" if subsampling == "4:2:0" else "4:2:0")
    file, ours = exact(coder, clean), coder(clean, torch.Generator()).degraded
    assert (ours - file).abs().mean() < 0.25 / 255
    assert (exact(other, clean) - file).abs().mean() > 1 / 255


@pytest.mark.parametrize("quality", [10, 20, 30, 40])
def test_classic5_as_libjpeg(quality, data_root):
    images = datasets.read(datasets.find("classic5", data_root, 1, training=False), 1).images
    assert abs(difference(images, quality)) < 0.02


def test_nearly_every_pixel_is_libjpegs():
    clean = to_unit(photographs(1)[1])[None]
    coder = JPEG(10)
    same = coder(clean, torch.Generator()).degraded == exact(coder, clean)
    assert same.float().mean() > 0.97


@pytest.mark.filterwarnings("ignore")
def test_kornias_leaks():
    """Why JPEG is written here: kornia's soft rounding is 0.3 dB and more better than a file can be."""
    from kornia.enhance import jpeg_codec_differentiable

    image = photographs(3)[0][:, :256, :256]
    clean = to_unit(image)[None]
    theirs = psnr(jpeg_codec_differentiable(clean, torch.tensor([10.0])), clean)
    file = psnr(exact(JPEG(10), clean), clean)
    assert theirs - file > 0.3
    assert abs(psnr(JPEG(10)(clean, torch.Generator()).degraded, clean) - file) < 0.03


def test_each_sample_has_its_own_quality(generator):
    clean = to_unit(photographs(1)[0][:, 100:148, 100:148])[None].expand(40, -1, -1, -1)
    errors = (JPEG([5, 99])(clean, generator).degraded - clean).square().mean(dim=(1, 2, 3))
    assert len(set(errors.tolist())) > 20
    assert errors.max() > 10 * errors.min()
    batch = JPEG({"set": [10, 50]})(clean, torch.Generator().manual_seed(3)).degraded
    alone = {quality: JPEG(quality)(clean[:1], generator).degraded[0] for quality in (10, 50)}
    assert all(any(torch.equal(sample, one) for one in alone.values()) for sample in batch)


def test_the_result_is_eight_bit(generator):
    decoded = JPEG(30)(torch.rand(2, 3, 19, 21, generator=generator), generator).degraded * 255
    torch.testing.assert_close(decoded, decoded.round(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("quality", [0, 101, [10, 5], 10.5, "low"])
def test_refusals(quality):
    with pytest.raises(ValueError, match=r"quality"):
        JPEG(quality)


def test_another_subsampling_is_refused():
    with pytest.raises(ValueError, match="subsampling is 4:2:0 or 4:4:4, and it is 4:2:2"):
        JPEG(10, subsampling="4:2:2")

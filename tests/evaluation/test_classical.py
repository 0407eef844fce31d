import pytest
import torch

from restore.data import catalog
from restore.evaluation.classical import METHODS, classical
from restore.evaluation.metrics import psnr
from restore.image import to_unit
from restore.request import RequestError


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_method_removes_noise(name, channels):
    image = catalog.read(catalog.find("photographs", None, 3, training=False), 3).images[0]
    clean = to_unit(image)[None, :channels, 100:228, 100:240]
    sigma = 25 / 255
    degraded = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    restored = classical(name, sigma)(degraded)
    assert restored.shape == clean.shape
    assert restored.dtype == torch.float32
    assert psnr(restored, clean).item() > psnr(degraded, clean).item() + 5


def test_unknown_method():
    with pytest.raises(RequestError, match="did you mean 'non_local_means'"):
        classical("nonlocal_means", 0.1)

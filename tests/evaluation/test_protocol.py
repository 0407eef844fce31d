import pytest
import torch

from restore.degradations.noise import GaussianNoise
from restore.evaluation.protocol import PROTOCOLS, plain, protocol
from restore.evaluation.self_ensemble import self_ensemble
from restore.image import quantise
from restore.request import RequestError


@pytest.fixture
def clean() -> torch.Tensor:
    return torch.rand(1, 1, 17, 14, generator=torch.Generator().manual_seed(0))


def test_every_device_and_model_sees_the_same_image(clean):
    noise = GaussianNoise(25)
    torch.manual_seed(1)
    one = protocol("dncnn").degrade(clean, noise, "01", "sigma=25")
    torch.manual_seed(2)
    two = protocol("red").degrade(clean, noise, "01", "sigma=25")
    assert torch.equal(one, two)
    assert not torch.equal(one, protocol("red").degrade(clean, noise, "02", "sigma=25"))
    assert not torch.equal(one, protocol("red").degrade(clean, noise, "01", "sigma=30"))


def test_dncnn_rounds_the_output_and_red_does_not(clean):
    degraded = clean + 0.3
    assert torch.equal(protocol("dncnn").restore(lambda x: x, degraded), quantise(degraded))
    torch.testing.assert_close(protocol("red").restore(lambda x: x, degraded), degraded)


def test_self_ensemble_asks_for_eight_versions_and_turns_them_back(clean):
    asked = []

    def spy(images: torch.Tensor) -> torch.Tensor:
        asked.extend(images)
        return images

    torch.testing.assert_close(self_ensemble(spy, clean), clean)
    assert len({tuple(image.flatten().tolist()) + tuple(image.shape) for image in asked}) == 8


def test_self_ensemble_is_equivariant(clean):
    """Whatever the network, turning the input turns the ensembled output."""
    kernel = torch.rand(1, 1, 3, 3, generator=torch.Generator().manual_seed(4))
    network = lambda x: torch.nn.functional.conv2d(x, kernel, padding=1)  # noqa: E731
    turned = self_ensemble(network, torch.rot90(clean, 1, (2, 3)))
    torch.testing.assert_close(turned, torch.rot90(self_ensemble(network, clean), 1, (2, 3)))


def test_names():
    assert plain(PROTOCOLS["red"]).ensemble is False
    assert "×8 self-ensemble" in str(PROTOCOLS["red"])
    with pytest.raises(RequestError, match="did you mean 'dncnn'"):
        protocol("dncn")

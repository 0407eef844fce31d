import pytest
import torch

from restore.conditions import ORIENTATIONS, turn
from restore.evaluation.self_ensemble import self_ensemble


@pytest.fixture
def degraded(generator) -> torch.Tensor:
    return torch.rand(2, 1, 17, 14, generator=generator)


def test_it_asks_for_eight_versions_and_turns_them_back(degraded):
    asked = []

    def spy(images: torch.Tensor) -> torch.Tensor:
        asked.extend(images)
        return images

    torch.testing.assert_close(self_ensemble(spy, degraded), degraded)
    assert len({tuple(image.flatten().tolist()) + tuple(image.shape) for image in asked}) == 16


def test_it_is_equivariant(degraded, generator):
    """Whatever the network, turning the input turns the ensembled output."""
    kernel = torch.rand(1, 1, 3, 3, generator=generator)

    def network(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(x, kernel, padding=1)

    for orientation in ORIENTATIONS:
        turned = self_ensemble(network, turn(degraded, orientation))
        torch.testing.assert_close(turned, turn(self_ensemble(network, degraded), orientation))


def test_conditions_are_turned_along(degraded, generator):
    """Each version's map is that version's own, and each sample keeps its value."""

    class Told:
        conditions = ("mask", "sigma")

        def __call__(self, images, mask, sigma):
            assert torch.equal(mask, images * sigma.view(-1, 1, 1, 1))
            return images

    sigma = torch.tensor([0.5, 2.0])
    conditions = {"mask": degraded * sigma.view(-1, 1, 1, 1), "sigma": sigma}
    torch.testing.assert_close(self_ensemble(Told(), degraded, conditions), degraded)


def test_only_the_orientations_that_are_allowed(degraded):
    counts = []

    def spy(images: torch.Tensor) -> torch.Tensor:
        counts.append((tuple(images.shape[-2:]), len(images)))
        return images

    self_ensemble(spy, degraded, orientations=(0, 3))
    self_ensemble(spy, degraded, orientations=(0, 3, 4, 7))
    assert counts == [((17, 14), 4), ((17, 14), 4), ((14, 17), 4)]

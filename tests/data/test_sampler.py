import torch

from restore.data.sampler import PatchCoordinates, StepSampler

SIZES = torch.tensor([[20, 30], [16, 16], [100, 40]])


def coordinates(rank=0, world_size=1, seed=0, weighting="pixels"):
    return PatchCoordinates(SIZES, 16, 8, seed, weighting, rank, world_size)


def test_a_step_is_a_pure_function_of_seed_and_number():
    assert torch.equal(coordinates()[5], coordinates()[5])
    assert not torch.equal(coordinates()[5], coordinates()[6])
    assert not torch.equal(coordinates()[5], coordinates(seed=1)[5])
    assert coordinates()[5].dtype == torch.long
    assert coordinates()[5].shape == (8, 4)


def test_ranks_share_the_global_batch():
    whole = coordinates()[3]
    shares = [coordinates(rank, 2)[3] for rank in range(2)]
    assert torch.equal(torch.stack(shares, dim=1).flatten(0, 1), whole)


def test_every_position_can_come_and_none_leaves_the_image():
    drawn = torch.cat([coordinates()[step] for step in range(2000)])
    image, top, left, orientation = drawn.unbind(1)
    height, width = SIZES[image].unbind(1)
    assert (top >= 0).all()
    assert (top + 16 <= height).all()
    assert (left + 16 <= width).all()
    assert set(orientation.tolist()) == set(range(8))
    assert set(top[image == 0].tolist()) == set(range(5))
    counts = torch.bincount(image, minlength=3) / len(drawn)
    positions = torch.tensor([5 * 15, 1, 85 * 25])
    torch.testing.assert_close(counts, positions / positions.sum(), atol=0.01, rtol=0)


def test_weighting_by_images():
    drawn = torch.cat([coordinates(weighting="images")[step] for step in range(500)])
    assert torch.bincount(drawn[:, 0], minlength=3).min() > 1200


def test_sampler_goes_on_within_an_epoch():
    done = 0
    sampler = StepSampler(4, lambda: done)
    assert list(sampler) == [0, 1, 2, 3]
    done = 6
    assert list(sampler) == [6, 7]
    done = 8
    assert list(sampler) == [8, 9, 10, 11]
    assert len(sampler) == 4

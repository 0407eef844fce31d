import torch

from restore.data.sampler import PatchCoordinates, StepSampler

SIZES = torch.tensor([[20, 30], [16, 16], [100, 40]])


def coordinates(rank=0, world_size=1, seed=0, weighting="pixels", **how):
    return PatchCoordinates(SIZES, 16, 8, seed, weighting, rank, world_size, **how)


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


def test_orientations():
    every = [coordinates(orientations=how) for how in ("all", "batch", "none")]
    for step in range(20):
        mixed, whole, plain = (each[step] for each in every)
        assert torch.equal(mixed[:, :3], plain[:, :3])
        assert torch.equal(whole[:, 3], mixed[:1, 3].expand(8)), "one orientation a batch"
        assert not plain[:, 3].any()
    assert {int(every[1][step][0, 3]) for step in range(100)} == set(range(8))
    halves = [coordinates(rank, 2, orientations="batch")[3] for rank in range(2)]
    assert torch.equal(torch.stack(halves, dim=1).flatten(0, 1), every[1][3]), "ranks turn alike"


def epoch(number: int, pool: int, **words) -> list[tuple[int, ...]]:
    """The patches of an epoch, as its steps give them; the pool divides into whole batches."""
    sampler, steps = coordinates(pool=pool, orientations="none", **words), pool // 8
    drawn = torch.cat([sampler[step] for step in range(number * steps, (number + 1) * steps)])
    return [tuple(row) for row in drawn.tolist()]


def test_a_pool_is_gone_through_once_an_epoch_in_a_new_order():
    first, second = epoch(0, 400), epoch(1, 400)
    assert sorted(first) == sorted(second)
    assert first != second
    assert epoch(0, 400, seed=1) != first
    counts = torch.bincount(torch.tensor(first)[:, 0], minlength=3) / 400
    positions = torch.tensor([5 * 15, 1, 85 * 25])
    torch.testing.assert_close(counts, positions / positions.sum(), atol=0.003, rtol=0)


def test_a_step_of_a_pool_is_a_pure_function_across_epochs():
    whole = coordinates(pool=20)
    later, again = whole[7], coordinates(pool=20)[7]
    whole[2]
    assert torch.equal(later, again)
    assert torch.equal(later, whole[7])
    across = coordinates(pool=20, orientations="none")
    rows = [tuple(row) for step in range(5) for row in across[step].tolist()]
    assert sorted(rows[:20]) == sorted(rows[20:40]), "batches of 8 lie across epochs of 20"


def test_a_pool_of_as_many_patches_as_images_has_each_once():
    sizes = torch.tensor([[16, 16]] * 24)
    sampler = PatchCoordinates(sizes, 16, 8, 0, "pixels", pool=24)
    drawn = torch.cat([sampler[step] for step in range(3)])
    assert sorted(drawn[:, 0].tolist()) == list(range(24))

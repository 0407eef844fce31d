import functools
from types import SimpleNamespace

import pytest
import torch

from restore.conditions import Pair
from restore.data.datamodule import RestorationData
from restore.degradations.base import Degradation
from restore.degradations.blur import Blur
from restore.degradations.jpeg import JPEG
from restore.degradations.noise import GaussianNoise
from restore.errors import RequestError


@pytest.fixture
def data(image_folder):
    folder = functools.cache(lambda name, count: str(image_folder(name, count)))

    def make(**changes) -> RestorationData:
        words = {"train": [folder("train", 11)], "test_sets": [folder("test", 3)]}
        words |= {"degradation": GaussianNoise([5, 50]), "patch_size": 12, "batch_size": 8, "patches_per_epoch": 30}
        return RestorationData(**(words | changes))

    return make


def trainer(rank: int = 0, world_size: int = 1, stage: str = "training") -> SimpleNamespace:
    stages = {name: name == stage for name in ("training", "testing", "validating")}
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    place = {"global_rank": rank, "world_size": world_size, "global_step": 0, "accumulate_grad_batches": 1}
    return SimpleNamespace(**place, **stages, strategy=strategy)


def batches(data: RestorationData, **place) -> list[Pair]:
    data.trainer = trainer(**place)
    data.setup("fit")
    return [
        data.on_after_batch_transfer(data.on_before_batch_transfer(batch, 0), 0) for batch in data.train_dataloader()
    ]


def test_the_last_tenth_by_name_validates(data):
    module = data()
    module.read_training()
    assert module.validation.names == ["10"]
    assert module.training.names == [f"{i:02d}" for i in range(10)]
    assert len(module.everything_read().names) == 11


def test_a_mixture_validates_on_each_of_its_sets(data, image_folder):
    module = data(train=[str(image_folder("b", 10)), str(image_folder("a", 20))])
    module.read_training()
    assert module.validation.names == ["09", "18", "19"]
    assert len(module.training.names) == 27


def test_a_named_set_validates_and_none_is_held_out(data, image_folder):
    other = str(image_folder("other", 2))
    module = data(validation=other)
    module.read_training()
    assert (len(module.training.names), module.validation.name, module.validation.names) == (11, "other", ["00", "01"])
    assert module.chooses
    assert len(module.everything_read().names) == 13
    assert "2 of other for validation" in module.summary()
    tested = data(train=module.train_sets, test_sets=[other], validation=other)
    tested.read_training()
    assert not tested.chooses, "a set that is tested chooses no weights"
    assert len(tested.everything_read().names) == 11


@pytest.mark.parametrize("nothing", [None, 0])
def test_without_a_validation_every_image_trains(data, nothing):
    module = data(validation=nothing)
    module.trainer = trainer(stage="validating")
    module.setup("fit")
    assert len(module.training.names) == 11
    assert module.validation is None
    assert not module.chooses
    assert [module.on_after_batch_transfer(index, 0) for index in module.val_dataloader()] == [None]
    assert module.summary().endswith("no validation")


def test_a_share_of_the_training_images_and_their_copies(data):
    module = data(share=0.5, scales=[1, 0.5], patch_size=12)
    module.read_training()
    assert module.originals.names == ["01", "03", "05", "07", "09"]
    assert len(module.training.names) == 10
    assert module.validation.names == ["10"], "a share does not change what validates"
    assert len(module.everything_read().names) == 6
    assert "5 images, 5 shrunk copies of them" in module.summary()


def test_a_pools_patches_come_again_with_another_noise(data):
    module = data(pool=8, orientations="none", degradation=GaussianNoise(25))
    (first,) = batches(module)
    assert module.steps_per_epoch == 1
    module.trainer = trainer()
    module.trainer.global_step = 1
    (second,) = [
        module.on_after_batch_transfer(module.on_before_batch_transfer(batch, 0), 0)
        for batch in module.train_dataloader()
    ]

    def ordered(images):
        return images.flatten(1)[images.flatten(1).sum(dim=1).argsort()]

    assert torch.equal(ordered(first.clean), ordered(second.clean))
    assert not torch.equal(ordered(first.degraded - first.clean), ordered(second.degraded - second.clean))


def test_whole_images_of_one_size_are_a_pool(data):
    module = data(pool="images", resize=16, patch_size=16, batch_size=5)
    (first, second) = batches(module)
    assert first.clean.shape == (5, 1, 16, 16)
    assert len({float(patch.sum()) for pair in (first, second) for patch in pair.clean}) == 10


def test_absent_test_sets_are_left_out_and_told(data, image_folder, tmp_path):
    there = str(image_folder("there", 2))
    words = {"test_sets": ["set12", there, "urban100"], "root": str(tmp_path)}
    module = data(**words, absent_sets="skip")
    module.read_tests()
    assert [images.name for images in module.tests] == ["there"]
    assert list(module.absent) == ["set12", "urban100"]
    assert "needs the folder Set12" in module.absent["set12"]
    with pytest.raises(RequestError, match="the set set12 is not in"):
        data(train=module.train_sets, **words).read_tests()
    with pytest.raises(RequestError, match="the set set12 is not in"):
        data(train=module.train_sets, test_sets=["set12"], root=str(tmp_path), absent_sets="skip").read_tests()
    with pytest.raises(RequestError, match="did you mean 'set12'"):
        data(train=module.train_sets, test_sets=[there, "sett12"], absent_sets="skip").read_tests()


def test_pairs_are_reproducible_and_differ_by_step(data):
    first = data()
    one, two = batches(first), batches(first)
    assert len(one) == 4
    for pair, again in zip(one, two, strict=True):
        assert pair.degraded.shape == pair.clean.shape == (8, 1, 12, 12)
        assert torch.equal(pair.degraded, again.degraded)
        assert torch.equal(pair.clean, again.clean)
        assert torch.equal(pair.conditions["sigma"], again.conditions["sigma"])
    noises = [pair.degraded - pair.clean for pair in one]
    assert not torch.equal(noises[0], noises[1])


def test_noise_differs_between_ranks(data):
    """Lightning's seed_everything would give both ranks the same generator, and the same noise."""
    module = data()
    whole = batches(module)[0]
    first, second = (batches(module, rank=r, world_size=2)[0] for r in range(2))
    assert not torch.equal(first.degraded - first.clean, second.degraded - second.clean)
    assert torch.equal(torch.stack([first.clean, second.clean], 1).flatten(0, 1), whole.clean)


def test_evaluation_sees_every_image_once_over_all_ranks(data):
    module = data()
    module.read_tests()
    seen = []
    for rank in range(2):
        module.trainer = trainer(rank, 2, "testing")
        for index in module.test_dataloader()[0]:
            seen.append(module.on_after_batch_transfer(index, 0).name)
    assert sorted(seen) == ["00", "01", "02"]


def test_a_rank_without_an_image_is_idle(data):
    module = data()
    module.read_training()
    module.trainer = trainer(1, 2, "validating")
    assert [module.on_after_batch_transfer(index, 0) for index in module.val_dataloader()] == [None]


def test_validation_images_are_cut_and_test_images_whole(data):
    module = data(validation_size=20)
    module.trainer = trainer(stage="validating")
    module.setup("fit")
    assert module.whole_image(module.validation, 0).levels.shape == (1, 1, 20, 20)
    module.setup("test")
    assert module.whole_image(module.tests[0], 0).levels.shape == (1, 1, 48, 40)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"patch_size": 41}, r"data\.patch_size=41 is larger than the smallest training image, 00 of 40×48 pixels"),
        ({"weighting": "pixel"}, r"did you mean 'pixels'"),
        ({"orientations": "al"}, r"unknown data\.orientations 'al': did you mean 'all'"),
        ({"validation": 1.0}, r"data\.validation is a share below 1"),
        ({"validation": "sett12", "root": "/"}, r"did you mean 'set12'"),
        ({"train": ["train401"], "root": "/"}, r"did you mean 'train400'"),
        ({"on_bad_image": "ignore"}, "unknown on_bad_image"),
    ],
)
def test_refusals(data, changes, sentence):
    with pytest.raises(RequestError, match=sentence):
        data(**changes).read_training()


def test_batch_must_divide_over_devices(data):
    with pytest.raises(RequestError, match=r"data\.batch_size=8 does not divide over 3 devices: 6 would"):
        data().check_devices(3)


class Ramp(Degradation):
    """Says of each pixel where in its window it lies."""

    def __init__(self, margin: int, grid: int):
        super().__init__()
        self.margin, self.grid = margin, grid

    def apply(self, clean, strengths, generator):
        height, width = clean.shape[-2:]
        places = torch.arange(height * width, device=clean.device, dtype=torch.float32).view(1, 1, height, width)
        return Pair(places.expand_as(clean).clone(), clean)


@pytest.mark.parametrize(("grid", "aligned"), [(0, False), (4, False), (4, True)])
def test_a_patch_lies_in_the_middle_of_its_window_or_where_it_lies_on_the_grid(data, grid, aligned):
    """From 5 pixels on where the image has them: before the patch it is less only at the image's edge."""
    module = data(degradation=Ramp(5, grid), patches_per_epoch=800, aligned=aligned)
    side = module.windows.side
    corners = torch.cat([pair.degraded[:, 0, 0, 0] for pair in batches(module)]).long()
    tops, lefts = set((corners // side).tolist()), set((corners % side).tolist())
    if not grid:
        assert (side, tops, lefts) == (22, {5}, {5})
    elif aligned:
        assert side == 28
        assert tops == lefts == {0, 4, 8, 12, 16}, "multiples of the period: 8, and others at the image's edges"
    else:
        assert side == 28
        assert tops == lefts == set(range(17))


@pytest.mark.parametrize("grid", [0, 8])
def test_no_image_is_refused_for_its_margin(data, grid):
    """A window larger than the image repeats its edge, and the patch is within the image all the same."""
    module = data(degradation=Ramp(30, grid), patch_size=38)
    plain = data_with(module, GaussianNoise(0))
    for pair, other in zip(batches(module), batches(plain), strict=True):
        assert torch.equal(pair.clean, other.clean), "a margin changes what is around a patch, and not the patch"
        assert pair.clean.shape == (8, 1, 38, 38)


def test_a_patch_is_the_same_on_however_many_devices(data):
    """Its phase on the grid too: what is coded with it."""
    module = data(degradation=JPEG(10, channels=1))
    whole = batches(module)[0]
    first, second = (batches(module, rank=r, world_size=2)[0] for r in range(2))
    assert torch.equal(torch.stack([first.degraded, second.degraded], 1).flatten(0, 1), whole.degraded)
    assert torch.equal(torch.stack([first.clean, second.clean], 1).flatten(0, 1), whole.clean)


def data_with(module: RestorationData, degradation) -> RestorationData:
    words = {"patch_size": 38, "batch_size": 8, "patches_per_epoch": 30}
    return RestorationData(module.train_sets, module.test_sets, degradation, **words)


def test_a_blurred_patch_is_cut_from_the_blurred_image(data):
    """Also of an image that is smaller than patch and margin together: what is repeated is its real border."""
    module = data(degradation=Blur("disk", radius=7), patch_size=36, patches_per_epoch=8)
    (pair,) = batches(module)
    blurred = [
        Blur("disk", radius=7)(image[None] / 255, torch.Generator()).degraded for image in module.training.images
    ]
    cuts = [image[..., i : i + 36, j : j + 36] for image in blurred for i in range(13) for j in range(5)]
    every = torch.cat([turned for cut in cuts for turned in (cut, cut.flip(2), cut.flip(3), cut.flip(2, 3))])
    every = torch.cat([every, every.transpose(2, 3)])
    for patch in pair.degraded:
        assert (every - patch).abs().amax(dim=(1, 2, 3)).min() < 1.1 / 255

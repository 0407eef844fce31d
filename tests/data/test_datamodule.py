from types import SimpleNamespace

import pytest
import torch

from restore.data.datamodule import RestorationData
from restore.degradations.noise import GaussianNoise
from restore.errors import RequestError


@pytest.fixture
def data(image_folder):
    def make(**changes) -> RestorationData:
        words = {"train": [str(image_folder("train", 11))], "test_sets": [str(image_folder("test", 3))]}
        words |= {"degradation": GaussianNoise([5, 50]), "patch_size": 12, "batch_size": 8, "patches_per_epoch": 30}
        return RestorationData(**(words | changes))

    return make


def trainer(rank: int = 0, world_size: int = 1, stage: str = "training") -> SimpleNamespace:
    stages = {name: name == stage for name in ("training", "testing", "validating")}
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    place = {"global_rank": rank, "world_size": world_size, "global_step": 0, "accumulate_grad_batches": 1}
    return SimpleNamespace(**place, **stages, strategy=strategy)


def batches(data: RestorationData, **place) -> list[tuple[torch.Tensor, torch.Tensor]]:
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


def test_pairs_are_reproducible_and_differ_by_step(data):
    first = data()
    one, two = batches(first), batches(first)
    assert len(one) == 4
    for (degraded, clean), (again, clean_again) in zip(one, two, strict=True):
        assert degraded.shape == clean.shape == (8, 1, 12, 12)
        assert torch.equal(degraded, again)
        assert torch.equal(clean, clean_again)
    noises = [degraded - clean for degraded, clean in one]
    assert not torch.equal(noises[0], noises[1])


def test_noise_differs_between_ranks(data):
    """Lightning's seed_everything would give both ranks the same generator, and the same noise."""
    module = data()
    whole = batches(module)[0]
    (degraded0, clean0), (degraded1, clean1) = (batches(module, rank=r, world_size=2)[0] for r in range(2))
    assert not torch.equal(degraded0 - clean0, degraded1 - clean1)
    assert torch.equal(torch.stack([clean0, clean1], 1).flatten(0, 1), whole[1])


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
        ({"channels": 2}, r"task\.channels is 1"),
        ({"batch_size": 0}, r"data\.batch_size"),
        ({"weighting": "pixel"}, r"did you mean 'pixels'"),
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

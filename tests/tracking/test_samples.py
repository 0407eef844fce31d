from types import SimpleNamespace

import torch
from lightning.pytorch.loggers import CSVLogger, Logger

from restore.conditions import Pair
from restore.evaluation.score import Restoration
from restore.tracking.logger import GuardedLogger
from restore.tracking.samples import SampleImages


class Album(Logger):
    """Keeps the pictures that it is given."""

    name = version = None

    def __init__(self):
        super().__init__()
        self.pages: list[tuple] = []

    def log_metrics(self, metrics, step=None):
        pass

    def log_hyperparams(self, params):
        pass

    def log_image(self, key, images, step, caption):
        self.pages.append((key, [image.shape for image in images], step, caption))


def validate(logger: Logger, images: int, **trainer) -> None:
    state = {"is_global_zero": True, "sanity_checking": False, "loggers": [logger], "global_step": 7} | trainer
    trainer, samples = SimpleNamespace(**state), SampleImages(count=2)
    for number in range(images):
        clean = torch.full((1, 1, 4, 6), 0.5)
        restoration = Restoration(Pair(clean, clean), clean)
        shown = [("sigma=25", restoration), ("sigma=50", restoration)]
        samples.on_validation_batch_end(trainer, None, shown, SimpleNamespace(name=f"i{number}"), number)
    samples.on_validation_batch_end(trainer, None, [], None, images)  # a rank without an image
    samples.on_validation_epoch_end(trainer, None)


def test_the_first_images_are_sent_side_by_side():
    album = Album()
    validate(GuardedLogger(album), 3)
    (key, shapes, step, captions) = album.pages[0]
    assert (key, step, len(album.pages)) == ("samples", 7, 1)
    assert shapes == [(4, 24, 3)] * 4, "two images in two settings, four states of each"
    assert [caption.partition(" (")[0] for caption in captions] == [
        f"i{number}, sigma={sigma}" for number in (0, 1) for sigma in (25, 50)
    ]


def test_none_from_the_sanity_check_or_another_rank(tmp_path):
    album = Album()
    validate(GuardedLogger(album), 2, sanity_checking=True)
    validate(GuardedLogger(album), 2, is_global_zero=False)
    assert album.pages == []
    validate(GuardedLogger(CSVLogger(tmp_path)), 2)  # takes none, and nothing fails

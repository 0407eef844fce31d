"""Means over images: across processes against one."""

import pytest
import torch
import torch.multiprocessing as processes

from restore.training.means import MetricMeans

IMAGES = [{"psnr": 20.0, "lpips": 0.25}, {"psnr": 30.0, "lpips": None}, {"psnr": 31.0}]


def test_means_are_over_images_that_have_a_value():
    means = MetricMeans(["psnr", "lpips", "vif"])
    for values in IMAGES:
        means.update(values)
    assert means.compute() == {"psnr": 27.0, "lpips": 0.25}
    means.reset()
    means.update(IMAGES[1])
    assert means.compute() == {"psnr": 30.0}
    with pytest.raises(KeyError):
        means.update({"ssim": 0.5})


def share(rank: int, file: str, answers) -> None:
    """One rank's share of the images, and the means of all."""
    torch.distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=2)
    means = MetricMeans(["psnr", "lpips", "vif"])
    for values in IMAGES if rank == 0 else IMAGES[:1]:
        means.update(values)
    answers[rank] = means.compute()
    torch.distributed.destroy_process_group()


def test_means_are_the_same_on_all_processes(tmp_path):
    with processes.Manager() as manager:
        answers = manager.dict()
        processes.spawn(share, (str(tmp_path / "store"), answers), nprocs=2)
        together = MetricMeans(["psnr", "lpips", "vif"])
        for values in [*IMAGES, IMAGES[0]]:
            together.update(values)
        assert answers[0] == answers[1] == together.compute() == {"psnr": 25.25, "lpips": 0.25}

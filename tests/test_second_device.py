"""Nothing mixes devices: everything that computes, on a stand-in for a GPU that refuses what CUDA refuses."""

import pytest
import torch
from omegaconf import OmegaConf

from restore.conditions import Pair, apply_network, stand_in, told
from restore.config.build import build, build_degradation
from restore.config.compose import compose
from restore.config.experiment import Experiment
from restore.config.loading import configuration
from restore.data.bank import ImageBank
from restore.data.datasets import WholeImage
from restore.data.sampler import PatchCoordinates
from restore.degradations.real import RealPairs
from restore.evaluation.baselines import BASELINES, Baseline
from restore.evaluation.score import score_image
from restore.models.identity import Identity
from restore.optim.muon import Muon
from second_device import second_device

# mixtures of the other tasks, and those that differ from another by the strengths that they draw
LIKE_OTHERS = ("generalisation", "general", "denoise_blind", "jpeg_blind", "sr_blind", "inpaint_scratch", "motion_blur")


def members(group: str) -> list[str]:
    return sorted(file.stem for file in (configuration() / group).glob("*.yaml") if not file.stem.startswith("_"))


@pytest.fixture
def device():
    with second_device() as place:
        yield place


def there(tensor: torch.Tensor) -> bool:
    return tensor.device.type == "meta"


def test_it_refuses_what_cuda_refuses(device):
    remote, here = torch.rand(3, device=device), torch.rand(3)
    assert there(remote + remote)
    assert there(remote + 1)
    assert torch.equal((remote * 2).cpu(), remote.cpu() * 2)
    for mixture in (
        lambda: remote + here,
        lambda: torch.cat([remote, here]),
        lambda: remote.numpy(),
        lambda: torch.rand(3, device=device, generator=torch.Generator()),
        lambda: torch.rand(3, generator=torch.Generator(device)),
    ):
        with pytest.raises((RuntimeError, TypeError)):
            mixture()


def test_patches_and_every_degradation(device):
    images = [torch.randint(0, 256, (3, 70, 60 + i), dtype=torch.uint8) for i in range(3)]
    bank = ImageBank(images, ["a", "b", "c"])
    sizes = torch.stack([bank.heights, bank.widths], dim=1)
    coordinates = PatchCoordinates(sizes, 32, 4, 0, "pixels")[0].to(device)
    clean = bank.to(device).crop(coordinates, 32)
    assert there(clean)
    for task in members("task"):
        config = compose("config", [f"task={task}", "budget=cpu"])
        degradation = build_degradation(OmegaConf.to_container(config.task.degradation, resolve=True)).to(device)
        if not isinstance(degradation, RealPairs):
            image = clean[:, :1] if config.task.channels == 1 else clean
            pair = degradation(image, torch.Generator(device).manual_seed(0))
            assert there(pair.degraded), task
            assert all(there(condition) for condition in pair.conditions.values()), task


@pytest.mark.parametrize("optimizer", [Muon, torch.optim.Adam])
@pytest.mark.parametrize("model", members("model"))
def test_every_network_learns_there(device, model, optimizer):
    config = compose("config", [f"model={model}", "budget=cpu"])
    arguments = {k: v for k, v in OmegaConf.to_container(config.model, resolve=True).items() if k != "name"}
    network = build(arguments | ({"width": 4} if arguments.get("width") else {}))
    for name, parameter in list(network.named_parameters()):
        owner, _, leaf = name.rpartition(".")
        place = network.get_submodule(owner)
        place._parameters[leaf] = torch.nn.Parameter(parameter.detach().to(device))
    for name, buffer in list(network.named_buffers()):
        owner, _, leaf = name.rpartition(".")
        network.get_submodule(owner)._buffers[leaf] = buffer.to(device)
    clean = torch.rand(2, config.task.channels, 16, 18, device=device)
    restored = apply_network(network, clean, stand_in(told(network), clean))
    assert there(restored)
    if list(network.parameters()):
        (restored - clean).square().mean().backward()
        optimizer(network.parameters(), lr=1e-3).step()
        assert all(there(parameter.grad) for parameter in network.parameters() if parameter.grad is not None)


@pytest.mark.parametrize(
    "task", [pytest.param(task, marks=[pytest.mark.slow] * (task in LIKE_OTHERS)) for task in members("task")]
)
def test_every_protocol_and_metric_scores_there(device, task):
    words = [f"task={task}", "protocol=[red,dncnn,gopro_study]", "metric=[psnr,ssim,psnr_y,psnrb,vif]"]
    experiment = Experiment.build(compose("evaluate", words))
    levels = torch.randint(0, 256, (1, 3, 72, 64), dtype=torch.uint8).to(device)
    degraded = levels if task in ("custom", "motion_blur", "real_noise") else None
    image = WholeImage("set", "a", 0, levels, degraded)
    for protocol in experiment.protocols:
        for setting in experiment.settings:
            restoration = score_image(Identity(), image, protocol, setting, experiment.metrics)
            assert there(restoration.restored)
            assert {"psnr", "ssim"} <= {score.metric for score in restoration.scores}


@pytest.mark.parametrize("name", [name for name in BASELINES if not name.endswith("bm3d")])
def test_every_baseline_takes_and_gives_there(device, name):
    baseline = Baseline(name)
    degraded = torch.rand(1, 1, 40, 36, device=device)
    restored = apply_network(baseline, degraded, stand_in(baseline.conditions, degraded))
    assert there(restored)


def test_pairs_move(device):
    pair = Pair(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 4, 4), {"sigma": torch.rand(1)}).to(device)
    assert there(pair.degraded)
    assert there(pair.clean)
    assert there(pair.conditions["sigma"])
    assert there(pair.crop(torch.zeros(1, dtype=torch.long, device=device), 1, 2).degraded)

"""The authors' files of networks that are told the noise level, against the numbers that they print."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from restore.checkpoint import load_weights
from restore.models.fdncnn import FDnCNN
from restore.models.ffdnet import FFDNet


def mean_psnr(network: nn.Module, folder, sigma: float, order: slice = slice(None)) -> float:
    """Mean PSNR in dB over a folder's gray images: noise of a fixed seed, unclipped, the output in 8 bits."""
    scores = []
    for number, file in enumerate(sorted(folder.glob("*.png"))[order]):
        clean = torch.from_numpy(np.array(Image.open(file).convert("L"), np.float32))[None, None]
        noise = np.random.default_rng([1, number]).normal(0, sigma, clean.shape)
        degraded = ((clean + torch.from_numpy(noise)) / 255).float()
        with torch.no_grad():
            restored = network(degraded, torch.tensor([sigma / 255]))
        levels = (restored.clamp(0, 1) * 255).round()
        scores.append(10 * np.log10(255**2 / (levels - clean).square().mean().item()))
    return float(np.mean(scores))


# dB as printed; ours came out at 30.440, 27.324; 31.629, 29.186, 26.291; 31.690, 29.214, 26.260
PUBLISHED = [
    (FFDNet, "FFDNet_gray.mat", "Set12", {25: 30.43, 50: 27.32}),
    (FFDNet, "FFDNet_gray.mat", "BSD68", {15: 31.63, 25: 29.19, 50: 26.29}),
    (FDnCNN, "FDnCNN_gray.mat", "BSD68", {15: 31.69, 25: 29.22, 50: 26.27}),
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("make", "file", "dataset", "published"), PUBLISHED)
def test_the_authors_weights_give_the_authors_numbers(make, file, dataset, published, data_root, weights_root):
    network = load_weights(make(), weights_root / file, file).eval()
    psnr = {sigma: mean_psnr(network, data_root / dataset, sigma) for sigma in published}
    assert psnr == pytest.approx(published, abs=0.03)


def test_torchs_order_of_sub_images_costs_decibels(data_root, weights_root):
    network = load_weights(FFDNet(), weights_root / "FFDNet_gray.mat", "ffdnet").eval()
    right = mean_psnr(network, data_root / "Set12", 25, slice(1))
    network.body.register_forward_pre_hook(lambda _, inputs: inputs[0][:, [0, 2, 1, 3, 4]])
    network.body.register_forward_hook(lambda _, __, output: output[:, [0, 2, 1, 3]])
    assert mean_psnr(network, data_root / "Set12", 25, slice(1)) < right - 1

"""
Train a network by hand
=======================

The pieces that ``python -m restore.run`` is made of, without Hydra and Lightning: a bank of images, coordinates of
patches that follow from the seed and the step, a degradation on the device, a network, and the papers' way of scoring.
A hundred steps are seconds; they show how it fits together, not how good it gets.
"""

import matplotlib.pyplot as plt
import torch

import restore
from restore.conditions import apply_network
from restore.data import datasets
from restore.data.bank import ImageBank
from restore.data.sampler import PatchCoordinates
from restore.degradations.noise import GaussianNoise
from restore.models.dncnn import DnCNN

images = datasets.read(datasets.find("photographs", None, channels=1, training=True), channels=1)
bank = ImageBank(images.images, images.names)
sizes = torch.tensor([image.shape[-2:] for image in images.images])
coordinates = PatchCoordinates(sizes, patch_size=40, batch_size=16, seed=0, weighting="images")

# %%
# The network is any module; one that is told something would get it from ``pair.conditions``.

torch.manual_seed(0)
network = DnCNN(channels=1, depth=5, width=24)
degradation = GaussianNoise(25)
optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
losses = []
for step in range(100):
    pair = degradation(bank.crop(coordinates[step], 40), torch.Generator().manual_seed(step))
    loss = torch.nn.functional.mse_loss(apply_network(network, pair.degraded, pair.conditions), pair.clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

# %%
# Scored on three photographs that it did not see, beside the value of the unrestored images.

rows = restore.score(network.eval(), overrides=["task.sigma=25"], metric="psnr", name="dncnn_by_hand")
for row in rows:
    print(f"{row['image']:<10} {row['value_input']:.2f} -> {row['value']:.2f} dB")

figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
axis.semilogy(losses)
axis.set(xlabel="step", ylabel="mean squared error")
plt.show()

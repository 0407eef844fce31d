"""
Restore an image
================

A network that comes with the package removes noise of sigma 25 from a photograph.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import restore

clean = data.camera()[100:356, 150:406].astype(np.float32) / 255  # (H, W) in [0, 1]
noise = np.random.default_rng(0).normal(0, 25 / 255, clean.shape)
degraded = (clean + noise).astype(np.float32)

network = restore.load("red14_denoise25")
restored = restore.restore_image(network, degraded)


# %%
# Peak signal-to-noise ratio before and after.


def psnr(image: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((image - clean) ** 2)))


print(f"{psnr(degraded):.2f} dB before, {psnr(restored):.2f} dB after")

figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for axis, image, title in zip(axes, (clean, degraded, restored), ("clean", "degraded", "restored"), strict=True):
    axis.imshow(image, cmap="gray", vmin=0, vmax=1)
    axis.set_title(title)
    axis.axis("off")
plt.show()

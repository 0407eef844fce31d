"""
Score any function
==================

Any function of an image, from any library, is scored exactly as the networks here are: by the same test
pairs, protocol and metrics. This one is scikit-image's non-local means, told how strong the noise is.
"""

import numpy as np
from skimage.restoration import denoise_nl_means

import restore


def non_local_means(image: np.ndarray, sigma: float) -> np.ndarray:
    """A float32 image ``(H, W)`` in [0, 1]; sigma in the same units, so 25 is told as 25/255."""
    return denoise_nl_means(image, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True)


rows = restore.score(non_local_means, overrides=["task.sigma=25"], conditions=("sigma",), metric=["psnr", "ssim"])

# %%
# A row for each image and metric, with the value of the unrestored input beside it.

for row in rows:
    print(f"{row['image']:<10} {row['metric']:<5} {row['value_input']:8.4f} -> {row['value']:8.4f}")

# %%
# A network is scored by the same call.

network = restore.load("red14_denoise25")
scores = restore.score(network, overrides=["task.sigma=25"], metric="psnr", name="red14")
print(f"red14: {np.mean([row['value'] for row in scores]):.2f} dB")

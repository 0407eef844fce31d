"""
What a corruption looks like
============================

Every task makes its own training pairs, of as many strengths as it is asked for. Here each corrupts the same
photograph, as it corrupts a batch of training patches; what it says of the pair, its strength first of all, stands
above the picture.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from skimage import data

from restore.config.build import build_degradation
from restore.config.compose import compose

# %%
# A line for each picture: its title, and the words that follow ``python -m restore.run``. Tasks of real pairs, such as
# ``task=motion_blur``, are not among them: a camera made those.

CORRUPTIONS = [
    ("noise", "task=denoise"),
    ("noise of any strength", "task=denoise_blind"),
    ("noise over a ramp", "task=denoise task.sigma=75 task.sigma_map=ramp"),
    ("super-resolution", "task=sr"),
    ("any of three scales", "task=sr_blind"),
    ("JPEG", "task=jpeg"),
    ("JPEG of any quality", "task=jpeg_blind"),
    ("blur, a disk", "task=deblur"),
    ("blur, a Gaussian", "task=deblur task.kernel=gaussian"),
    ("blur, any motion", "task=deblur task.kernel=motion task.angle=[0,180]"),
    ("text", "task=inpaint_text task.font_size=20"),
    ("scratches", "task=inpaint_scratch"),
    ("a third each: noise, scale, JPEG", "task=general"),
    ("blurred, shrunk, noisy, saved as JPEG", "task=chain"),
    ("a sensor's noise", "task=poisson_gaussian"),
    ("salt and pepper, by kornia", "task=kornia"),
    ("a camera's, by albumentations", "task=albumentations"),
]

photograph = data.chelsea()[36:196, 118:278]  # (H, W, 3), 8 bits
clean = torch.from_numpy(photograph.copy()).permute(2, 0, 1)[None] / 255  # (1, 3, H, W) in [0, 1]


# %%
# A degradation is called with a batch and a generator, which all its randomness comes from. What it says of a pair is
# in units of the image, so sigma, gain and read noise are written here times 255.


def said(name: str, condition: torch.Tensor) -> str:
    """A value as it is; of a map or a kernel its size."""
    levels = condition.max().item() * (255 if name in ("sigma", "gain", "read_noise") else 1)
    if condition.dim() == 0:
        return f"{name} {levels:.3g}"
    return f"{name} of {condition.shape[-1]}×{condition.shape[-2]}" + (
        f", up to {levels:.3g}" if name == "sigma" else ""
    )


def corrupted(words: str, seed: int) -> tuple[np.ndarray, str]:
    """The corrupted photograph ``(H, W, 3)``, and the values that a network could be told."""
    config = compose("config", [*words.split(), "task.channels=3", "logger=none"])
    degradation = build_degradation(config.task.degradation)
    pair = degradation(clean, torch.Generator().manual_seed(seed))
    told = [said(name, condition[0]) for name, condition in pair.conditions.items()]
    return pair.degraded[0].clamp(0, 1).permute(1, 2, 0).numpy(), ",\n".join(told) if len(
        ", ".join(told)
    ) > 40 else ", ".join(told)


rows = -(-(len(CORRUPTIONS) + 1) // 3)
figure, axes = plt.subplots(rows, 3, figsize=(10.5, 4.1 * rows), layout="constrained")
for axis in axes.flat:
    axis.axis("off")
axes.flat[0].imshow(photograph)
axes.flat[0].set_title("clean")
for number, (title, words) in enumerate(CORRUPTIONS):
    image, told = corrupted(words, seed=6 + number)
    axis = axes.flat[number + 1]
    axis.imshow(image, interpolation="nearest")
    axis.set_title(f"{title}\n{words.replace(' task.', chr(10) + 'task.', 1)}\n{told}", fontsize=8)
    print(f"{title:<40}{words}: {told.replace(chr(10), ' ') or 'says nothing of it'}")
plt.show()

# %%
# ``task=general`` is DnCNN-3's: its one network is also tested on an image of six regions, each with a corruption of
# its own (Fig. 12).

regions = build_degradation(compose("config", ["task=general", "logger=none"]).task.regions)
gray = clean.mean(dim=1, keepdim=True)
pair = regions(gray, torch.Generator().manual_seed(0))
figure, axes = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
for axis, image, title in zip(axes, (pair.clean, pair.degraded), ("clean", "six regions"), strict=True):
    axis.imshow(image[0, 0].numpy(), cmap="gray", vmin=0, vmax=1)
    axis.set_title(title)
    axis.axis("off")
plt.show()

"""restore: train, ablate, score and use image-restoration networks.

One image convention holds everywhere below the file readers: a float32 tensor of shape
``(N, C, H, W)`` with values in [0, 1]; C is 1 (gray) or 3 (RGB). What a person sets or reads
(`sigma`, image files, the peak of PSNR) is in levels of 0 to 255; `restore.image` is the one
place where levels and the unit range meet.
"""

__version__ = "0.1.0"

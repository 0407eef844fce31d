"""Restoration networks: plain modules from degraded to restored image, ``(N, C, H, W)`` to the same shape."""

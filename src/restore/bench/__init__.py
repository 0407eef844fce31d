"""Measurements of what this code costs on this machine: ``python -m restore.bench``."""

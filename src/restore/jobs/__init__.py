"""Runs as jobs: a grid of them, on this machine or on Slurm."""

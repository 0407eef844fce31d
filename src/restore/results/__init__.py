"""Scores kept: one row per image, tables beside the published numbers, pictures and plots."""

"""Optimisers, schedules and losses that torch does not have."""

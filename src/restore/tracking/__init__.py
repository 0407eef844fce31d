"""Loggers and what is sent to them; nothing here can end or slow a run."""

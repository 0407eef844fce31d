"""YAML files of run folders, which may be anybody's: read with limits, and as plain values alone."""

from __future__ import annotations

import io
from pathlib import Path

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore.config.known import LOADER
from restore.errors import RequestError

MOST_BYTES = 1_000_000  # a configuration of ours has some 10,000
MOST_DEPTH = 40


UNREADABLE = (OSError, ValueError, RecursionError, yaml.YAMLError, OmegaConfBaseException)


def load_limited(file: Path) -> DictConfig | ListConfig:
    """The content of a file that a run wrote.

    YAML's aliases are refused: ours have none, and a few of them in one another stand for more values than there is
    memory.

    Raises:
        RequestError: it is too long or nested too deep.
        Exception: one of `UNREADABLE`.
    """
    if file.stat().st_size > MOST_BYTES:
        raise RequestError(f"{file} is longer than {MOST_BYTES:,} bytes, and no file that a run writes")
    text = file.read_bytes().decode()
    if not text.strip():
        raise ValueError("it is empty")
    _check_events(text, file)
    return OmegaConf.load(io.StringIO(text))


def read_yaml(file: str | Path) -> DictConfig | ListConfig:
    """The same, with one sentence for whatever keeps it from being read.

    Raises:
        RequestError: it is no such file, too long, nested too deep, or cannot be read.
    """
    file = Path(file)
    try:
        if not file.is_file():
            raise RequestError(f"there is no file {file}")
        return load_limited(file)
    except UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RequestError(f"{file} cannot be read: {reason[:200]}") from error


def _check_events(text: str, file: Path) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > MOST_DEPTH:
            raise RequestError(
                f"{file} has {'aliases' if depth <= MOST_DEPTH else 'too many levels'}, and no run writes such a file"
            )

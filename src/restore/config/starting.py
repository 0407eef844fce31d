"""What training on from an authors' file means, where a person names the file alone."""

from __future__ import annotations

from collections.abc import Sequence

from restore.config.loading import SEARCH_PATH, load, parse
from restore.config.overrides import normalise_overrides
from restore.errors import RequestError
from restore.released import find, is_released

OWN_WAY = ("recipe", "optim", "experiment", "resume")  # whoever names one of them has said how it is trained


def complete_start(words: Sequence[str]) -> list[str]:
    """The words of a training with those that ``init=<authors' file by its name>`` stands for before them.

    These are the network that reads the file and the task that it was trained for, where neither is typed; no batch
    norm, where the network may have it, for the files have none; and ``recipe=fine_tune``, unless the words say
    otherwise: what is typed holds.

    Example:
        >>> complete_start(["init=dncnn_s_25", "data=folder"])[:-2]
        ['model=dncnn_s', 'task=denoise', 'task.sigma=25', 'model.batch_norm=false', 'recipe=fine_tune']
    """
    keys = {word.lstrip("+~").partition("=")[0] for word in words}
    named = next((parse(word).value() for word in words if word.startswith("init=")), None)
    if not is_released(str(named)) or keys & {"experiment", "resume"}:
        return list(words)
    entry, implied = find(str(named)), list[str]()
    if "model" not in keys:
        implied.append(f"model={entry.network}")
    if "task" not in keys:
        implied += [word for word in entry.words if word.partition("=")[0] not in keys]
    model = next((word for word in [*words, *implied] if word.startswith("model=")), "")
    if "model.batch_norm" not in keys and _has_batch_norm(model, words):
        implied.append("model.batch_norm=false")
    if not any(key in OWN_WAY or key.startswith("optim.") for key in keys):
        implied.append("recipe=fine_tune")
    return [*implied, *words]


def _has_batch_norm(model: str, words: Sequence[str]) -> bool:
    """Whether a model's file has that switch; what is wrong with the words is said where they are composed."""
    try:
        places = [word for word in normalise_overrides(words) if word.startswith(f"{SEARCH_PATH}=")]
        return "batch_norm" in load("config", [*places, model]).model
    except RequestError:
        return False

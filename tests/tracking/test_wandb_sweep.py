"""``wandb sweep conf/wandb_sweep.yaml``: what its agents call can be composed, and its objective is one that is sent."""

import itertools
from pathlib import Path

import yaml

from restore.config.compose import compose
from restore.config.loading import configuration
from restore.config.overrides import check, normalise_overrides

KNOWN = {"${env}": [], "${interpreter}": ["python"]}


def words_of(sweep: dict, values: dict) -> list[str]:
    """The command line as W&B's agent fills it in."""
    macros = KNOWN | {"${args_no_hyphens}": [f"{key}={value}" for key, value in values.items()]}
    return [word for part in sweep["command"] for word in macros.get(part, [part])]


def test_each_point_of_the_sweep_composes():
    sweep = yaml.safe_load(Path(configuration(), "wandb_sweep.yaml").read_text())
    choices = {key: entry.get("values", [entry.get("value")]) for key, entry in sweep["parameters"].items()}
    points = [dict(zip(choices, point, strict=True)) for point in itertools.product(*choices.values())]
    assert len(points) == 18
    for values in points[::5]:  # every value of every key among them
        interpreter, flag, module, *words = words_of(sweep, values)
        assert (interpreter, flag, module) == ("python", "-m", "restore.run")
        check("config", words, words)
        config = compose("config", normalise_overrides(words))
        assert config.model.skip_step == values["model.skip_step"]
        assert config.optim.optimizer.lr == values["optim.optimizer.lr"]
        assert config.seed == values["seed"]
        assert config.logger.mode == "online"
    assert sweep["metric"] == {"name": "objective", "goal": "maximize"}

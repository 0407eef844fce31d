"""Values of the configuration are checked where it is composed, for every command alike."""

from dataclasses import is_dataclass
from typing import get_type_hints

import pytest
from omegaconf import OmegaConf

from restore.config.compose import compose
from restore.config.schema import COMMANDS
from restore.errors import RequestError

BOTH = ("config", "evaluate")


@pytest.mark.parametrize("command", BOTH)
@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("precision=banana", "unknown precision 'banana': (there are 32, bf16-mixed)"),
        ("precision=bf16-mixd", "unknown precision 'bf16-mixd': did you mean 'bf16-mixed'"),
        ("accelerator=gpuu", "unknown accelerator 'gpuu': did you mean 'gpu'"),
        ("on_bad_image=stopp", "unknown on_bad_image 'stopp': did you mean 'stop'"),
        ("strict=yes", "strict is true or false, and it is 'yes'"),
        ("task.luma=Y", "unknown task.luma 'Y'"),
        ("task.channels=2", "task.channels is 1 (gray) or 3 (colour), and it is 2"),
        ("test_sets=[]", "test_sets is empty, and it is a name or a list of names"),
        ("test_sets=[[set12]]", "test_sets is a name or a list of names"),
        ("baselines=[[bm3d]]", "baselines is a name or a list of names"),
        ("paths.cache=[a]", "paths.cache is one name or path"),
        ("sheets=[set12]", "sheets is a list of mappings"),
        ("tset_sets=[set12]", "unknown key 'tset_sets': did you mean 'test_sets'"),
    ],
)
def test_what_all_commands_share(command, word, sentence):
    refused(command, word, sentence)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("trainer.precision=bf16", "unknown trainer.precision 'bf16': did you mean 'bf16-mixed'"),
        ("trainer.channels_last=maybe", "unknown trainer.channels_last 'maybe'"),
        ("trainer.compile=1", "trainer.compile is true or false, and it is 1"),
        ("trainer.max_steps=0", "trainer.max_steps must be at least 1, and it is 0"),
        ("trainer.validations=many", "trainer.validations is a whole number, and it is 'many'"),
        ("data.weighting=pixel", "unknown data.weighting 'pixel': did you mean 'pixels'"),
        ("data.validation_size=-1", "data.validation_size must be at least 0, and it is -1"),
        ("data.batch_size=1.5", "data.batch_size is a whole number, and it is 1.5"),
        ("data.batch_size=0", "data.batch_size must be at least 1, and it is 0"),
        ("data.train=[[a]]", "data.train is a name or a list of names"),
        ("budget.name=gpus", "unknown budget.name 'gpus': did you mean 'gpu'"),
        ("budget=gpus", "unknown budget 'gpus': did you mean 'gpu'"),
        ("logger=wandbb", "unknown logger 'wandbb': did you mean 'wandb'"),
        ("logger.mode=onlin", "unknown logger.mode 'onlin': did you mean 'online'"),
        ("seed=-1", "seed must be at least 0, and it is -1"),
        ("seed=first", "seed is a whole number, and it is 'first'"),
        ("optim.ema=often", "optim.ema is a number or null, and it is 'often'"),
        ("claims=[better]", "claims is a list of mappings"),
        ("feature_maps=[[conv-2]]", "feature_maps is a name or a list of names"),
        ("feature_maps={red10: 3}", "feature_maps.red10 is a name or a list of names, and it is 3"),
        ("sweep.jobs=0", "sweep.jobs must be at least 1, and it is 0"),
        ("data=folder", "data.path has to be given"),
    ],
)
def test_what_a_run_has(word, sentence):
    refused("config", word, sentence)


def refused(command: str, word: str, sentence: str) -> None:
    with pytest.raises(RequestError) as refusal:
        compose(command, [word])
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("command", BOTH)
def test_one_name_stands_for_a_list_of_one(command):
    config = compose(command, ["test_sets=set5", "baselines=wavelet"])
    assert config.test_sets == ["set5"]
    assert config.baselines == ["wavelet"]


def test_layers_are_a_list_or_a_list_by_model():
    assert compose("config", ["feature_maps=conv-2"]).feature_maps == ["conv-2"]
    assert compose("config", ["feature_maps={fcn: [conv-2], red10: [deconv-3]}"]).feature_maps.red10 == ["deconv-3"]
    assert compose("config", []).feature_maps is None


@pytest.mark.parametrize("command", BOTH)
def test_each_key_of_the_schema_is_one_that_there_is(command):
    config = OmegaConf.to_container(compose(command, ["task=jpeg"]))
    assert set(schema_keys(COMMANDS[command])) - {"paths.runs", "data.path"} <= set(dotted(config))


def schema_keys(schema: type, prefix: str = "") -> list[str]:
    keys = []
    for name, hint in get_type_hints(schema).items():
        keys += [f"{prefix}{name}", *(schema_keys(hint, f"{prefix}{name}.") if is_dataclass(hint) else ())]
    return keys


def dotted(config: dict, prefix: str = "") -> list[str]:
    keys = []
    for key, value in config.items():
        keys += [f"{prefix}{key}", *(dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else ())]
    return keys

"""Values that YAML cannot write down."""

import pytest
from omegaconf import OmegaConf

from restore.config.resolvers import register_resolvers, to_plain


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("${steps:100,16}", 7),
        ("${steps:96,16}", 6),
        ("${steps:3,0}", 3),
        ("${at:cpu,1,2,3}", 1),
        ("${at:gpu,1,2,3}", 2),
        ("${at:paper,1,2,3}", 3),
        ("${one_of:key,b,a,b}", "b"),
        ("${gpus:gpu,4}", 4),
        ("${gpus:cpu,4}", None),
        ("${run_folder:runs/a,runs/b,now}", "runs/a"),
        ("${levels_to_test:[0,55],[15,25],sigma}", [15, 25]),
        ("${levels_to_test:50,[15,25],sigma}", [50]),
    ],
)
def test_what_each_gives(expression, value):
    register_resolvers()
    register_resolvers()  # again does no harm
    assert to_plain(OmegaConf.create({"key": expression}).key) == value


def test_a_run_has_a_folder_of_its_time(monkeypatch):
    for name in ("SLURM_STEP_ID", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    assert OmegaConf.create({"key": "${run_folder:null,runs/b,noon}"}).key == "runs/b/noon"


def test_the_budget_follows_the_machine(monkeypatch):
    for kind, budget in (("cuda", "gpu"), ("cpu", "cpu"), ("mps", "cpu")):
        monkeypatch.setattr("restore.config.resolvers.device_kind", lambda kind=kind: kind)
        assert OmegaConf.create({"key": "${default_budget:}"}).key == budget


def test_plain_values_stay_as_they_are():
    config = OmegaConf.create({"a": [1, {"b": "${c}"}], "c": 2})
    assert to_plain(config) == {"a": [1, {"b": 2}], "c": 2}
    assert to_plain("text") == "text"

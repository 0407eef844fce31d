"""What Hydra reads, from which folders, and what it says where that does not go together."""

import pytest
from hydra.core.global_hydra import GlobalHydra

from restore.config.loading import groups, load, members, over_configuration, parse
from restore.errors import RequestError


def test_groups_and_their_members():
    assert {"task", "model", "data", "optim", "protocol", "metric", "hydra/launcher"} <= groups([])
    assert {"dncnn", "red"} <= set(members("protocol"))
    assert not [name for name in members("protocol") if name.startswith("_")]
    assert members("nowhere") == []


def test_a_hydra_that_is_at_work_goes_on():
    with over_configuration() as outer:
        loader = outer.config_loader()
        load("scoring", ["protocol=red"])
        assert GlobalHydra.instance().config_loader() is not None
        assert "dncnn" in loader.get_group_options("protocol")
    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["task=denoize"], "unknown task 'denoize': did you mean 'denoise'"),
        (["wieghts=x"], "unknown key 'wieghts': did you mean 'weights'"),
        (["model=red10", "model.widht=3"], "unknown key 'model.widht': did you mean 'model.width'"),
        (["task=sr", "task.sigma=3"], "unknown key 'task.sigma'"),
        (["model.width=3"], "unknown key 'model.width'"),  # of the identity
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_one_sentence_with_the_nearest_name(words, sentence):
    with pytest.raises(RequestError) as refusal:
        load("evaluate", words)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_key_that_another_member_has_is_looked_for_among_those_of_the_one_that_was_named():
    with pytest.raises(RequestError, match=r"did you mean 'model\.channels'"):
        load("evaluate", ["model=dncnn_s", "model.chanels=3"])


def test_a_file_of_ones_own_that_names_what_is_not_there(tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\ndefaults:\n  - override /model: red31\n")
    with pytest.raises(RequestError, match="unknown model 'red31': did you mean 'red30'"):
        load("config", [f"hydra.searchpath=[{tmp_path}]", "experiment=mine"])


def test_a_word_that_cannot_be_read():
    assert parse("task.sigma=[1,2]").value() == [1, 2]
    with pytest.raises(RequestError, match=r"cannot read 'task\.sigma=\[1,2'"):
        parse("task.sigma=[1,2")

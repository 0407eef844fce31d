"""The commands of docs/released.md: one for each network that RED-Net's authors released, each with its own task."""

import re
from pathlib import Path

from restore.config.build import build_settings
from restore.config.compose import compose
from restore.data import datasets
from restore.released import released

PAGE = (Path(__file__).parents[2] / "docs" / "released.md").read_text()
COMMANDS = re.findall(
    r"^python -m restore\.evaluate (model=red30_released .*)$", PAGE.partition("### What they")[0], re.M
)


def test_each_released_network_has_a_command_for_what_it_was_trained_for():
    networks = {each.file: each for each in released() if each.model == "red30_released"}
    assert len(networks) == 12
    seen = {}
    for words in COMMANDS:
        config = compose("evaluate", words.replace("'", "").split())
        assert list(config.protocols) == ["red"]
        assert set(config.test_sets) <= set(datasets.TEST)
        (setting,) = build_settings(config.task)
        assert networks[config.weights].fits(setting.name, config.model.channels), words
        seen[config.weights] = words
    assert seen.keys() == networks.keys()


def test_the_page_names_each_of_them_and_where_it_lies():
    commit = {each.commit for each in released() if each.model == "red30_released"}.pop()
    assert commit in PAGE
    rows = re.findall(r"^\| `RED30.*$", PAGE, re.M)
    for each in released():
        if each.model == "red30_released":
            name, strength = each.name.rsplit("_", 1)
            folder, last = each.path.removeprefix("model/").removesuffix(".caffemodel").split("/")
            parts = (f"_{strength}`", f"`{folder}/", last, name.split("_")[1])
            assert any(all(part in row for part in parts) for row in rows), each.name

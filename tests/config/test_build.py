"""From configuration to objects."""

import pytest
import torch
from omegaconf import OmegaConf

from conftest import protocol
from restore.config.build import build, build_data, build_degradation, build_network, build_optimizer, build_settings
from restore.config.compose import compose
from restore.degradations.noise import GaussianNoise
from restore.errors import RequestError


def test_what_a_constructor_refuses_is_one_sentence():
    with pytest.raises(RequestError, match="must be odd"):
        build_network(compose("config", ["model=red10", "model.kernel_size=4"]).model)
    with pytest.raises(RequestError, match=r"no\.such\.Class"):
        build({"_target_": "no.such.Class"})
    with pytest.raises(RequestError, match="unexpected keyword argument"):
        build({"_target_": "torch.nn.ReLU", "colour": 3})


def test_a_bug_in_a_constructor_is_no_request():
    with pytest.raises(Exception, match="ZeroDivisionError"):
        build({"_target_": "operator.truediv", "_args_": [1, 0]})


def test_a_degradations_message_names_the_tasks_key():
    with pytest.raises(RequestError, match=r"^task\.sigma must be at least 0"):
        build_degradation({"_target_": "restore.degradations.noise.GaussianNoise", "sigma": -5})
    assert isinstance(
        build_degradation({"_target_": "restore.degradations.noise.GaussianNoise", "sigma": 5}), GaussianNoise
    )


def test_an_optimiser_is_built_for_a_network():
    network = torch.nn.Conv2d(1, 2, 3)
    optim = compose("config", ["optim=adam_cosine"]).optim
    assert sum(len(group["params"]) for group in build_optimizer(optim, network).param_groups) == 2
    optim.optimizer.lr = -1
    with pytest.raises(RequestError, match=r"^optim\.optimizer: Invalid learning rate"):
        build_optimizer(optim, network)


def test_settings_are_named_as_in_the_published_tables():
    def names(*words: str) -> list[str]:
        return [setting.name for setting in build_settings(compose("evaluate", words).task)]

    assert names() == ["sigma=25"]
    assert names("task=sr") == ["scale=3"]
    assert names("task=inpaint_text", "task.font_size=20") == ["text font=20"]
    assert names("task=deblur", "task.kernel=gaussian") == ["kernel=gaussian"]
    assert names("task=inpaint_scratch") == ["scratch"]


def test_a_mixed_setting_draws_a_strength_for_each_image():
    mixed = {"family": "noise", "parameter": "sigma", "at": {"set": [10, 30, 50, 70], "weights": [611, 500, 611, 500]}}
    (setting,) = build_settings(OmegaConf.merge(compose("evaluate", []).task, {"test": mixed}))
    assert (setting.name, setting.strength) == ("sigma=10/30/50/70", "10/30/50/70")
    levels = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    pairs = [protocol("gopro_study", "protocols.gopro_study.resize=0").pair(levels, setting, str(i)) for i in range(40)]
    sigmas = {round(pair.conditions["sigma"].item() * 255) for pair in pairs}
    assert sigmas == {10, 30, 50, 70}


def test_data_have_the_test_sets_of_the_top_level(image_folder):
    train, test = image_folder("train", 2), image_folder("test", 1)
    words = ["data=folder", f"data.path={train}", f"test_sets={test}", "on_bad_image=skip", "task.channels=3"]
    data = build_data(compose("config", words))
    assert (data.train_sets, data.test_sets, data.on_bad_image) == ([str(train)], [str(test)], "skip")
    assert data.channels == 3
    assert build_data(compose("config", words), root="/elsewhere").root == "/elsewhere"
    assert "path" not in OmegaConf.to_container(compose("config", []).data)

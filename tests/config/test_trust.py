"""What a configuration from somebody else may name, and what a person's word adds to it."""

import ast
import importlib
import inspect

import pytest
from omegaconf import OmegaConf

from restore.config.compose import compose, run_config
from restore.config.loading import members
from restore.config.trust import PLACES, WITH_WEIGHTS, Trust, check_foreign, library_class
from restore.errors import RequestError

FETCH = {"load_state_dict_from_url", "from_pretrained", "NoTrainInceptionV3", "_load_pretrained", "hf_hub_download"}


def test_classes_of_libraries_by_their_names_alone():
    for path in ("torch.nn.Conv2d", "torch.optim.AdamW", "torch.optim.lr_scheduler.StepLR", "kornia.losses.SSIMLoss",
                 "torchmetrics.image.PeakSignalNoiseRatio", "albumentations.GaussNoise"):  # fmt: skip
        assert library_class(path) is not None, path
    for path in ("torch.load", "torch.nn.functional.relu", "torch.nn.Module.load_state_dict", "torch.hub.load",
                 "torch.nn.init", "torch.nn.modules.os.remove", "kornia.augmentation.RandomDissolving", "torch.nn._x",
                 "torchmetrics.text.BERTScore", "albumentations.load", "Conv2d", "", "torch.optim.Optimizer.step"):  # fmt: skip
        assert library_class(path) is None, path


def test_what_fetches_weights_is_in_the_list():
    """The list is true for the versions that are installed."""
    found = set()
    for place in PLACES:
        for name, kind in vars(importlib.import_module(place)).items():
            if isinstance(kind, type) and kind.__name__ not in WITH_WEIGHTS and library_class(f"{place}.{name}"):
                tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind.__init__)))
                names = {getattr(call.func, "id", getattr(call.func, "attr", "")) for call in _calls(tree)}
                found |= {f"{place}.{name}"} if names & FETCH else set()
    assert not found


def _calls(tree: ast.AST):
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


@pytest.mark.parametrize("experiment", ["quickstart", "red_denoise", "real_world_sr", "gopro_denoise", "grid"])
def test_what_this_package_composes_passes(experiment):
    assert experiment in members("experiment")
    check_foreign(compose("config", [f"experiment={experiment}"]), Trust.of(), "it")


def test_a_persons_word(tmp_path):
    own = OmegaConf.create({"model": {"_target_": "mypackage.nets.Net"}, "mine": 1})
    refused = pytest.raises(RequestError, match="sets mine, a key that no configuration here has")
    with refused:
        check_foreign(own, Trust.of([], []), "it")
    check_foreign(own, Trust.of(True), "it")
    del own["mine"]
    with pytest.raises(RequestError, match=r"trust=\[mypackage\] says"):
        check_foreign(own, Trust.of(["my"]), "it")
    check_foreign(own, Trust.of(["mypackage"]), "it")
    check_foreign(own, Trust.of(words=["trust=[mypackage]"]), "it")
    check_foreign(own, Trust.of(words=["model._target_=mypackage.nets.Net"]), "it")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "net.yaml").write_text("_target_: mypackage.nets.Net\n")
    check_foreign(own, Trust.of(words=[f"hydra.searchpath=['file://{tmp_path}']"]), "it")
    for wrong in (1, [1], "a b", ["os;"]):
        with pytest.raises(RequestError, match="trust is true, false, or a list of packages"):
            Trust.of(wrong)


def test_a_target_is_allowed_in_its_group_alone():
    logger = {"_target_": "lightning.pytorch.loggers.CSVLogger", "save_dir": "${tracking.folder}", "name": "csv"}
    check_foreign(OmegaConf.create({"logger": logger, "tracking": {"folder": None}}), Trust.of(), "it")
    with pytest.raises(RequestError, match=r"would have model\._target_=lightning"):
        check_foreign(OmegaConf.create({"model": logger, "tracking": {"folder": None}}), Trust.of(), "it")


def test_the_shipped_run_passes():
    assert run_config("red14_denoise25").name == "quality_per_minute"

"""Every file of conf/ composes, and what it names can be built."""

import itertools

import pytest
import torch
from omegaconf import OmegaConf

from restore.conditions import apply_network, stand_in, told
from restore.config.build import build, build_data, build_degradation, build_protocols, build_settings
from restore.config.compose import compose
from restore.config.loading import configuration, trains
from restore.config.overrides import normalise_overrides
from restore.config.resolvers import to_plain
from restore.degradations.real import RealPairs
from restore.results.crops import Sheet

GROUPS = configuration()


def members(group: str) -> list[str]:
    return sorted(file.stem for file in (GROUPS / group).glob("*.yaml") if not file.stem.startswith("_"))


def composed(*words: str):
    return compose("config", ["data.path=/photos", *words] if "data=folder" in words else words)


# every task with two models, every model with a gray and, but for those of gray images alone, a colour task
PAIRS = {
    *itertools.product(members("task"), ("red10", "dncnn_s")),
    *itertools.product(("denoise", "deblur"), members("model")),
} - {("deblur", "tnrd_jpeg")}


@pytest.mark.parametrize(("task", "model"), sorted(PAIRS))
def test_every_task_and_model_compose_and_run(task, model):
    config = composed(f"task={task}", f"model={model}", "budget=cpu")
    words = {k: v for k, v in OmegaConf.to_container(config.model, resolve=True).items() if k != "name"}
    width = {"width": 4} if "width" in words else {}
    network = build(words | width)
    clean = torch.rand(2, config.task.channels, 20, 17)
    degradation = build_degradation(OmegaConf.to_container(config.task.degradation, resolve=True))
    real = isinstance(degradation, RealPairs)
    degraded = clean + 0.1 if real else degradation(clean, torch.Generator().manual_seed(0)).degraded
    restored = apply_network(network, degraded, stand_in(told(network), degraded))
    assert restored.shape == clean.shape
    if model != "identity":
        restored.mean().backward()
    assert config.model.name == model
    for setting in build_settings(config.task):
        assert setting.channels == config.task.channels
        if not real:
            levels = torch.full((1, 3, 24, 20), 99, dtype=torch.uint8)
            assert build_protocols(config)[0].pair(levels, setting, "x").degraded.shape[1] == setting.channels


@pytest.mark.parametrize("task", members("task"))
@pytest.mark.parametrize("channels", [1, 3])
def test_every_task_is_gray_or_colour(task, channels):
    config = composed(f"task={task}", f"task.channels={channels}", "budget=cpu")
    assert config.model.channels == config.data.channels == channels


@pytest.mark.parametrize("group", ["data", "optim", "budget", "trainer", "logger", "recipe"])
def test_every_member_composes_and_resolves(group):
    for name in members(group):
        words = [f"{group}={name}", *(["data.path=/photos"] if name in ("folder", "pairs") else [])]
        config = compose("config", words)
        if group == "optim":
            build(config.optim.loss)
            build(config.optim.schedule)
            assert build(config.optim.optimizer)([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]["lr"] > 0
        if group == "data":
            build_data(config)
        if group == "logger" and "save_dir" in (config.logger or {}):
            config.logger.save_dir = "/x"
        OmegaConf.to_container(config, resolve=True)


def keys(config, prefix: str = "") -> set[str]:
    found = set()
    for key, value in config.items():
        found.add(prefix + key)
        if isinstance(value, dict):
            found |= keys(value, f"{prefix}{key}.")
    return found


# keys whose value is a mapping of a person's own, or may be one
MAPPINGS = (
    "task.sigma.",
    "task.font_size.",
    "task.test_sigma.",
    "task.gain.",
    "task.read_noise.",
    "data.layout.",
    "feature_maps.",
)


@pytest.mark.parametrize("experiment", list(filter(trains, members("experiment"))))
def test_experiments_add_no_key_that_the_base_lacks(experiment):
    config = composed(f"experiment={experiment}", "budget=cpu")
    groups = {"model": "model", "task": "task", "data": "data", "optim": "optim"}
    names = {group: OmegaConf.select(config, f"{group}.name") for group in groups}
    words = [f"{group}={name}" for group, name in names.items() if name and group != "data"]
    protocols = ",".join(dict.fromkeys(name.partition("+")[0] for name in config.protocols))
    base = composed(*words, f"protocol=[{protocols}]", f"metric=[{','.join(config.metrics)}]", "budget=cpu")
    extra = {
        key
        for key in keys(OmegaConf.to_container(config)) - keys(OmegaConf.to_container(base))
        if not key.startswith((*MAPPINGS, *(f"protocols.{name}" for name in config.protocols if "+" in name)))
    }
    assert not extra
    assert config.name == experiment


def test_papers_widths_and_depths():
    for name, depth in (
        ("red10", 10),
        ("red20", 20),
        ("red30", 30),
        ("dncnn_s", 17),
        ("dncnn_b", 20),
        ("cdncnn_b", 20),
    ):
        model = composed(f"model={name}").model
        assert (model.depth, model.width, model.kernel_size) == (depth, 64, 3)
    assert composed("model=cdncnn_b").data.channels == 3


def test_budget_follows_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert composed().budget.name == "cpu"
    assert composed("budget=paper", "task=denoise_blind").trainer.max_steps == 150_000
    assert composed("budget=paper").trainer.max_steps == 80_000


def test_strengths_reach_degradation_and_test():
    config = composed(*normalise_overrides(["task=denoise_blind", "task.sigma={set:[10,30]}"]))
    assert [setting.name for setting in build_settings(config.task)] == ["sigma=10", "sigma=30"]
    assert [s.name for s in build_settings(composed("task=denoise_blind").task)] == ["sigma=15", "sigma=25", "sigma=50"]
    assert [s.name for s in build_settings(composed("task.sigma=50").task)] == ["sigma=50"]


@pytest.mark.parametrize("name", list(filter(trains, members("experiment"))))
def test_sheets_name_settings_that_are_tested(name):
    """Of the experiment itself or of one of the tasks that it sweeps."""
    config = compose("config", [f"experiment={name}"], hydra_too=True)
    sheets = [Sheet.read(entry) for entry in to_plain(config.sheets)]
    if not sheets:
        return
    axes = {key: str(values).split(",") for key, values in to_plain(config.hydra.sweeper.params or {}).items()}
    words = [[f"{key}={value}" for value in values] for key, values in axes.items() if key.startswith("task")]
    tasks = [compose("config", [f"experiment={name}", *point]).task for point in itertools.product(*words)]
    settings = {setting.name for task in tasks for setting in build_settings(task)}
    assert {sheet.setting for sheet in sheets} <= settings
    assert {sheet.dataset for sheet in sheets} & {*to_plain(config.test_sets)}

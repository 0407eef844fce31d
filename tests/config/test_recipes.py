"""With its paper's recipe and budget=paper an experiment has no value of ours left, and its header is true."""

import re

import pytest
from omegaconf import DictConfig, OmegaConf

from restore.config.compose import compose
from restore.config.loading import configuration, members, trains
from restore.jobs.grid import expand

FOLDER = configuration() / "experiment"
PAPERS = ("RED-Net", "DnCNN", "The GOPRO study")
# networks of papers whose recipes are not here, and a stand-in for a set
WITHOUT = {"dncnn_vdsr", "dncnn_arcnn", "gopro_denoise_standin"}


def header(experiment: str) -> str:
    lines = (FOLDER / f"{experiment}.yaml").read_text().splitlines()
    return "\n".join(
        line.removeprefix("# ") for line in lines[1 : next(i for i in range(len(lines)) if i and lines[i][0] != "#")]
    )


PAPERS_OWN = [name for name in members("experiment") if trains(name) and header(name).startswith(PAPERS)]
FIGURES = [
    name
    for name in PAPERS_OWN
    if "ours_ablation" in (FOLDER / f"{name}.yaml").read_text()
    or "- _ablation" in (FOLDER / f"{name}.yaml").read_text()
]
RECIPES = {name: recipe[1] for name in PAPERS_OWN if (recipe := re.search(r"recipe=(paper_\w+)", header(name)))}


def plain(node) -> dict:
    return OmegaConf.to_container(node, resolve=True)


def test_every_paper_has_its_experiments_and_every_experiment_its_recipe():
    assert len(PAPERS_OWN) > 35
    assert set(RECIPES) == set(PAPERS_OWN) - WITHOUT
    for name, recipe in RECIPES.items():
        assert recipe.startswith(f"paper_{name.partition('_')[0]}")


@pytest.mark.parametrize("experiment", RECIPES)
def test_no_value_of_ours_is_left(experiment):
    config = compose("config", [f"experiment={experiment}", f"recipe={RECIPES[experiment]}", "budget=paper"])
    {"red": check_red, "dncnn": check_dncnn, "gopro": check_gopro}[experiment.partition("_")[0]](experiment, config)
    assert config.recipe.name == RECIPES[experiment]
    assert config.trainer.max_time is None, "an epoch more or less is no matter of time"
    assert config.recipe.init == "required"
    assert "norm" not in config.optim.clip
    assert config.optim.ema is None
    assert config.data.validation_size in (0, config.data.patch_size)
    assert config.data.share == 1
    assert config.model.get("last_layer", "he") == "he"


def check_red(experiment: str, config: DictConfig) -> None:
    figure = experiment in FIGURES
    sgd = experiment == "red_conv_or_deconv"
    optimizer = {"_target_": "torch.optim.SGD", "lr": 1e-6} if sgd else {"_target_": "torch.optim.Adam", "lr": 1e-4}
    assert plain(config.optim.optimizer) == optimizer | {"_partial_": True}
    assert config.optim.schedule._target_ == "restore.optim.schedule.Constant"
    assert plain(config.optim.loss) == {"_target_": "restore.optim.losses.PatchSquaredError", "weight": 1.0}
    assert plain(config.optim.clip) == {}
    assert config.model.width == (64 if figure else 128)
    data = config.data
    assert (data.orientations, data.pool, plain(data.scales), data.batch_size) == ("none", 500_000, [1], 128)
    assert data.patch_size == (243 if experiment == "red_bottleneck" else 50)
    assert data.train == (["bsd_train"] if experiment.endswith("bsd100") else ["bsd300"])
    assert data.validation == ("set12" if figure else None)
    assert data.validation not in config.test_sets
    assert "photographs" not in config.test_sets
    assert config.trainer.max_steps * data.batch_size == 10_240_000, "DnCNN-S's, as RED-Net's is not stated"


def check_dncnn(experiment: str, config: DictConfig) -> None:
    optimizer = {"_target_": "torch.optim.SGD", "lr": 1e-1, "momentum": 0.9, "weight_decay": 1e-4}
    assert plain(config.optim.optimizer) == optimizer | {"_partial_": True}
    assert plain(config.optim.schedule) == {"_target_": "restore.optim.schedule.Exponential", "final": 1e-3}
    assert plain(config.optim.loss) == {"_target_": "restore.optim.losses.PatchSquaredError", "weight": 0.5}
    assert (plain(config.optim.clip), config.optim.decay) == ({"value_per_rate": 0.005}, "convolutions")
    network = {
        "dncnn_s": (17, 1600, 40),
        "dncnn_b": (20, 3000, 50),
        "cdncnn_b": (20, 3000, 50),
        "dncnn_3": (20, 8000, 50),
    }
    depth, batches, patch = network[config.model.name]
    assert (config.model.depth, config.model.width, config.model.start) == (depth, 64, "released")
    data = config.data
    assert (data.patch_size, data.batch_size, data.pool) == (patch, 128, 128 * batches)
    assert config.trainer.max_steps == 50 * batches
    assert (data.orientations, plain(data.scales)) == ("batch", [1, 0.9, 0.72, 0.504])
    own = {"dncnn_s": "train400", "dncnn_b": "train400", "cdncnn_b": "bsd432", "dncnn_3": "t91_bsd200"}
    assert data.train == [own[config.model.name]]
    assert data.validation == ("bsd68" if experiment in FIGURES else None)
    assert data.validation is None or data.validation in config.test_sets, "a curve that chooses nothing"
    assert config.init == ("dncnn_blind" if experiment == "dncnn_general" else None)


def check_gopro(experiment: str, config: DictConfig) -> None:
    assert config.optim.optimizer._target_ == "torch.optim.Adam"
    assert config.optim.schedule._target_ == "restore.optim.schedule.Constant"
    assert config.optim.loss._target_ == "torch.nn.MSELoss"
    assert plain(config.optim.clip) == {}
    data = config.data
    assert (data.resize, data.patch_size, data.orientations, data.pool) == (256, 256, "none", "images")
    assert (data.train, data.validation, config.model.width) == (["gopro"], None, 64)
    frames = 100 * (4204 if experiment == "gopro_denoise" else 2103)
    assert 0 <= config.trainer.max_steps * data.batch_size - frames < data.batch_size
    assert list(config.metrics) == ["psnr", "ssim", "mse"]


@pytest.mark.parametrize("experiment", PAPERS_OWN)
def test_a_header_says_where_how_and_what_differs(experiment):
    text = header(experiment)
    assert re.match(r"(RED-Net|DnCNN|The GOPRO study's) *,? *(Figs?\. \d|Tables? |section|table|denoising)", text)
    commands = re.findall(r"^ +python -m restore\.run (.*?)(?: {2,}.*)?$", text, re.M)
    assert commands
    assert all(f"experiment={experiment}" in command.split() for command in commands)
    swept = "sweeper" in (FOLDER / f"{experiment}.yaml").read_text()
    assert not swept or all("-m" in command.split() for command in commands)
    assert "Reached" in text
    assert text.endswith(f"Deviations: docs/deviations.md#{experiment}")


def test_recipes_reach_what_they_are_about():
    def of(*words: str) -> DictConfig:
        return compose("config", ["budget=paper", *words])

    assert (of().recipe.name, of().optim.name, of().data.validation) == ("ours", "muon_cosine", 0.1)
    assert of("recipe=paper_red", "optim=adam_cosine").optim.name == "adam_cosine", "what is typed wins"
    assert of("recipe=paper_red", "data=train400").data.train == ["train400"]
    assert of("experiment=red_denoise", "recipe=paper_red").model.width == 128
    assert of("experiment=red_depth").recipe.name == "ours_ablation"
    assert of("experiment=red_depth", "recipe=paper_red", "recipe.red_width=32").model.width == 64
    assert of("recipe=paper_dncnn", "task=denoise_blind").data.pool == 128 * 3000
    assert compose("config", ["recipe=paper_red", "budget=cpu"]).data.batch_size == 16


def test_the_grid_is_sized_by_the_budget_and_every_point_has_a_skip():
    jobs, _ = expand("config", ["experiment=grid", "budget=cpu"])
    assert len(jobs) == 32
    for budget, count in (("cpu", 32), ("gpu", 3 * 3 * 3 * 3 * 2 * 3)):
        jobs, _ = expand("config", ["experiment=grid", f"budget={budget}"])
        assert len(jobs) == count
        points = [dict(word.split("=") for word in job.own) for job in jobs]
        axes = ("task", "model.depth", "model.kernel_size", "data.patch_size", "model.skip_step")
        assert all(len({point[axis] for point in points}) > 1 for axis in axes)
        assert all(int(point["model.skip_step"]) < int(point["model.depth"]) // 2 for point in points)

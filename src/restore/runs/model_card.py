"""A run's model card: what the network is for, how it came to be, what it reaches beside the papers, and what it is not for.

All of it is read from the run's folder: its recipe, its checkpoint and the rows of its own weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from omegaconf import DictConfig

from restore.application.network import TrainedNetwork, load_network
from restore.checkpoint import trained_steps
from restore.conditions import told
from restore.config.build import build_network
from restore.config.compose import run_config
from restore.config.loading import configuration
from restore.config.reading import read_yaml
from restore.data import datasets
from restore.data.sources import of_name
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.jpeg import JPEG
from restore.degradations.noise import GaussianNoise
from restore.degradations.overlay import Scratch, Text
from restore.errors import RequestError
from restore.files import printable
from restore.memory import in_words
from restore.models.cost import count_cost
from restore.remote import sha256
from restore.results import store
from restore.results.published import printed_for
from restore.results.quantities import quantity
from restore.results.tables import Line, lines_of, markdown, metrics_of, values
from restore.runfolder import RunFolder
from restore.runs.messages import task_in_words
from restore.training.durations import clock

FILE = "card.md"
PLACES = ("paths.", "name=", "logger", "resume=", "tracking.", "wandb", "hydra")  # of a run's words: where it went
WORK = 6  # operations of training per multiply-accumulate forward: two each, and a backward pass twice as many again
LIMITS: Mapping[type, str] = {
    GaussianNoise: "Noise of a camera is another: it grows with brightness, and where the image was developed, shrunk or "
    "JPEG-coded after it got its noise, neighbouring pixels have noise in common. A network of white noise leaves such "
    "noise in or takes texture for it; networks for it are trained on real pairs or on task=poisson_gaussian.",
    JPEG: "It knows libjpeg's blocks at their own places. Images that were cropped off the grid, resized after they were "
    "coded, coded twice, or coded by another codec have other blocks.",
    BicubicDownUp: "It undoes MATLAB's bicubic reduction. Photographs that are soft by their lens, shaken, noisy or "
    "JPEG-coded stay so, and their noise and blocks are sharpened with the rest.",
    Text: "It fills in what its surroundings suggest, not what was there: opaque words of the sizes above. Larger letters, "
    "semi-transparent marks and logos stay; what looks like letters in the scene itself may go.",
    Scratch: "It fills in what its surroundings suggest, not what was there: lines as thin as those above. Larger damage stays.",
}
ALWAYS = (
    "It makes images look as those that it was trained on do: what it adds is likely, not measured. No medical, "
    "scientific or forensic reading should rest on it."
)


def model_card(run: RunFolder) -> str:
    """The card of a run, or of a folder that `restore.publish` made of one, in Markdown.

    Raises:
        RequestError: it is no run's folder, or one of another version.
    """
    trained, config = load_network(run.path, device="cpu"), run_config(run)
    parts = [
        f"# {printable(run.name)}",
        f"{printable(task_in_words(config)).capitalize()}; {_told(trained)}.",
        "\n".join(
            f"- {name}: {words}" for name, words in (*_network(run, trained, config), *_training(run, trained, config))
        ),
        "## Scores",
        *_scores(run, config),
        "## What it is not for",
        *[sentence for kind, sentence in LIMITS.items() if any(isinstance(part, kind) for part in trained.parts)],
        _outside(config),
        ALWAYS,
        "## Licence",
        _licence(config),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def listing(runs: Sequence[RunFolder]) -> str:
    """A line per run: what it restores, what it is told, and its first metric's means in the order of its card."""
    rows = []
    for run in runs:
        config, means = run_config(run), store.read_means(run.results)
        first = metrics_of(means)[0] if means else ""
        places: dict[str, list[str]] = {}
        for row in means:
            if row["metric"] == first:
                value = quantity(first).text(row["value"])
                places.setdefault(f"{row['dataset']} ({row['protocol']})", []).append(f"{row['setting']} {value}")
        scores = "; ".join(f"{place}: {', '.join(settings)}" for place, settings in places.items())
        names = told(build_network(config.model))
        rows.append((f"`{run.name}`", task_in_words(config), ", ".join(names) or "nothing", scores or "–"))
    return markdown(("name", "what it removes", "is told", "PSNR in dB, set by set"), rows)


def _told(trained: TrainedNetwork) -> str:
    names = told(trained.network)
    return f"it is told {', '.join(names)}" if names else "it is told nothing"


def _network(run: RunFolder, trained: TrainedNetwork, config: DictConfig) -> Iterator[tuple[str, str]]:
    cost = count_cost(trained.network, trained.channels, 1, 1)
    sizes = [
        f"{config.model[key]} {called}"
        for key, called in (("depth", "layers"), ("width", "maps"))
        if key in config.model
    ]
    field = cost.receptive_field or "the whole image"
    yield "network", ", ".join([f"`{config.model.name}`", *sizes, f"{cost.parameters:,} parameters"])
    yield "cost", f"{cost.macs / 1000:.0f} thousand multiply-accumulates a pixel; receptive field {field}"
    file = run.checkpoint()
    yield "file", f"`{file.relative_to(run.path)}`, {in_words(file.stat().st_size)}, SHA-256 `{sha256(file)}`"


def _training(run: RunFolder, trained: TrainedNetwork, config: DictConfig) -> Iterator[tuple[str, str]]:
    data, steps = config.data, trained_steps(run)
    size, batch = int(data.patch_size), int(data.batch_size)
    yield (
        "trained on",
        ", ".join(map(str, data.train)) + f", {size}×{size} patches, {batch} a batch",
    )
    yield (
        "recipe",
        f"{config.optim.name}, {config.optim.loss._target_.rpartition('.')[2]}, {config.trainer.precision}, seed {config.seed}",
    )
    macs = count_cost(trained.network, trained.channels, size, size).macs
    yield "steps", f"{steps:,}: {steps * batch:,} patches, {WORK * macs * steps * batch:.3g} floating-point operations"
    if seconds := run.result.get("seconds"):
        yield "time", f"{clock(seconds)}, {run.result.get('patches_per_second', 0):.0f} patches a second"
    yield "again", f"`python -m restore.run {' '.join(words_of(run, config))}`"


def words_of(run: RunFolder, config: DictConfig) -> list[str]:
    """The words that a run was composed from, less those that say where it went; of an older folder, its experiment's name."""
    if run.overrides.is_file():
        words = [str(word) for word in read_yaml(run.overrides)]
        return [word for word in words if not word.lstrip("+~").startswith(PLACES)]
    known = (configuration() / "experiment" / f"{config.name}.yaml").is_file()
    return [f"experiment={config.name}"] if known else [f"task={config.task.name}", f"model={config.model.name}"]


def _scores(run: RunFolder, config: DictConfig) -> Iterator[str]:
    """A line per set, setting and protocol, what the papers print beside it."""
    means = store.read_means(run.results)
    digest = sha256(run.checkpoint())
    means = [row for row in means if row["checkpoint_sha256"] == digest and row["method_kind"] == "network"]
    if not means:
        yield "None of these weights are in this folder: `python -m restore.evaluate run=<this folder> test_sets=<sets>`."
        return
    metrics = metrics_of(means)
    titles = " / ".join(quantity(metric).title for metric in metrics)
    rows = [
        (
            *(
                row["dataset"],
                row["setting"],
                row["protocol"],
                str(row["images"]),
                values(line, metrics, "value_input"),
            ),
            *(values(line, metrics), _printed(row, metrics[0]), row["overlap"]),
        )
        for line in lines_of(means)
        for row in [_first(line)]
    ]
    header = ("set", "setting", "protocol", "images", f"input {titles}", f"restored {titles}", "published", "overlap")
    yield markdown(header, rows)
    yield (
        "Published: what the papers print for others at this set and setting, by their own protocols. Overlap: test "
        "images that are among the training images, by content."
    )


def _first(line: Line) -> dict:
    return next(iter(line.values()))


def _printed(row: dict, metric: str) -> str:
    """Every method that a paper prints for the place of a row, each once: ``BM3D 28.57, DnCNN-S 29.23``."""
    name = quantity(metric).name
    printed = printed_for(row["task"], row["dataset"], row["setting"], int(row["channels"]))
    found = {each["method"]: each["value"] for each in printed if each["metric"] == name}
    return ", ".join(f"{method} {value}" for method, value in found.items()) or "–"


def _outside(config: DictConfig) -> str:
    families = config.task.test if isinstance(config.task.test, Sequence) else [config.task.test]
    names = [family["parameter"] for family in families if family["parameter"]]
    ranges = [f"{name} {re.sub('[{}]', '', str(config.task[name]))}" for name in names if name in config.task]
    return f"Outside {' and '.join(ranges)} it was never trained." if ranges else ""


def _licence(config: DictConfig) -> str:
    """The package's, and the terms of the sets that it was trained on, as far as they are known."""
    names = [part for name in config.data.train for part in datasets.parts(str(name))]
    terms = dict.fromkeys(f"{name}: {_terms(name)}" for name in names)
    return (
        "The weights are under this package's licence (Apache-2.0) as far as they are ours to give. Terms of the "
        f"training images: {'; '.join(terms)}. Whether those bind what is trained on them is yours to judge."
    )


def _terms(name: str) -> str:
    if name == "photographs":
        return "scikit-image's, free to use"
    try:
        return ", ".join(dict.fromkeys(source.terms for source in of_name(name)))
    except RequestError:  # had by hand, or a person's own
        return "as whoever gives them says"

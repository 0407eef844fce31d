"""Take a network elsewhere: an ONNX file, or one web page that restores photographs offline.

    python -m restore.export run=<folder>|weights=<file or name> [model=<name>] [out=<file>] [format=onnx]
    python -m restore.export run=<folder> format=page wasm=<folder of npm's onnxruntime-web> [out=<file>]

The network is named as for `restore.evaluate`: a run's folder or the name of one that comes with the package, the name of
an authors' file (python -m restore.pretrained), or model= with its weights= and, where they differ from its YAML,
model.* and task.*. trust= is what a run folder from elsewhere may name.

format=onnx writes a file of any size and any number of images, what the network is told as inputs, compared with the
network on odd sizes before it is written (at most 1e-4 of [0, 1]). It says in its metadata what it restores, how its tiles
overlap, and its scores: the run's own results.csv, or the rows of results=<results.csv> that have its weights. From
Python it is restore.deployment.onnx_network.OnnxNetwork(file), which restore.restore_image calls.

format=page writes one HTML file that holds the network and what computes it, and fetches nothing: drop a photograph, see
before and after, save it. wasm= is the folder of onnxruntime-web 1.30 (npm install onnxruntime-web@1.30).

Both need the extra: pip install -e '.[onnx]'.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from restore import atomic
from restore.application.network import TrainedNetwork, load_network
from restore.config.arguments import read
from restore.config.build import build_network
from restore.config.commands import Export
from restore.config.compose import compose
from restore.config.overrides import normalise_overrides
from restore.deployment.card import Card, forms, mean_scores, tiles_of
from restore.deployment.onnx_file import to_onnx
from restore.deployment.onnx_network import required
from restore.deployment.page import Runtime, build_page
from restore.errors import RequestError, report_errors
from restore.memory import in_words
from restore.released import find, identify, is_released
from restore.remote import sha256
from restore.results import store
from restore.runfolder import RunFolder

SUFFIXES = {"onnx": ".onnx", "page": ".html"}
GROUPS = ("model.", "task.", "task=", "paths.weights=")  # of words that say more of the network


def main(arguments: list[str]) -> None:
    more = [word for word in arguments if word.startswith(GROUPS)]
    own = [word for word in arguments if not word.startswith(GROUPS)]
    words = read(__doc__ or "", Export, own)
    if not (words.run or words.weights or words.model):
        raise RequestError("what is to be exported: run=<folder or name>, or weights=<file or name>")
    if bool(words.wasm) != (words.format == "page"):
        raise RequestError("format=page and wasm=<folder of npm's onnxruntime-web> go together: one is given alone")
    required("onnx", "onnxscript", "onnxruntime")
    runtime = Runtime.read(Path(words.wasm).expanduser()) if words.wasm else None
    named = network_named(words, more)
    out = Path(words.out or f"{named.name}{SUFFIXES[words.format]}").expanduser()
    check_out(out, words.format)
    card = card_of(named, words.run or "", words.results or "")
    content, difference = to_onnx(named.network, card)
    content = build_page(content, card, runtime) if runtime else content
    atomic.write(out, content)
    print(f"{out}: {in_words(len(content))}, {summary(card)}; differs from the network by {difference:.1g} at most")


def network_named(words: Export, more: Sequence[str]) -> TrainedNetwork:
    """The network that the words name.

    Raises:
        RequestError: they name none, or two.
    """
    run, weights, model = words.run or "", words.weights or "", words.model or ""
    if run and (weights or model or more):
        given = next(word for word in (weights and "weights=", model and "model=", *more) if word)
        raise RequestError(f"run=<folder> brings its own network: leave {given} out")
    if run and not is_released(run):
        trained = load_network(run, device="cpu", trust=words.trust)
        return replace(trained, name=RunFolder.find(run).name)
    name = run or weights
    entry = find(name) if is_released(name) else None
    if not model and entry is None:
        raise RequestError(f"weights={weights} are of a network that has to be named: model=<name>")
    model = model or (entry.network if entry else "")
    overrides = [*(entry.words if entry else ()), *more]
    if not name:
        return untrained(model, overrides)
    trained = load_network(name, model, overrides, device="cpu")
    return replace(trained, name=entry.name if entry else (trained.file or Path(name)).stem)


def untrained(model: str, overrides: Sequence[str]) -> TrainedNetwork:
    """A network without weights: ``identity``.

    Raises:
        RequestError: it has weights, and none are given.
    """
    config = compose("evaluate", normalise_overrides([f"model={model}", *overrides]))
    network = build_network(config.model).eval()
    if any(True for _ in network.parameters()):
        raise RequestError(f"model={model} has weights to be given: run=<folder or name> or weights=<file or name>")
    return TrainedNetwork(network, config, model)


def check_out(out: Path, kind: str) -> None:
    """Refuse a file that cannot be meant.

    Raises:
        RequestError: it is a folder, or ends in something else.
    """
    if out.is_dir() or out.suffix != SUFFIXES[kind]:
        raise RequestError(f"out={out} has to be a file that ends in {SUFFIXES[kind]}, for format={kind}")


def card_of(named: TrainedNetwork, run: str, results: str) -> Card:
    """What the file says of its network; the scores are those of its own weights alone.

    Raises:
        RequestError: the results that are named are not there, or have no row of these weights.
    """
    task, name, file = named.config.task, str(named.config.model.name), named.file
    digest = sha256(file) if file else ""
    own = RunFolder.find(run).results if run and not is_released(run) else None
    place = Path(results).expanduser() if results else own
    if results and place and not place.is_file():
        raise RequestError(f"results={results} is not there")
    rows = store.read_means(place) if place else []
    rows = [row for row in rows if digest and row["checkpoint_sha256"] == digest]
    if results and not rows:
        raise RequestError(f"results={results} has no row of these weights (checkpoint_sha256 {digest or 'of none'})")
    entry = identify(file) if file else None
    channels = int(named.config.task.channels)
    return Card(
        *(name, str(task.name), channels, forms(named.network), tiles_of(named.network, channels, name)),
        scale=named.scales if named.enlarges else (1,),
        luma_alone=channels == 1 and named.luma_alone,
        weights=named.name,
        weights_sha256=digest,
        licence=entry.licence if entry else "",
        scores=mean_scores(rows),
    )


def summary(card: Card) -> str:
    """A card in a line."""
    told = f"told {', '.join(card.conditions)}" if card.conditions else "told nothing"
    tiles = f"tiles overlap by {card.reach[0]} pixels" if card.reach else "whole images alone"
    scores = f"{len(card.scores)} scores" if card.scores else "no scores known"
    return (
        f"{card.model} for {card.task}, {card.channels} channel{'s' * (card.channels > 1)}, {told}, {tiles}, {scores}"
    )


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])

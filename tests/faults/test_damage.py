"""Damaged state: every file of a run's folder, damaged in every way, and then the run is gone on with."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from pathlib import Path

import pytest
import torch

from restore.checkpoint import read_checkpoint, read_state
from restore.errors import RequestError
from restore.results import store
from restore.results.histories import read_history
from restore.runfolder import RunFolder

SEED = 0
STEPS = 6


def truncated(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(1, len(content))]


def empty(content: bytes, rng: random.Random) -> bytes:
    return b""


def flipped(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]


def garbage(content: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(len(content))


def foreign(content: bytes, rng: random.Random) -> bytes:
    return b'{"some": ["other", "program\'s"]}\n- x: [1, 2\n'


WAYS = (truncated, empty, flipped, garbage, foreign)
FILES = (
    *("checkpoints/last.ckpt", "checkpoints/best.ckpt", "checkpoints/previous.ckpt", "history.csv", "results.csv"),
    *("summary.csv", "result.json", "run.json", ".hydra/overrides.yaml", ".hydra/config.yaml", ".hydra/hydra.yaml"),
)


@pytest.fixture(scope="module")
def made() -> dict[str, Path]:
    """The run that the trials copy, made by the first of them."""
    return {}


@pytest.fixture
def copy(made, command, tiny, tmp_path, tmp_path_factory):
    """A copy of a run of four steps that is to go on to six, and one that was never disturbed."""
    if not made:
        place = tmp_path_factory.mktemp("made")
        for folder in ("train", "test"):
            shutil.copytree(tmp_path / folder, place / folder)
        words = [word.replace(str(tmp_path), str(place)) for word in tiny]
        words = [
            word for word in words if not word.startswith(("trainer.max_steps", "trainer.validations", "paths.runs"))
        ]
        words += [f"trainer.max_steps={STEPS}", f"trainer.validations={STEPS}"]
        whole = command("run", *words, f"hydra.run.dir={place / 'whole' / 'run'}")
        assert whole.code == 0, whole.err
        made |= {"whole": place / "whole" / "run", "half": halved(place / "whole" / "run", place / "half")}
    half = tmp_path / "run"
    shutil.copytree(made["half"], half)
    return RunFolder(half), RunFolder(made["whole"])


def halved(whole: Path, half: Path) -> Path:
    """A copy that goes on from the step before the last, as one that was killed there."""
    shutil.copytree(whole, half)
    folder = RunFolder(half)
    shutil.copy(folder.previous, folder.last)
    shutil.copy(folder.previous, folder.best)
    return half


def weights_are_alike(one: RunFolder, other: RunFolder) -> bool:
    mine, theirs = read_state(one.last), read_state(other.last)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


def check_answer(answer, folder: RunFolder, whole: RunFolder, file: Path, tally) -> None:
    """One sentence that names the file, or the run as it would have been; nothing lost, nothing twice."""
    tally("tracebacks", int("Traceback" in answer.out + answer.err))
    tally("bugs", int(answer.code == 70))
    assert answer.code in (0, 2), answer.err
    assert "Traceback" not in answer.out + answer.err
    if answer.code:
        sentence = answer.err.strip().splitlines()[-1]
        assert sentence.startswith("restore: ")
        assert str(file) in sentence or file.name in sentence, sentence
        return
    assert folder.result["state"] == "finished"
    assert weights_are_alike(folder, whole)
    steps, rows = read_history(folder.history)["step"], store.read(folder.results)
    places = [tuple(row[column] for column in store.OF_A_RUN) for row in rows]
    tally("rows doubled", len(steps) - len(set(steps)) + len(places) - len(set(places)))
    tally("rows lost", STEPS - len(set(steps)) + len(store.read(whole.results)) - len(set(places)))
    assert steps == list(range(1, STEPS + 1))
    assert len(places) == len(set(places)) == len(store.read(whole.results))


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_said_or_mended(name, copy, command, tally, tmp_path):
    folder, whole = copy
    rng = random.Random(f"{SEED} {name}")
    print(f"seed {SEED}")
    untouched = tmp_path / "untouched"
    shutil.copytree(folder.path, untouched)
    for damage in WAYS:
        shutil.rmtree(folder.path)
        shutil.copytree(untouched, folder.path)
        file = folder.path / name
        damaged = damage(file.read_bytes(), rng)
        file.write_bytes(damaged)
        answer = command("run", f"resume={folder}")
        tally("damaged files", 1)
        check_answer(answer, folder, whole, file, tally)
        if answer.code:
            assert file.read_bytes() == damaged, "what was refused is as it was"
        elif (file == folder.last and damage is not flipped) or (
            file == folder.history and damage in (garbage, foreign)
        ):
            aside = file.with_name(f"{file.name}.damaged-1")
            assert aside.read_bytes() == damaged
            assert aside.name in answer.out + answer.err


STATES = {
    "a list": [],
    "nothing in it": {},
    "a plain state dict": {"weight": torch.zeros(3)},
    "no optimiser": lambda state: state.pop("optimizer_states"),
    "no version": lambda state: state.pop("pytorch-lightning_version"),
    "no budget": lambda state: state["callbacks"].pop("Budget"),
    "a bad budget": lambda state: state["callbacks"]["Budget"].update(planned="many"),
    "an endless budget": lambda state: state["callbacks"]["Budget"].update(elapsed=float("nan")),
    "a list for loops": lambda state: state.update(loops=[]),
    "another width": lambda state: state["state_dict"].update(
        {key: torch.zeros(3) for key in list(state["state_dict"])[:1]}
    ),
    "other groups": lambda state: state["optimizer_states"][0]["param_groups"].pop(),
    "groups of text": lambda state: state.update(optimizer_states=["x"]),
}


@pytest.mark.parametrize("kind", STATES)
def test_a_checkpoint_that_is_none_is_refused_or_passed_over(kind, copy, command, tally):
    folder, whole = copy
    change = STATES[kind]
    state = torch.load(folder.last, weights_only=True)
    if callable(change):
        change(state)
    torch.save(state if callable(change) else change, folder.last)
    answer = command("run", f"resume={folder}")
    tally("foreign checkpoints")
    check_answer(answer, folder, whole, folder.last, tally)
    for other in (folder.previous, folder.best):
        other.unlink(missing_ok=True)
    if answer.code == 0:
        torch.save(state if callable(change) else change, folder.last)
    answer = command("run", f"resume={folder}")
    tally("foreign checkpoints")
    assert answer.code == 2, answer.err
    assert folder.last.name in answer.err.strip().splitlines()[-1]


CHANGES = {
    "model.width=10": "model.width",
    "model=red20": "model",
    "optim=adam_cosine": "optim",
    "optim.optimizer.lr=0.5": "optim.optimizer.lr",
    "data.batch_size=8": "data.batch_size",
    "data.patch_size=20": "data.patch_size",
    "task.sigma=10": "task.sigma",
    "seed=1": "seed",
}


def test_changing_what_a_run_is_is_refused_by_name_and_leaves_it_as_it_was(copy, command, tally):
    folder, whole = copy
    before = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    for word, key in CHANGES.items():
        answer = command("run", f"resume={folder}", word)
        tally("changes on resume")
        assert answer.code == 2, (word, answer.err)
        sentence = answer.err.strip().splitlines()[-1]
        assert sentence.startswith(f"restore: {key}"), sentence
        assert "trainer.max_steps" in sentence
    refused = command("run", f"resume={folder}", "data.path=/nowhere")
    assert refused.code == 2
    after = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file() and file.suffix != ".log"}
    assert after == {file: content for file, content in before.items() if file.suffix != ".log"}
    check_answer(command("run", f"resume={folder}"), folder, whole, folder.last, tally)


def test_killed_between_results_and_result_then_resumed_again_and_again(copy, command, tally):
    folder, whole = copy
    for _ in range(3):
        answer = command("run", f"resume={folder}")
        check_answer(answer, folder, whole, folder.last, tally)
        (folder.path / "result.json").unlink()
        (folder.path / ".result.json").write_text(json.dumps({"state": "fin"}))


def test_training_that_diverges_ends_or_goes_back(command, tiny, tally, tmp_path):
    """Plain gradient descent at a rate at which it blows up, and at a tenth or a hundredth does not."""
    words = [word for word in tiny if not word.startswith(("trainer.max_steps", "trainer.validations"))]
    words += ["trainer.max_steps=60", "trainer.validations=6", "optim=paper_red_sgd", "optim.optimizer.lr=3e-2"]
    stopped, back = (RunFolder(tmp_path / name) for name in ("stopped", "back"))
    answer = command("run", *words, f"hydra.run.dir={stopped}")
    tally("diverging runs")
    assert answer.code == 1, answer.err
    sentence = answer.err.strip().splitlines()[-1]
    assert "restore: training diverged by step" in sentence
    assert "at learning rate 0.03" in sentence
    answer = command("run", *words, "trainer.on_divergence=back", f"hydra.run.dir={back}")
    tally("diverging runs")
    assert answer.code == 0, answer.err
    assert "going back to step" in answer.out + answer.err
    steps = read_history(back.history)
    assert len(set(steps["step"])) == len(steps["step"]) == 6
    assert all(torch.isfinite(value).all() for value in read_state(back.last).values())


def test_every_flipped_bit_of_a_weight_is_noticed(copy, tally):
    """What torch reads without a word, the checksums of its own file tell."""
    folder, _ = copy
    content, rng = folder.last.read_bytes(), random.Random(SEED)
    state = torch.load(folder.last, weights_only=True)["state_dict"]
    noticed = silent = unnoticed_by_torch = 0
    for _ in range(200):
        folder.last.write_bytes(flipped(content, rng))
        with contextlib.suppress(Exception):
            torch.load(folder.last, weights_only=True)
            unnoticed_by_torch += 1
        try:
            read = read_checkpoint(folder.last)["state_dict"]
        except RequestError:
            noticed += 1
        else:
            silent += not all(torch.equal(read[key], value) for key, value in state.items())
    tally("flipped bits", 200)
    tally("flipped bits that changed a weight and were not noticed", silent)
    assert silent == 0
    assert noticed > 100
    assert unnoticed_by_torch > 100, "or torch compares them itself by now"

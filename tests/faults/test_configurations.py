"""Configurations that nobody means: each is composed and built, or refused by one sentence, in bounded time."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from omegaconf import OmegaConf

from restore.config.compose import compose
from restore.config.experiment import Experiment
from restore.config.loading import load, members, quote
from restore.config.overrides import check, check_honoured, composable, normalise_overrides
from restore.errors import RequestError

SEED = int(os.environ.get("RESTORE_FAULTS_SEED", "0"))
CONFIGURATIONS, PARTS, COMMANDS = 2000, 10, 50
LIMIT = 30  # seconds for one in process: a sentence takes a quarter of one
GROUPS = ("task", "model", "optim", "recipe", "budget", "trainer", "logger", "data", "protocol", "metric")
NUMBERS = (
    "0",
    "-1",
    "1",
    "3",
    "2.5",
    "1e-9",
    "1e14",
    "-0.0",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1_000",
    "99999999999999999999",
)
NAMES = (
    *(
        "null",
        "true",
        "false",
        "''",
        '""',
        "abc",
        "auto",
        "none",
        "all",
        "ours",
        "cpu",
        "photographs",
        "/",
        ".",
        "..",
        "~",
    ),
    *(
        "schön",
        "图像",
        "🙂",
        "'a b'",
        "'it\\'s'",
        "'a=b'",
        "'a,b'",
        "'$HOME'",
        "'a\\nb'",
        "\\udce4",
        "a\x00b",
        "'%s'",
        "'{}'",
    ),
    *("${seed}", "${nosuch}", "${oc.env:NOSUCH}", "'${'", "${nosuch:1}", "???", "glob(*)", "range(1,3)", "x" * 300),
)
NESTED = (
    *(
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[[1,2],[3]]",
        "[1,2]",
        "[2,1]",
        "[a,b]",
        "{a:1}",
        "{set:[1,2]}",
        "{set:[]}",
        "{set:[a]}",
    ),
    *(
        "{set:[1],weights:[0]}",
        "{norm:1}",
        "{a:{b:{c:[1,{d:null}]}}}",
        "{_target_:nosuch.thing}",
        "{_target_:os.getcwd}",
    ),
    *("{_target_:torch.nn.Identity}", "[{_target_:torch.nn.Identity}]", "[true]", "{1:2}", "[0]", "[-1,1e9]"),
)
TOO_LARGE = ("depth", "width", "stages", "basis", "kernel_size", "size", "radius")  # answered by what builds them


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Ends what takes longer by a TimeoutError."""

    def end(signum, frame):
        raise TimeoutError(f"not answered within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def keys_of(command: str) -> dict[str, Any]:
    """Every key of a command, in its groups' usual members, with its value."""

    def dotted(node: dict, prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key, value in node.items():
            yield f"{prefix}{key}", value
            if isinstance(value, dict):
                yield from dotted(value, f"{prefix}{key}.")

    return dict(dotted(OmegaConf.to_container(load(command, []), resolve=True)))


def like(value: Any, draw: random.Random) -> str:
    """A value of the kind that a key has: most of them are fine."""
    if isinstance(value, bool):
        return draw.choice(("true", "false"))
    if isinstance(value, int):
        return str(draw.choice((1, 2, 3, 4, 8, 16, value + 2)))
    if isinstance(value, float):
        return f"{value * draw.choice((0.1, 0.5, 0.9)):g}"
    return quote(value) if isinstance(value, str) and value else "null"


KEYS = {command: keys_of(command) for command in ("config", "evaluate")}


def words_of(number: int) -> tuple[str, list[str]]:
    """A command and one to three words for it, by the trial's number."""
    draw = random.Random(f"{SEED}/{number}")
    command = draw.choice(("config", "config", "evaluate"))
    words = []
    if draw.random() < 0.5:  # another member first, and its keys
        group = draw.choice([group for group in GROUPS if group in {key.partition(".")[0] for key in KEYS[command]}])
        words.append(f"{group}={draw.choice(members(group))}")
    for _ in range(draw.randint(1, 3)):
        key = draw.choice([*KEYS[command]])
        if draw.random() < 0.6:
            words.append(f"{key}={like(KEYS[command][key], draw)}")
            continue
        if draw.random() < 0.1:
            key = draw.choice((f"+{key}", f"~{key}", f"++{key}", f"+{key}.nosuch", f"{key}x", key.upper(), f"{key}.0"))
        value = draw.choice(draw.choice((NUMBERS, NAMES, NESTED)))
        if key.rpartition(".")[2].lower() in TOO_LARGE and value[:1].isdigit():
            value = draw.choice(("0", "1", "3", "2.5", "8"))
        words.append(key if key.startswith("~") else f"{key}={value}")
    return command, words


def answer(command: str, words: list[str], build: bool) -> str:
    """What comes of a request before anything is read: ``answered``, ``refused``, or what is wrong with the answer.

    Args:
        build: compose it and build what it stands for, or else look at its words, as a command does first.
    """
    try:
        with limited(LIMIT):
            normal = normalise_overrides(words)
            check_honoured(normal, multirun=False, own_sweep=command == "config")
            if build:
                Experiment.build(compose(command, composable(normal)))
            else:
                check(command, normal)
    except RequestError as error:
        return "refused" if str(error).strip() and "\n" not in str(error).strip() else f"no sentence: {error!r}"
    except TimeoutError:
        return "hang"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {error}"
    return "answered"


@pytest.mark.parametrize("part", range(PARTS))
def test_every_configuration_is_built_or_refused_by_one_sentence(part, tally, capsys):
    print(f"seed {SEED}, part {part}")
    wrong = {}
    for number in range(part, CONFIGURATIONS, PARTS):
        command, words = words_of(number)
        said = answer(command, words, build=number % 4 > 0)
        tally(f"configurations {said}" if said in ("answered", "refused") else "configurations answered wrongly")
        if said not in ("answered", "refused"):
            wrong[number] = (command, words, said)
    tally("configurations that hang", sum(said == "hang" for _, _, said in wrong.values()))
    tally("configurations that end in a traceback", sum(said.startswith("trace") for _, _, said in wrong.values()))
    assert not wrong, "\n".join(f"seed {SEED}, trial {number}: {case}" for number, case in wrong.items())


ODD_PATHS = (
    ("evaluate", [f"test_sets={quote('/no such/folder of $HOME, a=b')}"]),
    ("evaluate", ["model=red10", f"weights={quote('it is, not=here $x.pt')}"]),
    ("config", [f"resume={quote('a run = of, $nobody')}"]),
    ("config", ["data=folder", f"data.path={quote('/no/such photos, {a}=b')}", "logger=none"]),
)


def typed(number: int) -> tuple[str, list[str]]:
    """A request that is refused and that can be typed: odd paths first."""
    if number < len(ODD_PATHS):
        return ODD_PATHS[number]
    for trial in itertools.count(number * 100):
        command, words = words_of(trial)
        if not any("\0" in word for word in words) and answer(command, words, build=True) == "refused":
            return command, words
    raise AssertionError("unreachable")


@pytest.mark.parametrize("number", range(COMMANDS))
def test_as_a_command_it_ends_with_one_line_and_exit_2(number, tally, tmp_path):
    command, words = typed(number)
    module = {"config": "restore.run", "evaluate": "restore.evaluate"}[command]
    line = [sys.executable, "-m", module, *words]
    ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    lines = [line for line in ended.stderr.splitlines() if line.strip()]
    tally("configurations as commands")
    tally("commands that end in a traceback", int("Traceback" in ended.stderr or ended.returncode == 70))
    assert ended.returncode == 2, (words, ended.stderr)
    assert len(lines) == 1, (words, ended.stderr)
    assert lines[0].startswith("restore: ")
    assert not [*tmp_path.rglob("*.ckpt")]

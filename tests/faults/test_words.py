"""Odd words of `restore.export`, `restore.datasets` and `restore.pretrained`: done, or answered by one sentence.

What is fetched is asked of a server on this machine that has none of it, and exported networks are not converted:
it is words, files and folders that are tried.
"""

import random
from dataclasses import fields

import pytest

from loopback import Handler, impatient, server
from restore import datasets, export, pretrained
from restore.config.commands import Datasets, Export, Pretrained
from restore.errors import RequestError

TRIALS, PARTS = 150, 3  # of each command
ODD = [
    *("", "0", "-1", "2.5", "nan", "1e99", "true", "null", "none", "all", "ü", "图像", "a b", "[]", "[1,2]", "{a: 1}"),
    *("a,b", "a,,b", ",", "a\nb", "a\0b", "\udce4", "x" * 300, "{path}", "{0}", "{repository}{commit}{path}{more}"),
    *("set12", "set5,set12", "bsds500/val", "train400,bsd68", "csf", "dncnn_s_25,csf", "dncnn_s", "kodak24"),
]
PATHS = ["in", "in/0.png", "in/results.csv", "in/none", "in/0.png/x", ".", "..", "~", "/dev/null", "/proc/none", "["]
NETWORKS = [*PATHS, "red14_denoise25", "identity", "red14", "dncnn_s_25", "csf", "tnrd_25"]
EXTRA = ["model.width=-1", "model.depth=x", "task=sr", "task=none", "task.sigma=[", "=", "fetch", "model.a=b", "x=1"]
KEYS = {
    "export": (Export, export.main, {"run": NETWORKS, "weights": NETWORKS, "model": NETWORKS}),
    "datasets": (Datasets, datasets.main, {}),
    "pretrained": (Pretrained, pretrained.main, {}),
}


def words_of(command: str, number: int) -> list[str]:
    draw = random.Random(f"{command}/{number}")
    schema, _, known = KEYS[command]
    words = []
    for _ in range(draw.randint(1, 3)):
        key = draw.choice([*(field.name for field in fields(schema)), "extra"])
        if key == "extra":
            words.append(draw.choice(EXTRA))
            continue
        values = known.get(key, PATHS if key in ("folder", "out", "results", "wasm") else ODD)
        words.append(f"{key}={draw.choice(values if draw.random() < 0.8 else ODD)}")
    return words


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("command", KEYS)
def test_odd_words(command, part, tmp_path, monkeypatch, capsys, tally):
    monkeypatch.chdir(tmp_path)
    for variable in ("RESTORE_WEIGHTS", "RESTORE_DATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(export, "required", lambda *packages: None)
    monkeypatch.setattr(export, "to_onnx", lambda network, card: (b"a network", 0.0))
    for module in (datasets, pretrained):
        monkeypatch.setattr(module, "Download", impatient)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.png").write_bytes(b"no image")
    (tmp_path / "in" / "results.csv").write_text("no,results\n1,2\n")
    inputs = {file: file.read_bytes() for file in (tmp_path / "in").iterdir()}
    wrong = []
    with server(lambda handler, number: Handler.send(handler, b"", 404)) as (mirror, _):
        first = [] if command == "export" else [f"folder={tmp_path / 'here'}", f"mirror={mirror}"]
        for number in range(part, TRIALS, PARTS):
            words = [*first, *words_of(command, number)]
            tally(f"requests to {command}")
            try:
                code = KEYS[command][1](words)
            except RequestError as refusal:
                if len(str(refusal).strip().splitlines()) != 1:
                    wrong.append((words, str(refusal)))
            except Exception as bug:
                wrong.append((words, repr(bug)))
            else:
                if code not in (None, 0, 1):
                    wrong.append((words, code))
            if any(file.read_bytes() != content for file, content in inputs.items()):
                wrong.append((words, "an input was changed"))
            capsys.readouterr()
    assert not wrong, "\n".join(map(str, wrong))

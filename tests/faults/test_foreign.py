"""Run folders, checkpoints, archives and weights from somebody who means harm: nothing of them is executed.

Each would write to, copy over or delete a canary in the test's own folder if what it names were called.
"""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hydra
import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import OmegaConf

import restore
from restore.checkpoint import load_weights
from restore.config.build import build_network
from restore.config.compose import compose, run_config
from restore.config.overrides import check, check_honoured, normalise_overrides, resumed_arguments
from restore.degradations.kernels import from_file
from restore.errors import RequestError
from restore.jobs.archive import unpack
from restore.models.dncnn import DnCNN
from restore.models.red import REDNet
from restore.runfolder import FORMAT, RunFolder
from restore.training.checkpoint_files import RunCheckpoint

RED = {"_target_": "restore.models.red.REDNet", "name": "red", "channels": 1, "depth": 4, "width": 4, "skip_step": 0}
NOISE = {"_target_": "restore.degradations.noise.GaussianNoise", "sigma": 25}


class Canary:
    """A file that says whether anything touched it, and another one to be copied over it."""

    def __init__(self, folder: Path):
        folder.mkdir()
        self.file, self.other = folder / "canary", folder / "other"
        self.file.write_text("alive")
        self.other.write_text("overwritten")
        self.time = self.file.stat().st_mtime_ns

    @property
    def alive(self) -> bool:
        untouched = self.file.is_file() and self.file.read_text() == "alive"
        return untouched and self.file.stat().st_mtime_ns == self.time and len(list(self.file.parent.iterdir())) == 2


@pytest.fixture
def canary(tmp_path) -> Canary:
    return Canary(tmp_path / "home")


def make(folder: Path, config: Any, words: Any = (), hydra_file: str = "") -> RunFolder:
    """A run folder with weights that fit `RED`, and what its author wrote."""
    run = RunFolder(folder)
    run.config.parent.mkdir(parents=True)
    run.checkpoints.mkdir()
    run.config.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    run.overrides.write_text(words if isinstance(words, str) else yaml.safe_dump(list(words)))
    if hydra_file:
        run.hydra.write_text(hydra_file)
    (folder / "run.json").write_text(f'{{"format": {FORMAT}}}')
    for file in (run.best, run.last):
        torch.save({"state_dict": REDNet(depth=4, width=4, skip_step=0).state_dict(), "global_step": 1}, file)
    return run


def called(path: str, *arguments: Any, **more: Any) -> dict[str, Any]:
    return {"_target_": path, "_args_": list(arguments), **more}


def doors(here: str, other: str, folder: str) -> dict[str, Any]:
    """Nodes of a configuration that would touch the canary, each in another way."""
    path = called("pathlib.Path", here)
    return {
        "copy": called("shutil.copyfile", other, here),
        "write": called("pathlib.Path.write_text", path, "x"),
        "savetxt": called("numpy.savetxt", here, [1, 2]),
        "remove": called("os.remove", here),
        "system": called("os.system", f"rm {here}"),
        "open": called("builtins.open", here, "w"),
        "torch.save": called("torch.save", [1], here),
        "torch.load": called("torch.load", here, weights_only=False),
        "torch.hub": called("torch.hub.load", folder, "x", source="local"),
        "torch.jit": called("torch.jit.load", here),
        "attributes of a library": called("torch.serialization.os.remove", here),
        "attributes of a class": called("torch.nn.Module.__init__.__globals__"),
        "attributes of ours": called("restore.checkpoint.torch.save", [1], here),
        "a function of ours": called("restore.runfolder.write_json", path, {}),
        "another of ours": called("restore.jobs.archive.shutil.rmtree", folder),
        "get_method": called("hydra.utils.get_method", "os.remove"),
        "call": {"_target_": "hydra.utils.call", "config": called("os.remove", here)},
        "partial of a name": called("functools.partial", called("hydra.utils.get_method", "os.remove"), here),
        "_partial_": called("shutil.copyfile", other, here, _partial_=True),
        "in Sequential": called("torch.nn.Sequential", called("shutil.copyfile", other, here)),
        "in lists": called("torch.nn.ModuleList", [called("torch.nn.ReLU"), called("os.remove", here)]),
        "in mappings": called("torch.nn.ModuleDict", {"a": {"b": [called("os.remove", here)]}}),
        "not recursive": {**RED, "_recursive_": False, "x": called("os.remove", here)},
        "a logger as a model": {"_target_": "lightning.pytorch.loggers.CSVLogger", "save_dir": folder},
        "weights that are fetched": {"_target_": "kornia.filters.StableDiffusionDissolving", "version": "1.5"},
        "a package that is imported": called("evil.Network"),
        "a relative path": called(".evil.Network"),
        "a path that is computed": {"_target_": "${oc.env:HOME}", "_args_": [here]},
    }


DOORS = sorted(doors("", "", ""))


REFUSED = r"somebody else may not|no configuration here (has|does)"


def word_of(node: Any) -> str:
    """A node as Hydra's grammar writes it."""
    if isinstance(node, dict):
        return "{" + ",".join(f"{key}:{word_of(value)}" for key, value in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ",".join(map(word_of, node)) + "]"
    return str(node).lower() if isinstance(node, bool | int) else "'" + node.replace("'", "\\'") + "'"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("place", ["model", "task", "resume"])
def test_a_run_folder_executes_nothing(place, door, canary, tmp_path, tally):
    node = doors(str(canary.file), str(canary.other), str(canary.file.parent))[door]
    config = {"model": RED, "task": {"name": "x", "channels": 1, "degradation": NOISE}}
    if place == "resume":
        run = make(tmp_path / "run", config, [f"+task.degradation.x={word_of(node)}"])
    elif place == "model":
        run = make(tmp_path / "run", config | {"model": node})
    else:
        run = make(tmp_path / "run", config | {"task": {"name": "x", "channels": 1, "degradation": node}})
    tally("hostile run folders")
    with pytest.raises(RequestError, match=REFUSED) as refusal:
        resume(run) if place == "resume" else restore.load(run, device="cpu")
    tally("executed", 0 if canary.alive else 1)
    assert canary.alive
    assert "\n" not in str(refusal.value)


def test_nothing_foreign_is_imported(tmp_path, monkeypatch, tally):
    """Not even to find out what a name is of."""
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    tally("hostile run folders")
    task = {"name": "x", "channels": 1, "degradation": NOISE}
    with pytest.raises(RequestError, match=r"trust=\[evil\] says"):
        restore.load(make(tmp_path / "run", {"model": called("evil.Network"), "task": task}))
    assert "evil" not in sys.modules


def test_what_is_not_hostile_is_as_before(tmp_path):
    words = ["seed=3", "model=red10", "model.width=4"]
    run = make(tmp_path / "run", {}, words)
    recorded = compose("config", words)
    OmegaConf.save(recorded, run.config)
    torch.save({"state_dict": build_network(recorded.model).state_dict()}, run.best)
    assert sum(p.numel() for p in restore.load(run, device="cpu").parameters()) > 0
    resume(run)
    task = {"name": "x", "channels": 1, "degradation": NOISE}
    parts = [called("torch.nn.Conv2d", 1, 1, 3, padding=1), {"_target_": "torch.nn.ReLU"}]
    run.config.write_text(yaml.safe_dump({"model": called("torch.nn.Sequential", *parts), "task": task}))
    assert run_config(run).model._target_ == "torch.nn.Sequential"


def resume(run: RunFolder, *more: str) -> None:
    """All that the command does before it trains."""
    typed = normalise_overrides([f"resume={run}", *more])
    words = resumed_arguments(typed)
    check_honoured(words, multirun=False, own_sweep=True)
    check("config", words, typed)


def test_the_library_alone_would_let_them(canary):
    """Hydra's own list has what executes, and not what destroys."""
    hydra.utils.instantiate(doors(str(canary.file), str(canary.other), "")["copy"])
    assert not canary.alive


WORDS = {
    "callbacks": ["+hydra.callbacks.x={_target_: os.remove}"],
    "callbacks, forced": ["++hydra.callbacks.x._target_=os.remove"],
    "logging": ["hydra.job_logging.handlers.file.filename=HERE"],
    "logging, another": ["hydra/job_logging=none"],
    "a launcher": ["hydra/launcher=joblib"],
    "an environment": ["+hydra.job.env_set.LD_PRELOAD=HERE"],
    "where to run": ["hydra.run.dir=FOLDER"],
    "a package of Hydra's": ["+logger@hydra.callbacks.x=csv"],
    "its own trust": ["trust=true", "task.degradation._target_=os.remove"],
    "a folder of files": ["hydra.searchpath=['file://FOLDER']"],
    "a folder, as a flag": ["--config-dir=FOLDER", "-cd", "FOLDER"],
    "a pickled job": ["--experimental-rerun=HERE"],
    "the environment": ["name=${oc.env:HOME}"],
    "the environment, hidden": ["name='${a}${b}'", "+a=$", "+b='{oc.env:HOME}'"],
    "a mapping that is made": ["task.degradation='${oc.create:{_target_:os.remove}}'"],
    "an escaped interpolation": ["name='\\${oc.env:HOME}'"],
    "a key of nobody's": ["+anything=1"],
    "where to write": ["logger=csv", "logger.save_dir=FOLDER"],
    "a name that is a place": ["name=../../home"],
    "no words": "just text",
    "a mapping of words": "{a: 1}",
    "numbers": [1, 2],
    "lines": ["name=a\nhydra.run.dir=b"],
    "bytes": "\x00\x01",
    "a tag": "- !!python/object/apply:os.remove [HERE]",
}


@pytest.mark.parametrize("case", WORDS)
def test_recorded_words_execute_nothing(case, canary, tmp_path, tally):
    put = lambda text: text.replace("HERE", str(canary.file)).replace("FOLDER", str(canary.file.parent))  # noqa: E731
    words = WORDS[case]
    words = put(words) if isinstance(words, str) else [put(w) if isinstance(w, str) else w for w in words]
    tally("hostile run folders")
    with pytest.raises(RequestError):
        resume(make(tmp_path / "run", {"model": RED}, words))
    tally("executed", 0 if canary.alive else 1)
    assert canary.alive


def levels(reference: str) -> str:
    lines = [f"x{n}: [{reference.format(n + 1)}, {reference.format(n + 1)}]" for n in range(60)]
    return "\n".join(["task:", *(f"  {line}" for line in lines), "  x60: 1"])


CONFIGS = {
    "the environment": "name: ${oc.env:HOME}",
    "the environment in a key": "model: {'${oc.env:HOME}': 1}",
    "made of two halves": "name: '$'\nmodel: {name: '{oc.env:HOME}'}\ntask: {name: '${name}${model.name}'}",
    "escaped": "name: '\\${oc.env:HOME}'",
    "a mapping that is made": "model: ${oc.create:{_target_:os.remove}}",
    "a default that is a mapping": "model: ${oc.select:none,{_target_:os.remove}}",
    "a resolver by reference": "name: '${${model.name}:HOME}'\nmodel: {name: oc.env}",
    "Hydra's resolver": "name: ${hydra:runtime.cwd}",
    "a target by reference": "model: {_target_: '${name}'}\nname: os.remove",
    "another group's target": "logger: {_target_: lightning.pytorch.loggers.CSVLogger, save_dir: /}\nmodel: ${logger}",
    "references that multiply": levels("${{task.x{}}}"),
    "a reference to itself": "name: ${name}",
    "aliases": "a: &a [1, 2]\nb: [*a, *a]",
    "levels without end": "a: " + "[" * 5000 + "]" * 5000,
    "a key of nobody's": "hydra: {callbacks: {x: {_target_: os.remove}}}",
    "a second key of nobody's": "trainer: {plugins: [os.remove]}",
    "a tag": "name: !!python/object/apply:os.system ['true']",
    "a new tag": "name: !!python/object/new:os.system ['true']",
    "too long": "name: " + "x" * 2_000_000,
    "a long value": "name: " + "x" * 20_000,
    "a place as a name": "model: {name: ../../../x}",
    "a list": "- 1",
    "nothing readable": "\x00",
}


@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.timeout(60)
def test_configurations_execute_and_compute_nothing(case, canary, tmp_path, tally):
    tally("hostile run folders")
    with pytest.raises(RequestError):
        run_config(make(tmp_path / "run", CONFIGS[case]))
    tally("executed", 0 if canary.alive else 1)
    assert canary.alive


@pytest.mark.parametrize("name", ["console.log", "results.csv", ".hydra/config.yaml", "checkpoints", "crops", "FIFO"])
def test_a_folder_that_leads_elsewhere_is_refused(name, canary, tmp_path, tally):
    run = make(tmp_path / "run", {"model": RED})
    tally("hostile run folders")
    if name == "FIFO":
        os.mkfifo(run.path / "history.csv")
    else:
        place = run.path / name
        place.rename(tmp_path / "kept") if place.exists() else None
        place.symlink_to(tmp_path / "kept" if (tmp_path / "kept").exists() else canary.file)
    with pytest.raises(RequestError, match=r"which a run folder from somebody else may not have"):
        resume(run)
    with pytest.raises(RequestError, match=r"which a run folder from somebody else may not have"):
        restore.load(run, device="cpu")
    tally("executed", 0 if canary.alive else 1)
    assert canary.alive


@pytest.mark.parametrize("way", ["..", "protocol", "last"])
def test_a_checkpoint_deletes_nothing(way, canary, tmp_path, tally):
    tally("hostile checkpoints")
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save({}, folder / "best.ckpt")
    callback = RunCheckpoint(dirpath=folder, filename="best", monitor="val/psnr", mode="max")
    path = f"{folder}/../../home/canary" if way == ".." else f"local://{canary.file}"
    state = {key: path for key in ("best_model_path", "kth_best_model_path", "last_model_path")}
    state |= {"dirpath": str(folder), "best_k_models": {path: torch.tensor(1.0)}, "kth_value": torch.tensor(1.0)}
    callback.load_state_dict(state | {"best_model_score": torch.tensor(1.0)})
    lightnings = ModelCheckpoint(dirpath=folder, filename="best", monitor="val/psnr", mode="max")
    lightnings.load_state_dict(state | {"best_model_score": torch.tensor(1.0)})
    assert lightnings.best_model_path == path, "the library takes it"
    names = {callback.best_model_path, callback.kth_best_model_path, callback.last_model_path, *callback.best_k_models}
    tally("executed", int(path in names))
    assert names <= {"", str(folder / "best.ckpt")}
    assert callback.best_model_score == 1


# -- files -----------------------------------------------------------------------------------------


class Exploit:
    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self):
        return os.remove, (str(self.file),)


def by_torch(file: Path, canary: Path) -> None:
    torch.save({"state_dict": Exploit(canary)}, file)


def by_pickle(file: Path, canary: Path) -> None:
    file.write_bytes(pickle.dumps(Exploit(canary)))


def by_old_torch(file: Path, canary: Path) -> None:
    torch.save({"state_dict": Exploit(canary)}, file, _use_new_zipfile_serialization=False)


def by_script(file: Path, canary: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), file)


@pytest.mark.parametrize("write", [by_torch, by_pickle, by_old_torch, by_script])
@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".mat", ".caffemodel"])
def test_weights_are_not_unpickled(suffix, write: Callable, canary, tmp_path, tally):
    tally("hostile weights")
    file = tmp_path / f"weights{suffix}"
    write(file, canary.file)
    with pytest.raises(RequestError):
        load_weights(DnCNN(depth=4, width=4), file, "dncnn_s")
    tally("executed", 0 if canary.alive else 1)
    assert canary.alive


def test_a_kernel_is_not_unpickled(canary, tmp_path, tally):
    tally("hostile weights")
    np.save(tmp_path / "kernel.npy", np.array([Exploit(canary.file)], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot read the kernel"):
        from_file(tmp_path / "kernel.npy")
    tally("executed", 0 if canary.alive else 1)
    assert canary.alive


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def array(kind: int, sizes: tuple[int, ...], *parts: bytes, name: bytes = b"net") -> bytes:
    head = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(sizes)}i", *sizes))
    return element(14, head + element(1, name) + b"".join(parts))


HEADER = b"MATLAB 5.0".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
DEEP = array(6, (1, 1), element(9, struct.pack("<d", 1)))
for _ in range(40):
    DEEP = array(1, (1, 1), DEEP)
MATLAB = {
    "a cell of billions": array(1, (1, 2**31 - 1)),
    "a structure of billions": array(2, (2**20, 2**10), element(5, struct.pack("<i", 8)), element(1, b"weights\0")),
    "text of billions": array(4, (1, 2**31 - 1), element(16, b"")),
    "negative": array(6, (-1, -8), element(9, b"")),
    "cells in cells": DEEP,
    "a bomb": struct.pack("<II", 15, 0),
    "cut off": array(6, (1, 1), element(9, b"12345678"))[:-9],
}


@pytest.mark.parametrize("case", MATLAB)
@pytest.mark.timeout(60)
def test_matlab_files_are_no_bombs(case, tmp_path, tally):
    tally("hostile weights")
    file, content = tmp_path / "net.mat", MATLAB[case]
    if case == "a bomb":
        packer, chunk = zlib.compressobj(9), b"\0" * 10**7
        packed = b"".join([*(packer.compress(chunk) for _ in range(101)), packer.flush()])
        content = struct.pack("<II", 15, len(packed)) + packed
    file.write_bytes(HEADER + content)
    with pytest.raises(RequestError):
        load_weights(DnCNN(depth=4, width=4), file, "dncnn_s")


@pytest.mark.parametrize("case", ["huge", "external", "virtual", "link", "itself"])
@pytest.mark.timeout(60)
def test_hdf5_files_read_no_other_and_no_more(case, canary, tmp_path, tally):
    tally("hostile weights")
    path = tmp_path / "net.mat"
    with h5py.File(path, "w") as file:
        layer = file.create_group("layer")
        layer["type"] = np.array([[ord(letter)] for letter in "conv"], dtype=np.uint16)
        if case == "huge":
            layer.create_dataset("weights", shape=(10**6, 10**6), chunks=(1000, 1000), dtype="f4")
        elif case == "external":
            layer.create_dataset("weights", shape=(5,), dtype="u1", external=[(str(canary.file), 0, 5)])
        elif case == "virtual":
            layout = h5py.VirtualLayout(shape=(5,), dtype="u1")
            layout[:] = h5py.VirtualSource(str(canary.file), "x", shape=(5,))
            layer.create_virtual_dataset("weights", layout)
        elif case == "link":
            layer["weights"] = h5py.ExternalLink(str(canary.file), "x")
        else:
            cell = layer.create_dataset("weights", shape=(2,), dtype=h5py.ref_dtype)
            cell[:] = [cell.ref, cell.ref]
        layers = file.create_dataset("net/layers", shape=(2,), dtype=h5py.ref_dtype)
        layers[:] = [layer.ref, layer.ref]
    with pytest.raises(RequestError):
        load_weights(DnCNN(depth=4, width=4), path, "dncnn_s")
    assert canary.alive


# -- archives --------------------------------------------------------------------------------------


def entry(name: str, content: bytes = b"{}", **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


ARCHIVES = {
    "absolute": [entry("HERE/run.json")],
    "a file above": [entry("../home/run.json")],
    "a file above, later": [entry("a/../../home/run.json")],
    "a link": [entry("a", b"", type=tarfile.SYMTYPE, linkname="HERE"), entry("a/run.json")],
    "a hard link": [entry("run.json", b"", type=tarfile.LNKTYPE, linkname="HERE/canary"), entry("run.json")],
    "a device": [entry("run.json", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=5)],
    "a FIFO": [entry("run.json", b"", type=tarfile.FIFOTYPE)],
    "another file": [entry("a/.bashrc")],
    "a script": [entry("a/evil.py", b"import os")],
    "twice": [entry("a/run.json"), entry("a/run.json", b"[]")],
    "a file that is a folder": [entry("run.json"), entry("run.json/run.json")],
    "a backslash": [entry("a\\..\\run.json")],
}


@pytest.mark.parametrize("case", [*ARCHIVES, "count", "size", "names", "header", "text", "cut"])
@pytest.mark.timeout(120)
def test_archives_lay_nothing_elsewhere(case, canary, tmp_path, tally, monkeypatch):
    tally("hostile archives")
    state, root = tmp_path / "campaign.tar", tmp_path / "runs" / "campaign_cpu"
    with tarfile.open(state, "w:gz", format=tarfile.GNU_FORMAT) as tar:
        for info, content in ARCHIVES.get(case, [entry("a/run.json")]):
            info.name, info.linkname = (t.replace("HERE", str(canary.file.parent)) for t in (info.name, info.linkname))
            tar.addfile(info, io.BytesIO(content))
        if case == "count":
            monkeypatch.setattr("restore.jobs.archive.MOST_FILES", 100)
            for info, content in (entry(f"{number}/run.json") for number in range(101)):
                tar.addfile(info, io.BytesIO(content))
        if case == "names":
            tar.addfile(entry("n" * 70_000 + "/run.json")[0], io.BytesIO(b"{}"))
    if case == "size":  # a header that says so is enough
        info = entry("b/last.ckpt")[0]
        info.size = 10**12
        state.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024))
    if case == "header":  # a name of gigabytes
        info = entry("b", type=tarfile.XHDTYPE)[0]
        info.size = 10**10
        state.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024))
    if case == "text":
        state.write_text("no tar")
    if case == "cut":
        state.write_bytes(state.read_bytes()[:-20])
    with pytest.raises(RequestError, match="is not a campaign's state"):
        unpack(state, root)
    tally("executed", 0 if canary.alive else 1)
    assert canary.alive
    assert not root.exists()
    assert not list(root.parent.iterdir()) if root.parent.exists() else True


# -- as commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("evaluate", "run={}"), ("run", "resume={}"), ("run", "--experimental-rerun={}/x")])
def test_commands_answer_in_one_sentence(words, canary, tmp_path, tally):
    node = doors(str(canary.file), str(canary.other), "")["copy"]
    run = make(tmp_path / "run", {"model": node}, ["task.degradation._target_=shutil.copyfile"])
    (run.path / "x").write_bytes(pickle.dumps(Exploit(canary.file)))
    name, word = words
    command = [sys.executable, "-m", f"restore.{name}", word.format(run.path)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    tally("hostile commands")
    tally("executed", 0 if canary.alive else 1)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert canary.alive

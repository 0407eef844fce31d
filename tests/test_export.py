"""``python -m restore.export``."""

import json
import subprocess
import sys

import pytest

from restore import export
from restore.errors import RequestError
from restore.remote import sha256
from restore.results import store
from restore.runfolder import RunFolder

RUN = "red14_denoise25"
WRONG = {
    "nothing": ([], "what is to be exported"),
    "unknown key": (["run=x", "fromat=onnx"], "did you mean 'format'"),
    "unknown format": ([f"run={RUN}", "format=pages"], "did you mean 'page'"),
    "page without wasm": ([f"run={RUN}", "format=page"], "format=page and wasm="),
    "wasm without page": ([f"run={RUN}", "wasm=."], "format=page and wasm="),
    "two networks": ([f"run={RUN}", "model=red14"], "leave model= out"),
    "no model": (["weights=best.ckpt"], "model=<name>"),
    "no weights": (["model=red14"], "has weights to be given"),
    "another suffix": ([f"run={RUN}", "out=x.html"], "ends in .onnx"),
    "no run": (["run=nowhere"], "nowhere is not the folder of a run"),
    "no results": ([f"run={RUN}", "results=nowhere.csv"], "results=nowhere.csv is not there"),
    "null": (["run=a\0b"], "null character"),
}


@pytest.fixture
def with_extra(monkeypatch):
    """What is wrong is said whether or not the extra is installed."""
    monkeypatch.setattr(export, "required", lambda *packages: None)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(name, with_extra, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, said = WRONG[name]
    with pytest.raises(RequestError) as error:
        export.main(words)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r"onnx is not installed: pip install -e '\.\[onnx\]'"):
        export.main([f"run={RUN}"])


def test_a_file_with_its_card(tmp_path, capsys):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed: it is in the extra onnx")
    import onnx

    import restore
    from restore.deployment.onnx_network import OnnxNetwork

    weights = sha256(RunFolder.find(RUN).checkpoint())
    row = dict.fromkeys(store.COLUMNS, "") | {"dataset": "set12", "setting": "sigma=25", "protocol": "dncnn"}
    row |= {"metric": "psnr", "value": 30.0, "value_input": 20.0, "checkpoint_sha256": weights}
    store.append(tmp_path / "results.csv", [row | {"image": "a"}, row | {"image": "b", "value": 31.0}])
    store.append(tmp_path / "results.csv", [row | {"image": "c", "value": 99.0, "checkpoint_sha256": "others"}])
    file = tmp_path / "new" / "network.onnx"
    export.main([f"run={RUN}", f"out={file}", f"results={tmp_path / 'results.csv'}"])
    assert "tiles overlap by 14 pixels, 1 scores" in capsys.readouterr().out.replace("score,", "scores,")
    onnx.checker.check_model(onnx.load(file), full_check=True)
    card = json.loads(next(entry.value for entry in onnx.load(file).metadata_props if entry.key == "restore"))
    assert (card["task"], card["channels"], card["data_range"], card["weights_sha256"]) == (
        "denoise",
        1,
        [0, 1],
        weights,
    )
    (score,) = card["scores"]
    assert (score["dataset"], score["value"], score["images"]) == ("set12", 30.5, 2)
    image = torch_image(61, 47)
    restored = restore.restore_image(OnnxNetwork(file), image)
    assert abs(restored - restore.restore_image(restore.load(RUN, device="cpu"), image)).max() < 1e-5


def torch_image(height, width):
    import numpy as np

    return np.random.default_rng(0).random((height, width), dtype=np.float32)


@pytest.mark.faults
@pytest.mark.parametrize("words", [["run=/dev/zero"], ["run=x", "out=/"], ["weights=/dev/null", "model=red14"]])
def test_nonsense_ends_in_one_sentence(words, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "restore.export", *words], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1

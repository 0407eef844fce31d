"""The built wheel runs outside the checkout: configuration and published numbers travel in it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_wheel_composes_and_knows_the_published_numbers(tmp_path):
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is in the dev extra")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert wheel.name.startswith("restore_suite-")
    wanted = {"restore/conf/config.yaml", "restore/results/published.csv", "restore/data/bsd68.txt", "restore/py.typed"}
    wanted |= {"restore/bench/published_runtimes.csv", "restore/released.csv"}
    assert wanted <= set(names)
    checkout = {f"restore/{p.relative_to(ROOT)}" for p in (ROOT / "conf").rglob("*.yaml")}
    shipped = (p for p in (ROOT / "src/restore/weights").rglob("*") if p.is_file())
    checkout |= {f"restore/{p.relative_to(ROOT / 'src/restore')}" for p in shipped}
    assert checkout <= set(names)
    # an installation: found by path, far from the checkout
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["PYTHONPATH"] = str(tmp_path / "site")
    words = ["experiment=quickstart", "trainer.max_steps=2", "logger=none", "model.width=4", "baselines=[]"]
    command = [sys.executable, "-m", "restore.run", *words, f"paths.runs={tmp_path / 'runs'}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "finished: 2 steps" in done.stdout
    where = [
        sys.executable,
        "-c",
        "import restore, restore.config.loading as r; print(restore.__file__, r.configuration())",
    ]
    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    assert str(ROOT) not in found

"""What cannot fit is refused at once, by a sentence with the least that it needs; nothing is allocated for it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from restore.config.build import build_network
from restore.config.compose import compose
from restore.errors import RequestError

SECONDS = 2.0  # of this process's own time: how busy the machine is, is its own matter
NETWORKS = [
    ("red20", "model.depth=1000000000"),
    ("red20", "model.width=99999999"),
    ("red20", "model.kernel_size=100001"),
    ("dncnn_s", "model.depth=1000000000"),
    ("dncnn_s", "model.width=999999999999"),
    ("red30", "model.depth=1000 model.width=3000"),
    ("ffdnet", "model.width=9999999"),
    ("bottleneck", "model.width=10000000"),
    ("srcnn", "model.widths=[100000000,3]"),
    ("tnrd", "model.stages=1000000000"),
    ("tnrd", "model.kernel_size=201"),
    ("tnrd", "model.basis=1000000"),
    ("csf", "model.stages=1000000000"),
    ("csf", "model.kernel_size=100001"),
    ("csf", "model.margin=1000000000"),
    ("vdsr", "model.depth=1000000000"),
    ("gopro_red", "model.width=99999999"),
]
RUNS = [
    ("data.batch_size=1000000000", "memory"),
    ("data.patch_size=1000000000", "memory"),
    ("data.pool=100000000000000", "memory"),
    ("data.resize=100000000", "memory"),
    ("model.depth=1000000000", "model.depth"),
    ("model.width=99999999", "memory"),
    ("task=deblur task.radius=10000", "radius"),
    ("task=deblur task.kernel=gaussian task.size=100001", "side"),
    ("task=motion_blur task.length=100000000", "length"),
    ("protocols.dncnn.border=1000", "border"),
    ("protocols.dncnn.resize=100000000", "memory"),
    ("task=sr task.scale=4096", "scale"),
    ("optim.loss._target_=torch.nn.Identity", "optim.loss"),
    ("max_pixels=100", "max_pixels=100"),
]


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """What torch imports for its meta device, once."""
    build_network(compose("config", ["model=red10", "model.width=4"]).model)


@pytest.mark.parametrize(("name", "words"), NETWORKS)
def test_networks(name, words, tally):
    model = compose("config", [f"model={name}", *words.split()]).model
    begun, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RequestError, match="model") as refused:
        build_network(model)
    tally("impossible sizes tried")
    spent = time.process_time() - begun
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    tally("hangs", int(spent > SECONDS))
    assert spent < SECONDS, f"{words}: {spent:.1f} s"
    assert grown < 500_000, f"{words}: {grown} kB"
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("words", "named"), RUNS)
def test_runs(words, named, tiny, command, tally):
    """The first call imports; a run of its own process does no more than this."""
    begun = time.process_time()
    answer = command("run", *tiny, *words.split())
    tally("impossible sizes tried")
    spent = time.process_time() - begun
    tally("tracebacks", int("Traceback" in answer.err or answer.code == 70))
    assert answer.code == 2, answer.err
    assert named in answer.err, answer.err
    assert len(answer.err.strip().splitlines()) == 1, answer.err
    tally("hangs", int(spent > 20))
    assert spent < 20, f"{words}: {spent:.1f} s, imports and all"


def test_a_container_s_limit_counts(tmp_path):
    """As `ulimit -v` sets it, in a process of its own."""
    limited = "import resource, restore.memory as m; resource.setrlimit(resource.RLIMIT_DATA, (10**10, 10**10)); "
    code = limited + "print(m.machine_memory())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert int(printed.stdout) <= 10**10


def test_tiny_images_have_the_values_that_are_defined(tmp_path, command, tally):
    """1×1 to 11×11: PSNR of each, SSIM where its window lies inside, and a line that says why not elsewhere."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    sizes = [(1, 1), (2, 2), (10, 10), (1, 40), (40, 1), (11, 11)]
    generator = torch.Generator().manual_seed(0)
    for height, width in sizes:
        levels = torch.randint(0, 256, (height, width), generator=generator, dtype=torch.uint8)
        Image.fromarray(levels.numpy()).save(folder / f"{height}x{width}.png")
    answer = command("evaluate", "model=identity", f"test_sets=[{folder}]")
    tally("files tried", len(sizes))
    assert answer.code == 0, answer.err
    lines = Path("results.csv").read_text().splitlines()
    assert len([line for line in lines if ",psnr," in line]) == len(sizes)
    assert len([line for line in lines if ",ssim," in line]) == 1
    assert "ssim is not defined for 5 of 6 test pairs" in answer.out
    refused = command("evaluate", "model=identity", "task=sr", f"test_sets=[{folder}]")
    assert refused.code == 2
    assert "leaves no pixel of" in refused.err
    assert os.path.exists("results.csv")

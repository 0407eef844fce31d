"""The benchmark's own arithmetic, and what it refuses."""

import time

import pytest
import torch

from restore.bench.__main__ import main
from restore.bench.measure import convolution_peak, interleaved, slope, training_step
from restore.bench.peer import FilePatches
from restore.errors import RequestError
from restore.models.red import REDNet


def test_slope_is_the_exponent():
    work = [1.0, 3.0, 10.0, 40.0]
    assert slope(work, [0.2 * w**1.5 for w in work]) == pytest.approx(1.5)
    assert slope(work, [7.0] * 4) == pytest.approx(0)


def test_interleaved_tells_slow_from_fast():
    found = interleaved({"fast": lambda: time.sleep(0.001), "slow": lambda: time.sleep(0.02)}, 3)
    assert 0.001 <= found["fast"] < 0.02 <= found["slow"]


def test_a_convolutions_peak_is_measured_within_a_second():
    start = time.perf_counter()
    assert 1e8 < convolution_peak("32-true") < 1e14
    assert time.perf_counter() - start < 1


def test_the_plain_loop_learns():
    torch.manual_seed(0)
    network = REDNet(depth=4, width=8, skip_step=1)
    clean = torch.rand(2, 1, 16, 16)
    before = [parameter.clone() for parameter in network.parameters()]
    training_step(network, clean, "32-true")()
    assert all((old != new).any() for old, new in zip(before, network.parameters(), strict=True))


def test_peer_patches_are_crops_of_their_files(tmp_path):
    image = (torch.arange(200)[:, None] + torch.arange(220)).remainder(256).to(torch.uint8)[None]
    files = FilePatches.write([image], tmp_path)
    patches = FilePatches(files, 24, 25.0, 3)
    assert len(patches) == 3
    degraded, clean = patches[1]
    assert clean.shape == (1, 24, 24)
    steps = (clean[0, 1:] - clean[0, :-1]).mul(255).round().remainder(256).unique()
    assert set(steps.tolist()) <= {1.0, 255.0}, "neighbouring pixels differ by one level, whichever way it was turned"
    assert (degraded - clean).std().item() * 255 == pytest.approx(25, rel=0.15)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["what=speed"], "unknown what 'speed'"),
        (["repeats=0"], "repeats must be at least 1, and it is 0"),
        (["device=gpu"], "unknown device 'gpu'"),
    ],
)
def test_refusals(words, sentence):
    with pytest.raises(RequestError, match=sentence):
        main(words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here to be measured")
def test_without_a_gpu_it_says_so():
    with pytest.raises(RequestError, match="torch finds no CUDA device on this machine"):
        main(["device=cuda"])


@pytest.mark.slow
def test_strides_are_measured_beside_the_published(tmp_path):
    main(["what=inference", "repeats=1", f"out={tmp_path}"])
    text = (tmp_path / "inference.md").read_text()
    assert "[5, 9]" in text
    assert "12.1" in text

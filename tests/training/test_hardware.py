import json
import os
import subprocess
import sys

import pytest
import torch

from restore.training import hardware

QUESTIONS = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")


def test_precision_is_asked_of_the_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for units, precision in ((True, "bf16-mixed"), (False, "32-true")):
        for name in QUESTIONS:
            monkeypatch.setattr(torch.cpu, name, lambda units=units: units, raising=False)
        assert hardware.default_precision("cpu") == precision


def test_a_torch_without_the_question_gets_float32(monkeypatch):
    for name in QUESTIONS:
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert hardware.default_precision("cpu") == "32-true"


def test_freed_memory_is_kept():
    hardware.keep_freed_memory()
    torch.zeros(50_000_000)
    again = torch.zeros(50_000_000)
    assert again.sum() == 0


def test_peak_is_measured():
    before = torch.get_rng_state()
    assert 1e9 < hardware.matrix_peak("cpu", "32-true") < 1e14
    assert torch.equal(torch.get_rng_state(), before), "the run's random numbers are its own"


class Machine:
    """A clock that moves by what it is given to compute, at so many FLOP/s: fewer beyond its cache."""

    def __init__(self, rate: float, beyond_cache: float):
        self.rate, self.beyond_cache, self.now = rate, beyond_cache, 0.0

    def perf_counter(self) -> float:
        return self.now

    def product(self, size: int):
        def multiply() -> None:
            self.now += 2 * size**3 / (self.rate if size <= 512 else self.rate * self.beyond_cache)

        return multiply


@pytest.mark.parametrize("beyond_cache", [1.0, 0.45], ids=["one rate", "slower beyond the cache"])
@pytest.mark.parametrize("rate", [1e7, 8e7, 2.5e9, 1e11, 1e15])
def test_no_machine_takes_a_second_to_measure(monkeypatch, rate, beyond_cache):
    """1e7 is an eighth of the slowest seen: bfloat16 on a CPU without units for it."""
    machine = Machine(rate, beyond_cache)
    monkeypatch.setattr(hardware, "time", machine)
    peak = hardware.measure_peak(machine.product, [2**n for n in range(6, 14)], lambda size: 2 * size**3)
    assert machine.now < 1
    assert peak == pytest.approx(rate if rate < 1e9 else rate * beyond_cache, rel=1e-6) or rate == 2.5e9


def test_a_slower_precision_is_said_with_its_factor(monkeypatch):
    monkeypatch.setattr(hardware, "has_bf16_units", lambda kind: False)
    monkeypatch.setattr(hardware, "matrix_peak", lambda kind, precision: {"32-true": 80e9}.get(precision, 2e9))
    sentence = hardware.slow_precision("cpu", "bf16-mixed")
    assert "bf16-mixed is slow on this machine" in sentence
    assert "40 times as long as in float32 (2 and 80 GFLOP/s measured)" in sentence
    assert "computed as bf16-mixed on a CPU; 16-mixed is slow" in hardware.slow_precision("cpu", "16-mixed")
    assert hardware.slow_precision("cpu", "32-true") is None
    assert hardware.slow_precision("cpu", "32") is None


def test_units_are_not_measured(monkeypatch):
    monkeypatch.setattr(hardware, "has_bf16_units", lambda kind: True)
    monkeypatch.setattr(hardware, "matrix_peak", lambda kind, precision: pytest.fail("measured"))
    assert hardware.slow_precision("cpu", "bf16-mixed") is None
    assert hardware.slow_precision("cpu", "16-mixed") == "16-mixed is computed as bf16-mixed on a CPU"


@pytest.mark.parametrize(
    ("kind", "precision", "dtype"),
    [
        ("cpu", "32-true", torch.float32),
        ("cpu", "32", torch.float32),
        ("cuda", "bf16-true", torch.bfloat16),
        ("cpu", "16-mixed", torch.bfloat16),
        ("cuda", "16-mixed", torch.float16),
        ("cpu", "16-true", torch.float16),
        ("cpu", "64-true", torch.float64),
        ("mps", "bf16-mixed", torch.float32),
    ],
)
def test_a_precision_multiplies_in_its_type(kind, precision, dtype):
    assert hardware.compute_dtype(kind, precision) == dtype


AVX2 = """
import json, time
import torch
from restore.training import hardware

for name in %s:
    setattr(torch.cpu, name, lambda: False)
seconds = {}
for precision in ("32-true", "bf16-mixed"):
    start = time.perf_counter()
    hardware.matrix_peak("cpu", precision)
    seconds[precision] = time.perf_counter() - start
said = {precision: hardware.slow_precision("cpu", precision) for precision in ("32-true", "bf16-mixed", "16-mixed")}
default = hardware.default_precision("cpu")
print(json.dumps([torch.backends.cpu.get_cpu_capability(), seconds, default, said]))
"""


@pytest.mark.slow
def test_a_cpu_without_units_is_told_before_it_waits():
    """AVX2 and no more: what asks for bfloat16 there gets it emulated, 13 to 1000 times as slow as float32."""
    limits = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "1"}
    script = [sys.executable, "-c", AVX2 % (QUESTIONS,)]
    done = subprocess.run(script, env=os.environ | limits, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    capability, seconds, default, said = json.loads(done.stdout)
    assert capability in ("AVX2", "DEFAULT", "NO AVX")
    assert max(seconds.values()) < 1
    assert default == "32-true"
    assert said["32-true"] is None
    assert "only emulates it: a matrix product takes " in said["bf16-mixed"]
    assert int(said["bf16-mixed"].partition("takes ")[2].split()[0]) > 1
    assert said["16-mixed"].startswith("16-mixed is computed as bf16-mixed on a CPU; 16-mixed is slow")


def test_compiling_compiles_and_keeps_names():
    """`nn.Module.compile` compiles in place; an nn.Sequential as the whole network would silently not be."""
    from torch._dynamo.utils import counters

    from restore.models.red import REDNet

    network = REDNet(depth=4, width=4, skip_step=1)
    names = set(network.state_dict())
    x = torch.rand(1, 1, 12, 12)
    plain = network(x)
    counters.clear()
    torch._dynamo.reset()
    network.compile(backend="eager")
    torch.testing.assert_close(network(x), plain)
    assert counters["stats"]["unique_graphs"] > 0
    assert set(network.state_dict()) == names
    torch._dynamo.reset()

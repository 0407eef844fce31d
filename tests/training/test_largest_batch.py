"""The largest batch that fits, estimated."""

import pytest
import torch
from torch import nn

from restore.memory import is_out_of_memory
from restore.models.red import REDNet
from restore.training import largest_batch as module
from restore.training.largest_batch import largest_batch

CPU = torch.device("cpu")


def test_what_says_that_memory_did_not_suffice():
    with pytest.raises(RuntimeError) as failure:
        torch.empty(10**15)
    assert is_out_of_memory(failure.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_out_of_memory(RuntimeError("size mismatch"))


def test_twice_the_memory_holds_twice_the_patches(monkeypatch):
    network = REDNet(depth=4, width=8, skip_step=1)

    def fits(left: int, side: int = 16) -> int:
        monkeypatch.setattr(module, "_left", lambda device: left)
        return largest_batch(network, nn.MSELoss(), 1, side, CPU, "32-true", 0)

    assert fits(2 * 10**8) == pytest.approx(2 * fits(10**8), rel=0.01)
    assert fits(10**8, side=32) == pytest.approx(fits(10**8) / 4, rel=0.02)
    assert fits(1000) == 0
    assert all(parameter.grad is None for parameter in network.parameters())
    # five layers' inputs of 8 maps and more are kept: 4 bytes a number
    assert fits(10**8) < 0.9 * 10**8 / (4 * 16**2 * 8 * 4)


def test_a_containers_limit_is_what_is_left(monkeypatch):
    free = module._left(CPU)
    monkeypatch.setattr(module, "machine_memory", lambda: 10**9)
    assert module._left(CPU) < min(free, 10**9), "this process has taken some of it"

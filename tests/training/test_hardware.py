import torch

from restore.training import hardware


def test_precision_is_asked_of_the_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for units, precision in ((True, "bf16-mixed"), (False, "32-true")):
        for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
            monkeypatch.setattr(torch.cpu, name, lambda units=units: units, raising=False)
        assert hardware.default_precision("cpu") == precision


def test_a_torch_without_the_question_gets_float32(monkeypatch):
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert hardware.default_precision("cpu") == "32-true"


def test_freed_memory_is_kept():
    hardware.keep_freed_memory()
    torch.zeros(50_000_000)
    again = torch.zeros(50_000_000)
    assert again.sum() == 0


def test_peak_is_measured():
    assert 1e9 < hardware.matrix_peak("cpu", "32-true") < 1e14


def test_compiling_compiles_and_keeps_names():
    """`nn.Module.compile` compiles in place; an nn.Sequential as the whole network would silently not be."""
    from torch._dynamo.utils import counters

    from restore.models.red import REDNet

    network = REDNet(depth=4, width=4)
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

"""Every private name of Lightning and torch is there, and does what it is used for; one that is gone is noticed."""

import ast
import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning import Trainer
from torch.nn.parallel import DistributedDataParallel

import restore
from restore.training import lightning_compat as compat
from restore.training import torch_compat

SOURCE = Path(restore.__file__).parent


@pytest.fixture
def trainer() -> Trainer:
    return Trainer(accelerator="cpu", max_steps=5, logger=False, enable_checkpointing=False)


def test_logged_steps_follow_the_optimiser(trainer):
    trainer.fit_loop.epoch_loop.automatic_optimization.optim_progress.optimizer.step.total.completed = 3
    compat.count_logged_steps(trainer)
    assert trainer.global_step == 3
    assert trainer.fit_loop.epoch_loop.on_save_checkpoint()["_batches_that_stepped"] == 3
    from lightning.pytorch.trainer.connectors.logger_connector import logger_connector

    assert "_batches_that_stepped" in inspect.getsource(logger_connector), "which the logger's step is read from"


def test_validations_follow_the_attribute(trainer):
    compat.validate_every(trainer, 7)
    loop = trainer.fit_loop.epoch_loop
    trainer.check_val_every_n_epoch = None
    assert trainer.val_check_batch == 7
    assert "trainer.val_check_batch" in inspect.getsource(type(loop)._should_check_val_fx), "which decides by it"


def test_a_batch_is_taken_back(trainer):
    progress = trainer.fit_loop.epoch_loop.batch_progress
    progress.increment_ready()
    compat.uncount_batch(trainer)
    assert (progress.total.ready, progress.current.ready) == (0, 0)


def test_buffers_are_kept_apart():
    (name,) = compat.keep_buffers_apart()
    assert name in inspect.signature(DistributedDataParallel).parameters
    assert compat.keep_buffers_apart() == {name: False}


def test_torch_is_asked_for_bf16_units(monkeypatch):
    assert hasattr(torch.cpu, "_is_avx512_bf16_supported")
    assert hasattr(torch.cpu, "_is_amx_tile_supported")
    for answer in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda answer=answer: answer)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert torch_compat.cpu_has_bf16_units() == answer


def test_many_tensors_in_one_call(generator):
    starts, ends = ([torch.rand(3, 4, generator=generator) for _ in range(5)] for _ in range(2))
    expected = [torch.lerp(start, end, 0.3) for start, end in zip(starts, ends, strict=True)]
    assert all(map(torch.equal, torch_compat.lerp(starts, ends, 0.3), expected))
    torch_compat.lerp_(starts, ends, 0.3)
    assert all(map(torch.equal, starts, expected))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (compat.count_logged_steps, "_batches_that_stepped"),
        (lambda trainer: compat.validate_every(trainer, 3), "val_check_batch"),
        (compat.uncount_batch, "ready"),
    ],
)
def test_a_name_that_is_gone_is_noticed(call, name):
    counts = SimpleNamespace(current=SimpleNamespace(), total=SimpleNamespace())
    loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=counts))
    with pytest.raises(AttributeError, match=name):
        call(SimpleNamespace(global_step=3, fit_loop=loop))


def test_a_ddp_without_the_switch_is_noticed(monkeypatch):
    monkeypatch.setattr(compat, "DistributedDataParallel", type("DDP", (), {"__init__": lambda self, module: None}))
    with pytest.raises(AttributeError, match="forward_sync_buffers"):
        compat.keep_buffers_apart()


def private_names(file: Path) -> set[str]:
    """Private attributes of anything but the object's own, its class's and its module's."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)]
    own = {node.attr for node in nodes if isinstance(node.ctx, ast.Store)}
    private = {node.attr for node in nodes if node.attr.startswith("_") and not node.attr.startswith("__")}
    named = {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}
    return private - own - named


@pytest.mark.parametrize("room", ["training", "optim", "tracking", "bench"])
def test_no_other_file_touches_what_is_private(room):
    for file in (SOURCE / room).glob("*.py"):
        if not file.name.endswith("_compat.py"):
            assert not private_names(file), file.name

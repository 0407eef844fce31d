"""Ranks of one run depend on one another: the first one watches, and says when another died or does not answer."""

from __future__ import annotations

import contextlib
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from lightning import Callback, LightningModule, Trainer

from restore.errors import FAULT, OutsideError
from restore.runfolder import RunFolder
from restore.signals import end_at_once, is_other_rank
from restore.training.lightning_compat import observe_children

log = logging.getLogger("restore")

LOOK = 0.5  # seconds between looks at the other ranks
PATIENCE = 5.0  # seconds: a rank stopped for longer is said; and those that the first rank has to leave by itself
SILENCE = 30.0  # seconds without a step, and ten times the longest one, after which that is said
LOST = ("gloo", "nccl", "connection closed", "connection reset", "broken pipe", "timed out", "tcpstore")


class Ranks(Callback):
    """Watches the ranks of a run from the first of them.

    One that dies ends the run within about ten seconds, with one sentence and exit code 1: which rank, of what, and
    how to go on. One that is stopped is said after five, and waited for as long as the process group's timeout. On
    other machines a death is seen by the connection that breaks, and a silence by no step being taken.

    Args:
        folder: of the run; the sentence says until which step it is saved.
        timeout: seconds that ranks wait for one another at most.
    """

    def __init__(self, folder: RunFolder, timeout: float):
        self.folder, self.timeout = folder, timeout
        self.children: list[subprocess.Popen] = []
        self.death = ""
        self.ended = threading.Event()
        self._last = self._longest = 0.0
        self._silent = False
        if not is_other_rank():
            observe_children(self.watch)

    # -- who leaves, and with which words -------------------------------------------------------------

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Within, ranks speak with one another; a connection that breaks is a rank that died.

        Raises:
            OutsideError: one did.
        """
        try:
            yield
        except RuntimeError as error:
            lost = torch.distributed.is_initialized() and any(word in str(error).lower() for word in LOST)
            if not (lost or self.death):
                raise
            if is_other_rank():  # the first one says it, and ends the others
                time.sleep(2 * PATIENCE)
                end_at_once(FAULT)
            wait_until = time.monotonic() + 4 * LOOK
            while not self.death and time.monotonic() < wait_until:
                time.sleep(LOOK / 5)
            raise OutsideError(
                self.death or self._sentence(f"a rank died or did not answer ({_first(error)})")
            ) from error
        finally:
            self.ended.set()

    def _sentence(self, what: str) -> str:
        return f"{what}; {saved(self.folder)}"

    # -- looking at them ------------------------------------------------------------------------------

    def watch(self, children: list[subprocess.Popen]) -> None:
        """Begin to look at the ranks that this process started."""
        self.children = children
        threading.Thread(target=self._look, daemon=True, name="ranks").start()

    def _look(self) -> None:
        stopped: dict[int, float] = {}  # rank: since when
        while not self.ended.wait(LOOK):
            for rank, child in enumerate(self.children, start=1):
                if code := child.poll():
                    self._end(f"rank {rank} {_how(code)}")
                    return
                self._look_at(rank, child.pid, stopped)
            self._look_at_pace()

    def _look_at(self, rank: int, pid: int, stopped: dict[int, float]) -> None:
        if not _is_stopped(pid):
            if stopped.pop(rank, 0.0) < 0:
                log.warning(f"waiting     rank {rank} goes on")
            return
        since = stopped.setdefault(rank, time.monotonic())
        if since > 0 and time.monotonic() - since > PATIENCE:
            stopped[rank] = -1.0  # said
            log.warning(
                f"waiting     rank {rank} (process {pid}) is stopped: kill -CONT {pid} lets it go on; "
                f"the others wait {self.timeout:.0f} s at most"
            )

    def _look_at_pace(self) -> None:
        silence = time.monotonic() - self._last if self._last else 0.0
        if not self._silent and silence > max(SILENCE, 10 * self._longest):
            self._silent = True
            log.warning(f"waiting     no step for {silence:.0f} s: a rank does not answer, or the machine is busy")

    def _end(self, what: str) -> None:
        """Let the main thread leave, which its broken connection may wake; else leave for it."""
        self.death = self._sentence(what)
        for child in self.children:
            child.kill()
        if not self.ended.wait(PATIENCE):
            print(f"restore: {self.death}", file=sys.stderr, flush=True)
            end_at_once(FAULT)

    # -- steps ----------------------------------------------------------------------------------------

    def _step(self) -> None:
        now = time.monotonic()
        if self._last:
            self._longest = max(self._longest, now - self._last)
        self._last, self._silent = now, False

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_) -> None:
        self._step()

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, *_) -> None:
        self._step()

    def on_test_batch_end(self, trainer: Trainer, module: LightningModule, *_) -> None:
        self._step()

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._last = 0.0


def saved(folder: RunFolder) -> str:
    """Until which step a run is saved, and how it goes on."""
    if not folder.last.is_file():
        return folder.way_on
    with contextlib.suppress(Exception):  # its last words shall not fail
        step = torch.load(folder.last, map_location="cpu", weights_only=True, mmap=True)["global_step"]
        return f"saved until step {step}: {folder.way_on}"
    return folder.way_on


def _how(code: int) -> str:
    return f"died ({signal.Signals(-code).name})" if code < 0 else f"ended with exit code {code}"


def _first(error: Exception) -> str:
    return " ".join(str(error).splitlines()[0].split())[:120]


def _is_stopped(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    return False

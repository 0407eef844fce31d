"""How a command ends when it is told to: SIGTERM (containers, schedulers), SIGHUP (a closed terminal), Ctrl-C.

Whatever it is at, it has left ``grace`` seconds after it was told: a thread of its own sees to that where the main
one is deep in a computation. A command whose parent died is told by the kernel, so that no orphan works on.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

STOPPED = 143  # exit code: 128 and SIGTERM's number
INTERRUPTED = 130  # exit code: 128 and SIGINT's number
STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
GRACE = 8.0  # seconds: containers are killed ten after they are told
PARENTS_GRACE = 9.5  # seconds, of a command that waits for others of them
TIED = "RESTORE_TIED_TO"  # environment variable: the process without which a command is not to go on
PR_SET_PDEATHSIG = 1  # of Linux's prctl

Answer = Callable[[int], None]


class Stop(SystemExit):
    """The command was told to stop; it ends with exit code 143, and says how to go on."""


class _Listener:
    """What this process knows of being told to stop; there is one.

    Attributes:
        active: whether it listens at all: a command does, a program that imports the package does not.
        working: whether there is something to be left in good order yet: not while modules are imported.
        told: the first signal, 0 before.
        way: says how to go on, the end of the sentence.
        answer: what is done about a signal in place of leaving at once.
    """

    def __init__(self) -> None:
        self.active = self.working = self.interrupted = False
        self.told = 0
        self.grace = GRACE
        self.way: Callable[[], str] = lambda: "nothing was begun, and the same command begins again"
        self.answer: Answer | None = None
        self.spoken = threading.Lock()

    def on_stop(self, number: int, frame: FrameType | None = None) -> None:
        if self.told:
            return  # a group of processes is told together, and each tells its own
        self.told = number
        if not self.working:
            self.say()
            os._exit(STOPPED)
        if self.answer is None:
            leave()
        self.answer(number)

    def on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted or not self.working:
            os._exit(INTERRUPTED)
        self.interrupted = True
        raise KeyboardInterrupt

    def say(self) -> None:
        if self.spoken.acquire(blocking=False) and not is_other_rank():
            name = signal.Signals(self.told or signal.SIGTERM).name
            with contextlib.suppress(OSError, ValueError):  # nobody may be left to read it
                os.write(2, f"restore: told to stop ({name}); {self.way()}\n".encode())

    def watch(self, reader: int) -> None:
        """Ends the process when its grace is over: what is not saved by then is lost, and what is, is whole."""
        while os.read(reader, 1)[0] not in STOP_SIGNALS:
            pass
        time.sleep(self.grace)
        self.say()
        os._exit(STOPPED)


_listener = _Listener()


def listen() -> None:
    """Answer signals from now on; to be called first by what is a command, in the main thread.

    A signal that is ignored stays so: ``nohup``'s SIGHUP, Ctrl-C of what a script runs in the background.
    """
    listener = _listener
    if listener.active:
        return
    listener.active = True
    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, listener.on_stop)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, listener.on_interrupt)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=listener.watch, args=(reader,), daemon=True, name="grace").start()
    _tie()


def _tie() -> None:
    """Have the kernel tell this process when its parent dies, where it is a grid's job, a campaign's run or a rank.

    A job saves then; a rank has nothing that is its own, and ends at once.
    """
    parent = os.environ.pop(TIED, "")
    if sys.platform != "linux" or not (parent or is_other_rank()):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL if is_other_rank() else signal.SIGTERM)
    if parent and os.getppid() != int(parent):  # it died before the kernel knew whom to tell
        os.kill(os.getpid(), signal.SIGTERM)


def is_other_rank() -> bool:
    """Whether this process is one of several of a run, and not the first: that one speaks, writes and decides."""
    names = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
    return any(os.environ.get(name, "0") not in ("", "0") for name in names)


def tied() -> dict[str, str]:
    """The environment variable by which a command that this process starts ends with it."""
    return {TIED: str(os.getpid())}


@contextlib.contextmanager
def working() -> Iterator[None]:
    """From here on there is something to be left in good order: who is told to stop leaves by an exception."""
    listener = _listener
    outer, listener.working = listener.working, True
    if not outer:
        go_on(lambda: "the same command begins again")
    try:
        yield
        if not outer:
            go_on(lambda: "its work was done")
    except Stop:
        listener.say()
        if not outer and listener.active:
            _end()
        raise
    finally:
        listener.working = outer


def _end() -> NoReturn:
    """Leaves without Python's own end, which clears up for seconds on a busy machine and keeps the watch from its work."""
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
        sys.stdout.flush()
    os._exit(STOPPED)


def go_on(way: Callable[[], str]) -> None:
    """Set what says how to go on, as the end of the sentence that a command leaves with."""
    _listener.way = way


def end_at_once(code: int) -> NoReturn:
    """Leaves whatever the other threads are at; for a thread that is not the main one."""
    os._exit(code)


def way() -> str:
    """How to go on, by what was last set."""
    return _listener.way()


def waits_for_others() -> None:
    """Let this process leave last: it tells others, whose grace is the shorter one."""
    _listener.grace = PARENTS_GRACE


@contextlib.contextmanager
def answered(answer: Answer) -> Iterator[None]:
    """Within, a signal is answered by a call, which returns; `leave` is then up to whoever is within."""
    outer, _listener.answer = _listener.answer, answer
    try:
        yield
    finally:
        _listener.answer = outer


def listening() -> bool:
    """Whether this process answers signals by itself; submitit's tasks, for one, have handlers of their own."""
    return _listener.active


def leave() -> NoReturn:
    """Leaves with exit code 143, and the sentence.

    Raises:
        Stop: always.
    """
    raise Stop(STOPPED)

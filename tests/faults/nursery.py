"""Starts runs as processes that have everything imported already: thousands of a second in place of seconds.

Reads a JSON list of words a line, forks, and answers with the process's number; that one is a process group of its
own, listens as a command does, and writes what it prints to the file that is the first word.
"""

import json
import os
import sys

import matplotlib.pyplot  # noqa: F401
import torch

import restore.results.figures
import restore.run
import restore.runs.training
from restore import signals
from restore.config.command import command

torch.set_num_threads(1)


def be_a_run(output: str, words: list[str]) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    signals.listen()
    sys.argv = ["restore.run", *words]
    code = 70
    try:
        command("config", restore.run.run)
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    print("ready", flush=True)
    while line := sys.stdin.readline():
        request = json.loads(line)
        if isinstance(request, int):  # to be waited for
            _, status = os.waitpid(request, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            be_a_run(request[0], request[1:])
        print(child, flush=True)

"""Fetching published files over HTTP: several at once, gone on with where they were cut, checked before they are used."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from restore.errors import RequestError
from restore.remote import ADDRESS, RemoteFile

LARGEST = 4 << 30  # bytes of a file whose size is not known
SLOWEST = 4096  # bytes a second over a whole file, beside `grace` seconds: a server that drips is given up
BUSY = (408, 425, 429, 500, 502, 503, 504)  # asked again, after a while
Wanted = tuple[RemoteFile, Path]  # a file, and where it goes


class WrongContentError(Exception):
    """What came is not what is known of the file."""


class CutOffError(Exception):
    """What came is not all of it."""


AGAIN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, CutOffError)


@dataclass
class Outcome:
    """What became of the files: `fetched`, `here` already, or `failed` with the reason."""

    fetched: list[Path] = field(default_factory=list)
    here: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)


class Download:
    """Fetches files to their places.

    A file appears under its name only once its whole content has been checked; until then it is ``.<name>.part``
    beside it, which a later call goes on with. A file that is there with the right content is not fetched again, and
    one with another content is left as it is and said. Servers are asked at a bounded rate; where one is busy (429,
    5xx), stalls, or cuts a file off, it is asked again after a pause that doubles, or that the server names.

    Args:
        mirror: template of addresses, with ``{repository}``, ``{commit}`` and ``{path}``.
        workers: files at once.
        rate: requests a second, at most.
        tries: of a file, before it is given up.
        timeout: seconds without an answer or a byte that count as a stall.
        pause: seconds before a file is asked for a second time.

    Raises:
        RequestError: `mirror` is no such template.
    """

    def __init__(
        self,
        mirror: str = ADDRESS,
        workers: int = 4,
        rate: float = 8,
        tries: int = 5,
        timeout: float = 30,
        pause: float = 1,
    ):
        self.mirror, self.workers, self.rate = mirror, workers, rate
        self.tries, self.timeout, self.pause = tries, timeout, pause
        self._next = 0.0  # monotonic time of the next request
        self._turn = threading.Lock()
        self._over, self._answered = threading.Event(), threading.Event()
        try:
            address = RemoteFile("owner/name", "commit", "path").at(mirror)
        except (KeyError, IndexError, ValueError):
            address = ""
        if "path" not in address or urlsplit(address).scheme not in ("http", "https"):
            raise RequestError(
                f"mirror is an address with {{repository}}, {{commit}} and {{path}}, and it is '{mirror}'"
            )

    def fetch(self, wanted: Sequence[Wanted]) -> Outcome:
        """Fetch what is not here; nothing that can go wrong with one file keeps the others.

        Raises:
            RequestError: the server cannot be reached at all, or a file cannot be written.
        """
        outcome, missing = Outcome(), []
        for file, place in wanted:
            if not place.exists():
                missing.append((file, place))
            elif place.is_file() and file.is_in(place):
                outcome.here.append(place)
            else:
                outcome.failed[place] = "another file is there: move it away"
        self._over.clear()
        with self._progress(missing) as progress, ThreadPoolExecutor(self.workers) as pool:
            waiting = [(place, pool.submit(self._one, file, place, progress)) for file, place in missing]
            try:
                for place, future in waiting:
                    try:
                        future.result()
                        outcome.fetched.append(place)
                    except (WrongContentError, requests.HTTPError) as error:
                        outcome.failed[place] = str(error)
                    except AGAIN as error:
                        outcome.failed[place] = f"given up after {self.tries} tries ({_reason(error)})"
                        if not self._answered.is_set():
                            host = urlsplit(self.mirror).netloc
                            raise RequestError(
                                f"{host} cannot be reached ({_reason(error)}): the files can be put into {place.parent} by hand"
                            ) from error
                    except OSError as error:
                        raise RequestError(f"cannot write {place}: {error.strerror or error}") from error
            except BaseException:
                self._over.set()  # Ctrl-C too: those that wait end at once
                pool.shutdown(cancel_futures=True)
                raise
        return outcome

    # -- one file ----------------------------------------------------------------------------------

    def _one(self, file: RemoteFile, place: Path, progress: Progress) -> None:
        part = place.with_name(f".{place.name}.part")
        pause = self.pause
        for attempt in range(1, self.tries + 1):
            try:
                self._transfer(file, part, progress)
                if not file.is_in(part):
                    part.unlink()
                    raise WrongContentError(f"{file.at(self.mirror)} has another content than what was published")
                part.replace(place)
                return
            except (*AGAIN, WrongContentError, requests.HTTPError) as error:
                named = _retry_after(error)
                status = (
                    error.response.status_code
                    if isinstance(error, requests.HTTPError) and error.response is not None
                    else 0
                )
                if attempt == self.tries or status not in (0, *BUSY) or self._over.is_set():
                    raise
                self._over.wait(max(named, pause * random.uniform(1, 1.5)))
                pause *= 2
        raise AssertionError("unreachable")

    def _transfer(self, file: RemoteFile, part: Path, progress: Progress) -> None:
        """Bring a part up to its whole length.

        Raises:
            requests.HTTPError: the server refuses, the status in it.
            requests.ConnectionError, requests.Timeout: it cannot be reached, or stalls.
            CutOffError: it ends before the file does, or is too slow.
            WrongContentError: it sends more than the file has.
        """
        done = part.stat().st_size if part.is_file() else 0
        if file.bytes and done >= file.bytes:
            if done == file.bytes:
                return
            done = 0
        self._await_turn()
        headers = {"User-Agent": "restore-suite", "Accept-Encoding": "identity"}
        headers |= {"Range": f"bytes={done}-"} if done else {}
        until = time.monotonic() + 2 * self.timeout + (file.bytes or LARGEST) / SLOWEST
        with requests.get(file.at(self.mirror), headers=headers, stream=True, timeout=self.timeout) as answer:
            self._answered.set()
            if answer.status_code == 416:  # there is no more: what is here is not its beginning
                part.unlink(missing_ok=True)
                raise CutOffError("the server has fewer bytes than were here")
            if answer.status_code not in (200, 206):
                raise requests.HTTPError(f"{answer.url}: status {answer.status_code}", response=answer)
            goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {done}-")
            if answer.status_code == 206 and not goes_on:
                part.unlink(missing_ok=True)
                raise CutOffError("the server sent another part than was asked for")
            if not goes_on:
                done = 0
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("ab" if goes_on else "wb") as target:
                for block in answer.iter_content(1 << 16):
                    done += len(block)
                    if done > (file.bytes or LARGEST):
                        target.close()
                        part.unlink()
                        raise WrongContentError(
                            f"{answer.url} is larger than the {file.bytes or LARGEST:,} bytes it should have"
                        )
                    target.write(block)
                    progress.advance(progress.task_ids[0], len(block))
                    if time.monotonic() > until:
                        raise CutOffError(f"slower than {SLOWEST} bytes a second")
                    if self._over.is_set():
                        raise CutOffError("stopped")
        if file.bytes and done < file.bytes:
            raise CutOffError(f"cut off after {done:,} of {file.bytes:,} bytes")

    def _await_turn(self) -> None:
        """Keep to the rate, all workers together."""
        with self._turn:
            now = time.monotonic()
            wait, self._next = max(0.0, self._next - now), max(now, self._next) + 1 / self.rate
        self._over.wait(wait)

    @contextlib.contextmanager
    def _progress(self, missing: Sequence[Wanted]) -> Iterator[Progress]:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        known = all(file.bytes for file, _ in missing)
        with Progress(*columns, TimeRemainingColumn(), disable=not missing) as progress:
            total = sum(file.bytes for file, _ in missing) if known else None
            progress.add_task(f"{len(missing)} files", total=total)
            yield progress


def _retry_after(error: Exception) -> float:
    """Seconds that a busy server asks to be left alone, two minutes at most; 0 where it does not say."""
    answer = getattr(error, "response", None)
    text = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(text), 120.0) if text.isdecimal() else 0.0


def _reason(error: Exception) -> str:
    cause = error
    while cause.args and isinstance(cause.args[0], Exception):  # requests wraps urllib3's, which wrap sockets'
        cause = cause.args[0]
    reason = getattr(cause, "reason", None)
    return (
        _reason(reason)
        if isinstance(reason, Exception)
        else " ".join(str(cause.args[-1] if cause.args else cause).split())
    )

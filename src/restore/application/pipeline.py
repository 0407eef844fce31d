"""Files on their way: read ahead and written behind by threads, as many at once as a bound of memory allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from restore.application.files import Job
from restore.errors import OutsideError, RequestError
from restore.photos import Photo

AHEAD = (
    500_000_000  # bytes of pixels, before and after, that files on their way may have together; or one file has more
)
FILES = 16  # at most on their way, however small
PLANES = 4  # of a photo: colours and alpha
EXPECTED = (RequestError, OutsideError, OSError)  # what ends one file; anything else ends all


@dataclass(frozen=True)
class Outcome:
    """What became of a file: photos before and after, or the error that ended it."""

    job: Job
    before: Photo | None
    after: Photo | None
    error: Exception | None


@dataclass
class _Restored:
    """A file that the network is done with, and whose writing may go on."""

    job: Job
    cost: int
    before: Photo | None
    after: Photo | None
    end: Future[None]


class Pipeline:
    """Threads that read and write files while the caller's thread restores one.

    Decoding and encoding leave Python's lock, and so does a network that computes. Files are restored one after
    the other, in their order. At its end, also by an error, what was restored is written, and what was only read
    is dropped.

    Args:
        threads: that read, and as many that write.
        files: on their way at once, at most.
    """

    def __init__(self, threads: int, files: int = FILES):
        self.files = files
        self._readers, self._writers = (ThreadPoolExecutor(threads, name) for name in ("readers", "writers"))

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._writers.shutdown()
        self._readers.shutdown()

    def run(
        self,
        jobs: Sequence[Job],
        cost: Callable[[Job], int],
        read: Callable[[Job], Photo],
        restore: Callable[[Job, Photo], Photo],
        write: Callable[[Job, Photo], None],
    ) -> Iterator[Outcome]:
        """Read, restore and write files; gives what became of each, in their order.

        Args:
            cost: bytes that a file will take: files are on their way together while their sum is at most 500 MB.
            read, write: called by threads.
            restore: called by the caller's thread.
        """
        left = deque(jobs)
        reading: deque[tuple[Job, int, Future[Photo]]] = deque()
        behind: deque[_Restored] = deque()
        held, next_cost = 0, cost(left[0]) if left else 0
        while left or reading or behind:
            while (
                left
                and len(reading) + len(behind) < self.files
                and (not (reading or behind) or held + next_cost <= AHEAD)
            ):
                job = left.popleft()
                reading.append((job, next_cost, self._readers.submit(read, job)))
                held, next_cost = held + next_cost, cost(left[0]) if left else 0
            if reading:
                behind.append(self._restored(*reading.popleft(), restore, write))
            # without another to restore, the first that is written is waited for: it gives its memory back
            while behind and (behind[0].end.done() or not reading):
                first = behind.popleft()
                held -= first.cost
                yield _outcome(first)
                if left:
                    break

    def _restored(
        self,
        job: Job,
        cost: int,
        photo: Future[Photo],
        restore: Callable[[Job, Photo], Photo],
        write: Callable[[Job, Photo], None],
    ) -> _Restored:
        before = after = None
        try:
            before = photo.result()
            after = restore(job, before)
        except EXPECTED as error:
            end: Future[None] = Future()
            end.set_exception(error)
            return _Restored(job, cost, None, None, end)
        return _Restored(job, cost, before, after, self._writers.submit(write, job, after))


def _outcome(restored: _Restored) -> Outcome:
    try:
        restored.end.result()
    except EXPECTED as error:
        return Outcome(restored.job, None, None, error)
    return Outcome(restored.job, restored.before, restored.after, None)

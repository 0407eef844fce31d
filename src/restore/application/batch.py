"""Many files: threads read and write some of them while the network restores another; what is broken is reported."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from restore import photos
from restore.application.files import Job, Jobs, Record
from restore.application.network import TrainedNetwork, shipped_denoiser, shipped_digest
from restore.application.pipeline import FILES, PLANES, Outcome, Pipeline
from restore.application.restoration import Progress, Restorer, Settings
from restore.conditions import told
from restore.errors import OutsideError, RequestError, outside_sentence
from restore.files import MAX_PIXELS, printable
from restore.photos import Photo
from restore.photos.reading import depth

log = logging.getLogger("restore")
Keep = Callable[[Job, Photo, Photo], None]  # called with a file's photo before and after


@dataclass
class Batch:
    """Restores files by one network, or each by the shipped denoiser for its channels.

    Attributes:
        trained: None for the shipped ones.
        settings: of all files.
        accelerator: where shipped networks are loaded to.
        jpeg_quality: of JPEG files that are written.
        max_pixels: that a file may announce.
        peak: the level that is 1, where a file's type does not say it.
        keep: called with each photo before and after, in the order of the files.
        threads: that read files, and as many that write them.
        files: on their way at once; 1 for one after the other.
    """

    trained: TrainedNetwork | None
    settings: Settings
    accelerator: str = "auto"
    jpeg_quality: int = 95
    max_pixels: int = MAX_PIXELS
    peak: float | None = None
    keep: Keep | None = None
    threads: int = 4
    files: int = FILES

    def __post_init__(self) -> None:
        self._restorers: dict[int, Restorer] = {}
        if self.trained is not None:
            self._restorers = dict.fromkeys((1, 3), Restorer(self.trained, self.settings))

    def run(self, jobs: Jobs) -> int:
        """Restore what is not done yet; returns how many files were.

        Raises:
            OutsideError: some could not be; the others were.
        """
        record = Record(jobs.folder, self._digest()) if jobs.folder else None
        left = [job for job in jobs.jobs if record is None or not record.has(job)]
        if len(left) < len(jobs.jobs):
            log.info(f"{len(jobs.jobs) - len(left)} of {len(jobs.jobs)} files are done already")
        failures = []
        with _bar(left) as advance:
            for outcome in self.restored(left, record, advance):
                job, error = outcome.job, outcome.error
                reason = _reason(job, error) if error else self._kept(job, outcome.before, outcome.after)
                if reason is not None:
                    log.error(reason)
                    failures.append(job)
        if failures:
            names = ", ".join(printable(job.source.name) for job in failures[:5])
            more = f" and {len(failures) - 5} more" if len(failures) > 5 else ""
            raise OutsideError(f"{len(failures)} of {len(jobs.jobs)} files were not restored: {names}{more}")
        return len(left)

    def restored(self, jobs: Sequence[Job], record: Record | None, advance: Progress) -> Iterator[Outcome]:
        """Read, restore and write files; gives what became of each, in their order."""
        with Pipeline(self.threads, self.files) as pipeline:
            yield from pipeline.run(
                jobs,
                self._cost,
                read=lambda job: self._read(job, record),
                restore=lambda job, photo: self._restorer(photo.channels).restore(photo, _name(job), advance),
                write=lambda job, photo: self._write(job, photo, record),
            )

    def _read(self, job: Job, record: Record | None) -> Photo:
        if record and job.target.exists() and not record.knows(job):
            raise RequestError(
                f"{_name(job)}: {printable(str(job.target))} exists, and is none that this command wrote"
            )
        return photos.read(job.source, self.max_pixels, self.peak)

    def _write(self, job: Job, restored: Photo, record: Record | None) -> None:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        photos.write(restored, job.target, self.jpeg_quality)
        if record:
            record.add(job)

    def _kept(self, job: Job, before: Photo | None, after: Photo | None) -> str | None:
        """Hand the photos over; returns why that cannot be."""
        if self.keep and before and after:
            try:
                self.keep(job, before, after)
            except (RequestError, OutsideError, OSError) as error:
                return _reason(job, error)
        return None

    def _cost(self, job: Job) -> int:
        """Bytes of a file's pixels before and after, as its header announces them."""
        pixels, kind = depth(job.source)
        scale = self._restorers[1].scale if self.trained else 1
        return pixels * kind.itemsize * PLANES * (1 + scale**2)

    def _restorer(self, channels: int) -> Restorer:
        if channels not in self._restorers:
            trained = shipped_denoiser(channels, self.accelerator)
            conditions, asked = dict(self.settings.conditions), "sigma" in told(trained.network)
            if not asked and conditions.pop("sigma", None) is not None:
                log.info(f"sigma is told to networks that ask for it, and {trained.name} finds it out by itself")
            estimate = asked and "sigma" not in conditions
            settings = replace(self.settings, conditions=conditions, estimate=estimate)
            self._restorers[channels] = Restorer(trained, settings)
        return self._restorers[channels]

    def _digest(self) -> str:
        """Of all that the pixels depend on: network and settings, but where tiles end."""
        network = self.trained.digest if self.trained else shipped_digest()
        without = ("tile", "memory", "accelerator")
        chosen = {key: value for key, value in vars(self.settings).items() if key not in without}
        text = repr((network, sorted(map(str, chosen.items())), self.jpeg_quality, self.peak))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _name(job: Job) -> str:
    return printable(str(job.source))


def _reason(job: Job, error: Exception) -> str:
    """Why a file was not restored, with its name."""
    text = outside_sentence(error) if isinstance(error, OSError) else str(error)
    return text if isinstance(error, OSError) or _name(job) in text else f"{_name(job)}: {text}"


@contextmanager
def _bar(jobs: Sequence[Job]) -> Iterator[Progress]:
    """A progress bar on a terminal, elsewhere nothing; counted in files, moved by every tile."""
    from rich.console import Console
    from rich.progress import Progress as Bar  # only here

    with Bar(console=Console(stderr=True), disable=not Console(stderr=True).is_terminal) as bar:
        task = bar.add_task("restoring", total=len(jobs))
        yield lambda share: bar.advance(task, share)

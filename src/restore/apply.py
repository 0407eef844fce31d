"""Restore your own images: ``python -m restore.apply``.

    python -m restore.apply input=photo.jpg output=restored.jpg
    python -m restore.apply input=photos output=restored run=runs/denoise_red30/<run>
    python -m restore.apply input='scans/*.tif' output=restored model=ffdnet sigma=auto

Nothing is added to an image: it is restored as it is. Names, formats, depths (8, 16 bits, float), alpha, profiles and
resolution are kept. Without a network the one that comes with the package for an image's channels denoises it.

Which network:
    run=           a run's folder, or the name of a network that comes with the package
    model=         a name of `python -m restore.pretrained`, whose file lies in RESTORE_WEIGHTS
    weights=       a weights file, with model= of conf/model and what differs from it (model.width=48, task=sr)
What it is told:
    sigma=         of the noise, in levels of 0..255; auto estimates it from each image
    quality=       JPEG's; gain= and read_noise= of a sensor
    scale=         by how much a super-resolution network enlarges
How:
    colour=auto    of networks of one channel: luma (Y alone, chroma as it is), channels (each by itself);
                   auto: luma for super-resolution and JPEG, else each channel, for noise is in all of them
    self_ensemble=false, precision=32 (or bf16-mixed), accelerator=auto
    backend=torch  onnx: onnxruntime computes the network, in float32 (pip install -e '.[onnx]')
    tile=auto      side in pixels; 0 restores whole images. Tiles give what the whole image gives.
    memory=auto    GB that a tile may take, as predicted; auto: what 4 GiB leave beside files and interpreter, or half of
                   the machine's; half of a GPU's
    peak=          the level that is white, where it is not the largest of the file's type (4095 of 12 bits in 16)
    jpeg_quality=95, max_pixels=250000000, trust=false
    report=false   true: before, after and what was removed, a picture per file and an HTML page
    degrade=false  true: the images are clean; they are degraded by the network's task, restored and scored

Threads read and write files while the network restores another: their pixels take 0.5 GB beside the tiles, or one
file's where that is more. A folder that was half done is gone on with; broken files are reported, and the rest goes on
(exit 1).
"""

from __future__ import annotations

import logging
import sys

from restore.application.batch import Batch
from restore.application.files import find_jobs
from restore.application.network import choose, on_backend, shipped_denoiser
from restore.application.report import Report
from restore.application.restoration import Settings, check_backend
from restore.application.trial import run_trials
from restore.config.arguments import read
from restore.config.commands import Apply
from restore.errors import report_errors
from restore.training.hardware import disable_tf32, keep_freed_memory

CONDITIONS = ("sigma", "quality", "gain", "read_noise", "scale")
GROUPS = ("model.", "task=", "task.")  # of words that say more of a weights file's network


def main(arguments: list[str]) -> None:
    overrides = [word for word in arguments if word.startswith(GROUPS)]
    words = read(__doc__ or "", Apply, [word for word in arguments if word not in overrides])
    logging.basicConfig(format="%(message)s")
    logging.getLogger("restore").setLevel(logging.INFO)
    keep_freed_memory()
    disable_tf32()
    jobs = find_jobs(words.input or "", words.output or "")
    settings = settings_of(words)
    check_backend(settings)
    place = words.accelerator if words.backend == "torch" else "cpu"
    trained = choose(words.run or "", words.weights or "", words.model or "", overrides, place, words.trust)
    if words.degrade:
        trained = trained or shipped_denoiser(1, place)
        trained = on_backend(trained, settings.backend, settings.accelerator)
        run_trials(jobs, trained, settings.conditions, settings.precision, words.max_pixels)
        return
    report = Report.beside(jobs) if words.report else None
    keep = report.keep if report else None
    batch = Batch(trained, settings, place, words.jpeg_quality, words.max_pixels, words.peak, keep)
    try:
        count = batch.run(jobs)
    finally:
        if report:
            print(report.write())
    print(f"{count} {'file' if count == 1 else 'files'} restored to {words.output}")


def settings_of(words: Apply) -> Settings:
    """How photos are restored, as a person's words say."""
    given = {key: getattr(words, key) for key in CONDITIONS if getattr(words, key) not in (None, "auto")}
    return Settings(
        {key: float(value) for key, value in given.items()},
        words.sigma == "auto",
        words.colour,
        None if words.tile == "auto" else words.tile,
        None if words.memory == "auto" else 1e9 * words.memory,
        words.self_ensemble,
        str(words.precision),
        words.backend,
        words.accelerator,
    )


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])

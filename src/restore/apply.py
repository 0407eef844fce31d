"""Restore your own images: ``python -m restore.apply``.

    python -m restore.apply input=photo.jpg output=restored.jpg
    python -m restore.apply input=photos output=restored run=runs/denoise_red30/<run>
    python -m restore.apply input='scans/*.tif' output=restored model=ffdnet_gray sigma=auto

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
    tile=auto      side in pixels; 0 restores whole images. Tiles give what the whole image gives.
    memory=auto    GB that a tile may take, as predicted; auto: 2, or half of the machine's
    peak=          the level that is white, where it is not the largest of the file's type (4095 of 12 bits in 16)
    jpeg_quality=95, max_pixels=250000000, trust=false
    report=false   true: before, after and what was removed, a picture per file and an HTML page
    degrade=false  true: the images are clean; they are degraded by the network's task, restored and scored

A folder that was half done is gone on with; broken files are reported, and the rest goes on (exit 1).
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from restore.application.batch import Batch
from restore.application.files import find_jobs
from restore.application.network import choose, shipped_denoiser
from restore.application.report import Report
from restore.application.restoration import Settings
from restore.application.trial import run_trials
from restore.config.arguments import parse
from restore.config.trust import trust_in
from restore.errors import RequestError, report_errors
from restore.training.hardware import disable_tf32, keep_freed_memory

CONDITIONS = ("sigma", "quality", "gain", "read_noise", "scale")
DEFAULTS = {
    **dict.fromkeys(("input", "output", "run", "weights", "model", "peak", *CONDITIONS), ""),
    **{"colour": "auto", "self_ensemble": "false", "precision": "32", "accelerator": "auto", "tile": "auto"},
    **{"memory": "auto", "jpeg_quality": "95", "max_pixels": "250000000", "trust": "false"},
    **{"report": "false", "degrade": "false"},
}
CHOICES = {
    "colour": ("auto", "luma", "channels"),
    "precision": ("32", "bf16-mixed"),
    "accelerator": ("auto", "cpu", "gpu", "cuda", "mps"),
    **dict.fromkeys(("self_ensemble", "report", "degrade"), ("true", "false")),
}


def main(arguments: list[str]) -> None:
    own = [word for word in arguments if not word.startswith(("model.", "task=", "task."))]
    words = parse(__doc__ or "", DEFAULTS, own)
    for key, choices in CHOICES.items():
        if words[key] not in choices:
            raise RequestError(f"{key} must be one of {', '.join(choices)}, and it is '{words[key]}'")
    logging.basicConfig(format="%(message)s")
    logging.getLogger("restore").setLevel(logging.INFO)
    keep_freed_memory()
    disable_tf32()
    jobs = find_jobs(words["input"], words["output"])
    overrides = [word for word in arguments if word not in own]
    trust = trust_in(words["trust"])
    trained = choose(words["run"], words["weights"], words["model"], overrides, words["accelerator"], trust)
    quality, max_pixels = (int(_number(key, words[key], 1)) for key in ("jpeg_quality", "max_pixels"))
    if quality > 100:
        raise RequestError(f"jpeg_quality must be from 1 to 100, and it is {quality}")
    if words["degrade"] == "true":
        settings = _settings(words)
        trained = trained or shipped_denoiser(1, words["accelerator"])
        run_trials(jobs, trained, settings.conditions, settings.precision, max_pixels)
        return
    report = Report.beside(jobs) if words["report"] == "true" else None
    peak = _number("peak", words["peak"], 0) if words["peak"] else None
    batch = Batch(
        trained, _settings(words), words["accelerator"], quality, max_pixels, peak, report.keep if report else None
    )
    try:
        count = batch.run(jobs)
    finally:
        if report:
            print(report.write())
    print(f"{count} {'file' if count == 1 else 'files'} restored to {words['output']}")


def _settings(words: dict[str, Any]) -> Settings:
    given = {key: words[key] for key in CONDITIONS if words[key] and words[key] != "auto"}
    if wrong := next((key for key in CONDITIONS if words[key] == "auto" and key != "sigma"), None):
        raise RequestError(f"{wrong}=auto: only sigma is estimated")
    return Settings(
        {key: _number(key, value, 0) for key, value in given.items()},
        words["sigma"] == "auto",
        words["colour"],
        None if words["tile"] == "auto" else int(_number("tile", words["tile"], 0)),
        None if words["memory"] == "auto" else 1e9 * _number("memory", words["memory"], 0.001),
        words["self_ensemble"] == "true",
        words["precision"],
    )


def _number(key: str, text: str, least: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number < 1e12:
        raise RequestError(f"{key} must be a number of at least {least:g}, and it is '{text}'")
    return number


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])

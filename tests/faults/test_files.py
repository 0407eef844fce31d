"""Files of every kind, whole, broken and hostile: each is read or refused in one sentence, in bounded time and memory."""

from __future__ import annotations

import io
import os
import random
import resource
import signal
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from restore.checkpoint import load_weights
from restore.data.images import read_image
from restore.degradations import kernels
from restore.errors import RequestError
from restore.models.red import REDNet
from restore.results import store

SEED = int(os.environ.get("FAULTS_SEED", "16"))
LIMIT = 10.0  # seconds that a file may take
GROWTH = 2_500_000  # kB that reading all of them may add to the process: an image of 250 megapixels in colour is 750 MB

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".bmp": "BMP", ".ppm": "PPM", ".tif": "TIFF", ".webp": "WEBP"}


class Hang(Exception):
    """A file took longer than it may."""


@contextmanager
def bounded() -> Iterator[None]:
    def stop(*_):
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read_all(files: list[Path], read: Callable[[Path], object], refusals: tuple[type[Exception], ...], tally) -> None:
    """Every file is read or refused by a sentence of one line that names it; the figures of the others must be 0."""
    tracebacks, hangs, slow = [], [], []
    for file in files:
        started = time.monotonic()
        try:
            with bounded():
                read(file)
        except Hang:
            hangs.append(file)
        except refusals as error:
            if "\n" in str(error) or file.stem.partition("\udcff")[0] not in str(error):
                tracebacks.append((file, f"no sentence: {error}"))
        except Exception as error:
            tracebacks.append((file, repr(error)))
        if time.monotonic() - started > LIMIT:
            slow.append(file)
    tally("files tried", len(files))
    tally("tracebacks", len(tracebacks))
    tally("hangs", len(hangs) + len(slow))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert not tracebacks, f"seed {SEED}: {tracebacks[:5]}"
    assert not hangs + slow, f"seed {SEED}: {hangs[:5]} {slow[:5]}"
    assert grown < GROWTH, f"{grown} kB"


@pytest.fixture
def chance() -> random.Random:
    print(f"FAULTS_SEED={SEED}")
    return random.Random(SEED)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut short, with bits turned, with a piece twice, gone or of nonsense, or as it is."""
    kind, place = chance.randrange(6), chance.randrange(max(1, len(content)))
    if kind == 0:
        return content[:place]
    if kind == 1:
        turned = bytearray(content)
        for _ in range(chance.randint(1, 20)):
            turned[chance.randrange(len(turned))] ^= 1 << chance.randrange(8)
        return bytes(turned)
    if kind == 2:
        turned = bytearray(content)  # in the header, where sizes are
        for _ in range(chance.randint(1, 4)):
            turned[chance.randrange(min(40, len(turned)))] = chance.choice((0, 1, 127, 255))
        return bytes(turned)
    piece = content[place : place + chance.randint(1, 60)]
    if kind == 3:
        return content[:place] + piece + content[place:]
    if kind == 4:
        return content[:place] + content[place + len(piece) :]
    return content[:place] + chance.randbytes(len(piece)) + content[place + len(piece) :]


def image_bytes(chance: random.Random, suffix: str) -> bytes:
    """An image of a random size and mode, also such as the format can hold and restore does not read."""
    height, width = chance.choice((1, 2, 10, 33)), chance.choice((1, 2, 10, 40))
    mode = chance.choice(("L", "RGB", "RGBA", "LA", "P", "1", "I;16", "CMYK"))
    image = Image.frombytes("L", (width, height), chance.randbytes(width * height))
    image = image if mode == "L" else Image.new("I;16", (width, height)) if mode == "I;16" else image.convert(mode)
    content = io.BytesIO()
    try:
        image.save(content, FORMATS[suffix])
    except (OSError, ValueError):
        content = io.BytesIO()
        image.convert("RGB").save(content, FORMATS[suffix])
    return content.getvalue()


def png(width: int, height: int, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def hostile_images(folder: Path) -> list[Path]:
    """Bombs, sizes that nothing holds, half an image of 16 bits, names that are no UTF-8, and what is no regular file."""
    flat = zlib.compress(bytes(10**8), 9)  # 100 MB of black in a hundredth of one
    bmp = struct.pack("<2sIHHI", b"BM", 100, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 10**6, 10**6, 1, 24, *[0] * 6)
    contents = {
        "bomb.png": png(30_000, 30_000, 8, 0, flat),
        "huge.png": png(2**31 - 1, 2**31 - 1),
        "wide.png": png(2**31 - 1, 1),
        "deep.png": png(2, 2, 16, 2, zlib.compress(bytes(13))),
        "deep_alpha.png": png(2, 2, 16, 6, zlib.compress(bytes(17))),
        "huge.bmp": bmp,
        "huge.ppm": b"P6 1000000 1000000 255\n" + bytes(100),
        "huge.pgm": b"P5 99999999999 99999999999 255\n",
        "deep.ppm": b"P6 2 2 65535\n" + bytes(23),
        "negative.ppm": b"P6 -2 2 255\n" + bytes(24),
        "program.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "empty.png": b"",
        "text.jpg": b"not an image\n",
        "not_utf8_\udcff\udcfe.png": b"neither its name nor its content",
    }
    files = []
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        files.append(folder / name)
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "zeros.png").symlink_to("/dev/zero")
    (folder / "nowhere.png").symlink_to(folder / "absent")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s.png"))
    return [*files, *(folder / f"{name}.png" for name in ("pipe", "folder", "zeros", "nowhere", "s"))]


def test_images(tmp_path, chance, tally):
    hostile = hostile_images(tmp_path)
    for file in hostile:
        with pytest.raises(RequestError), bounded():
            read_image(file, 1)
    files = hostile
    for number in range(300):
        suffix = chance.choice(list(FORMATS))
        files.append(tmp_path / f"{number}{suffix if chance.random() < 0.9 else chance.choice(list(FORMATS))}")
        files[-1].write_bytes(damaged(image_bytes(chance, suffix), chance))
    read_all(files, lambda file: read_image(file, chance.choice((1, 3))), (RequestError,), tally)


def test_kernels(tmp_path, chance, tally):
    header = b"\x93NUMPY\x01\x00"
    shape = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }\n"
    contents = {
        "empty.npy": b"",
        "huge.npy": header + struct.pack("<H", len(shape)) + shape,
        "long_header.npy": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 100,
        "kernel.mat": b"MATLAB 5.0 MAT-file" + bytes(200),
    }
    files = []
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        files.append(tmp_path / name)
    np.save(tmp_path / "objects.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    np.save(tmp_path / "infinite.npy", np.full((3, 3), np.inf))
    np.save(tmp_path / "complex.npy", np.ones((3, 3), complex))
    os.mkfifo(tmp_path / "pipe.npy")
    with (tmp_path / "large.npy").open("wb") as file:  # a header that is true, of 80 GB of holes
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f8", "fortran_order": False, "shape": (100_001, 100_001)}
        )
        try:
            file.truncate(8 * 100_001**2 + 128)
        except OSError:  # a file system without such files
            file.truncate(10**6)
    files += [tmp_path / f"{name}.npy" for name in ("objects", "infinite", "complex", "pipe", "large")]
    for file in files:
        with pytest.raises(ValueError, match=file.stem), bounded():
            kernels.from_file(file)
    whole = io.BytesIO()
    np.save(whole, np.random.default_rng(SEED).uniform(0.01, 1, (5, 5)))
    for number in range(60):
        files.append(tmp_path / f"{number}.npy")
        files[-1].write_bytes(damaged(whole.getvalue(), chance))
    with np.errstate(all="ignore"), pytest.warns(UserWarning, match="normalised"):
        read_all(files, kernels.from_file, (ValueError,), tally)


def small() -> REDNet:
    return REDNet(depth=4, width=4, skip_step=1)


def test_weights(tmp_path, chance, tally):
    state = small().state_dict()
    key = next(iter(state))
    contents = {
        "numbered": {1: torch.ones(2), 2: torch.ones(1)},
        "listed": {"state_dict": [1, 2]},
        "none": {"state_dict": None},
        "nothing": None,
        "empty": {},
        "sparse": {**state, key: state[key].to_sparse()},
        "meta": {**state, key: state[key].to("meta")},
        "endless": {**state, key: torch.zeros(1).expand(10**13)},
        "complex": {**state, key: state[key].to(torch.complex64)},
        "tuples": {("a", 1): state[key]},
        "tensor": state[key],
    }
    files = []
    for name, content in contents.items():
        torch.save(content, tmp_path / f"{name}.pt")
        files.append(tmp_path / f"{name}.pt")
    layers = [{"type": "conv", "weights": [np.ones((3, 3, 1, 4)), np.ones(7)]}] * 2
    savemat(tmp_path / "bias.mat", {"net": {"layers": np.array(layers, dtype=object)}})
    files.append(tmp_path / "bias.mat")
    for name in ("nil.pt", "nil.mat", "nil.caffemodel", "nil.ckpt"):
        (tmp_path / name).write_bytes(b"")
        files.append(tmp_path / name)
    os.mkfifo(tmp_path / "pipe.pt")
    files.append(tmp_path / "pipe.pt")
    for file in files:
        with pytest.raises(RequestError, match=file.stem), bounded():
            load_weights(small(), file, "red10")
    whole = io.BytesIO()
    torch.save({"state_dict": state, "global_step": 3}, whole)
    for number in range(60):
        files.append(tmp_path / f"{number}{chance.choice(('.pt', '.ckpt', '.mat', '.caffemodel'))}")
        files[-1].write_bytes(damaged(whole.getvalue(), chance))
    read_all(files, lambda file: load_weights(small(), file, "red10"), (RequestError,), tally)


def test_results(tmp_path, chance, tally):
    row = dict.fromkeys(store.COLUMNS, "x") | {"metric": "psnr", "value": 30.0, "value_input": 20.0}
    store.append(tmp_path / "whole.csv", [row] * 20)
    whole = (tmp_path / "whole.csv").read_bytes()
    files = [tmp_path / name for name in ("pipe.csv", "folder.csv", "full.csv", "noise.csv", "notes.csv")]
    os.mkfifo(files[0])
    files[1].mkdir()
    files[2].symlink_to("/dev/full")
    files[3].write_bytes(chance.randbytes(2000))
    files[4].write_text("my notes\n")
    before = {file: file.read_bytes() for file in files[3:]}
    for file in [*files, tmp_path / "notes.csv" / "results.csv", Path("/proc/results.csv")]:
        with pytest.raises(RequestError, match=file.stem), bounded():
            store.check_header(file)
    for number in range(60):
        files.append(tmp_path / f"{number}.csv")
        files[-1].write_bytes(damaged(whole, chance))
    read_all(files, store.read, (RequestError,), tally)
    assert {file: file.read_bytes() for file in before} == before

"""Caffe's files against what the test wrote, byte by byte, in every format that there is."""

import tracemalloc
from itertools import product

import numpy as np
import pytest

from caffe_files import message, net, number, red_layers, varint, write
from restore.models.caffe import read_layers

FORMATS = [
    dict(zip(("old", "shape", "packed", "double", "diff"), flags, strict=True))
    for flags in product((False, True), repeat=5)
]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: " ".join(key for key, value in form.items() if value))
def test_every_combination_of_formats(form, tmp_path):
    written = red_layers(channels=3, half=3, width=2)
    layers = read_layers(write(tmp_path / "net.caffemodel", written, **form))
    for layer, (name, kind, blobs) in zip(layers, written, strict=True):
        known = not form["old"] or kind in ("Convolution", "Deconvolution")
        assert layer.name == name
        assert layer.kind == (kind if known else {"ReLU": "type 18", "Eltwise": "type 25"}[kind])
        assert len(layer.blobs) == len(blobs)
        for ours, theirs in zip(layer.blobs, blobs, strict=True):
            assert ours.dtype == np.float32
            assert ours.shape == (theirs.shape if form["shape"] or theirs.ndim == 4 else (1, 1, 1, *theirs.shape))
            assert np.array_equal(ours.ravel(), theirs.ravel()), "bit for bit, and the diff is not the data"


def test_doubles_are_rounded_to_float32(tmp_path):
    weight = np.array([1 / 3, 1e-3, -np.pi]).reshape(1, 1, 1, 3)
    (layer,) = read_layers(write(tmp_path / "net.caffemodel", [("conv1", "Convolution", [weight])], double=True))
    assert np.array_equal(layer.blobs[0], weight.astype(np.float32))


def test_floats_packed_in_pieces_and_one_by_one_are_one_list(tmp_path):
    """What protobuf allows in one message: a packed run, a float of its own, another run."""
    values = np.arange(6, dtype="<f4")
    data = (
        message(5, values[:2].tobytes()) + varint(5 << 3 | 5) + values[2:3].tobytes() + message(5, values[3:].tobytes())
    )
    layer = message(1, "conv1") + message(2, "Convolution") + message(7, data + message(7, number(1, 2) + number(1, 3)))
    (tmp_path / "x.caffemodel").write_bytes(message(100, layer))
    (read,) = read_layers(tmp_path / "x.caffemodel")
    assert np.array_equal(read.blobs[0], values.reshape(2, 3))


def refusal(path) -> str:
    with pytest.raises(ValueError, match=r"x\.caffemodel is not a Caffe network that can be read") as error:
        read_layers(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"name: 'RED30'\nlayer { name: 'conv1' }", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04"]
)
def test_refuses_other_files(content, tmp_path):
    (tmp_path / "x.caffemodel").write_bytes(content)
    refusal(tmp_path / "x.caffemodel")


def test_refuses_a_file_that_is_not_there_and_a_folder(tmp_path):
    refusal(tmp_path / "x.caffemodel")
    (tmp_path / "x.caffemodel").mkdir()
    refusal(tmp_path / "x.caffemodel")


@pytest.mark.parametrize("old", [False, True])
def test_refuses_a_file_that_was_cut_off_wherever_it_was(old, tmp_path):
    """Anywhere within its last layer; a cut between two layers leaves a whole, shorter network."""
    layers = red_layers(half=1, width=2)
    whole, shorter = net(layers, old), net(layers[:-1], old)
    assert whole.startswith(shorter)
    for length in range(len(shorter) + 1, len(whole)):
        (tmp_path / "x.caffemodel").write_bytes(whole[:length])
        refusal(tmp_path / "x.caffemodel")


SIZES = {
    "more than there is": (message(7, message(1, varint(2) * 3)), "2×2×2 and has 4 values"),
    "less than there is": (message(7, message(1, varint(2))), "2 and has 4 values"),
    "huge": (message(7, message(1, varint(2**62) * 2)), f"{2**62}×{2**62} and has 4 values"),
    "huge, old": (b"".join(number(field, 2**31 - 1) for field in (1, 2, 3, 4)), "2147483647 and has 4 values"),
    "negative": (message(7, message(1, varint(-2) * 2)), "-2×-2 and has 4 values"),
    "none": (b"", "one value and has 4 values"),
}


@pytest.mark.parametrize(("size", "sentence"), SIZES.values(), ids=list(SIZES))
def test_sizes_that_do_not_fit_are_refused_and_nothing_of_them_is_allocated(size, sentence, tmp_path):
    blob = message(5, np.ones(4, "<f4").tobytes()) + size
    (tmp_path / "x.caffemodel").write_bytes(message(100, message(1, "conv7") + message(7, blob)))
    tracemalloc.start()
    told = refusal(tmp_path / "x.caffemodel")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "blob 1 of layer conv7 is " in told
    assert sentence in told
    assert peak < 2**20


@pytest.mark.parametrize("length", [2**20, 2**31 - 1, 2**40, 2**63])
def test_a_length_beyond_the_file_is_refused(length, tmp_path):
    (tmp_path / "x.caffemodel").write_bytes(varint(100 << 3 | 2) + varint(length) + b"\x0a\x05conv1")
    refusal(tmp_path / "x.caffemodel")


def test_a_file_of_gigabytes_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "x.caffemodel").open("wb") as file:
        file.truncate(2**31)  # a hole: it takes no room on the disk
    assert "longer than 2 GiB" in refusal(tmp_path / "x.caffemodel")

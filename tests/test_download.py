"""Files are fetched from servers that do not do what they should."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loopback import Answer, Handler, impatient, server
from restore.download import Download
from restore.errors import RequestError
from restore.remote import RemoteFile, git_blob

CONTENT = bytes(range(256)) * 2000  # half a megabyte, so that it can be cut in its middle
HALF = len(CONTENT) // 2
FILE = RemoteFile("owner/name", "c0ffee", "a folder/[1] b=2.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Download, type[Handler]]]]:
    """A download from a server that answers as it is told; and what that was asked."""
    with contextlib.ExitStack() as stack:

        def start(answer: Answer, **options) -> tuple[Download, type[Handler]]:
            mirror, handler = stack.enter_context(server(answer))
            return impatient(mirror, **options), handler

        yield start


def whole(handler: Handler, number: int) -> None:
    handler.send(CONTENT)


def with_ranges(handler: Handler, number: int) -> None:
    start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
    if start:
        handler.send(CONTENT[start:], 206, Content_Range=f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
    else:
        handler.send(CONTENT)


def cut_once(then: Answer) -> Answer:
    """Dies half-way, announcing the whole length; the second time it does `then`."""

    def answer(handler: Handler, number: int) -> None:
        if number > 1:
            return then(handler, number)
        handler.send(CONTENT[:HALF], length=len(CONTENT))

    return answer


def status_once(status: int, **headers: str) -> Answer:
    return lambda handler, number: handler.send(b"", status, **headers) if number == 1 else whole(handler, number)


def stall_once(handler: Handler, number: int) -> None:
    if number > 1:
        return whole(handler, number)
    handler.send(CONTENT[:100], length=len(CONTENT))
    handler.wfile.flush()
    time.sleep(0.8)


def leftovers(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (whole, 1),
        (cut_once(with_ranges), 2),
        (cut_once(whole), 2),  # a server that does not know ranges
        (status_once(500), 2),
        (status_once(503), 2),
        (status_once(429), 2),
        (stall_once, 2),
        (lambda handler, number: handler.send(CONTENT[:10] if number == 1 else CONTENT), 2),  # says it has ten bytes
        (lambda handler, number: handler.send(CONTENT[::-1] if number == 1 else CONTENT), 2),  # other bytes
        (lambda handler, number: handler.send(CONTENT + b"more" if number == 1 else CONTENT), 2),
    ],
    ids=["well", "dies", "dies, no ranges", "500", "503", "429", "stalls", "short", "wrong bytes", "too many bytes"],
)
def test_a_file_arrives_whole(serve, tmp_path, answer, requests):
    download, asked_of = serve(answer)
    place = tmp_path / "new" / "b.bin"
    outcome = download.fetch([(FILE, place)])
    assert (outcome.fetched, outcome.failed, place.read_bytes() == CONTENT) == ([place], {}, True)
    assert asked_of.requests[0][0] == "/owner/name/c0ffee/a%20folder/%5B1%5D%20b%3D2.bin"
    assert (len(asked_of.requests), leftovers(place.parent)) == (requests, ["b.bin"])


def test_what_was_cut_off_is_gone_on_with_by_a_later_call(serve, tmp_path):
    download, _ = serve(lambda handler, number: handler.send(CONTENT[:HALF], length=len(CONTENT)), tries=1)
    assert list(download.fetch([(FILE, tmp_path / "b.bin")]).failed) == [tmp_path / "b.bin"]
    assert leftovers(tmp_path) == [".b.bin.part"]
    download, asked_of = serve(with_ranges)
    assert download.fetch([(FILE, tmp_path / "b.bin")]).fetched
    ((_, asked),) = asked_of.requests
    assert 0 < int(asked.removeprefix("bytes=").removesuffix("-")) <= HALF
    assert (tmp_path / "b.bin").read_bytes() == CONTENT


def test_a_part_of_something_else_is_not_gone_on_with_twice(serve, tmp_path):
    (tmp_path / ".b.bin.part").write_bytes(b"x" * 100)
    download, asked_of = serve(with_ranges)
    assert download.fetch([(FILE, tmp_path / "b.bin")]).fetched
    assert [asked for _, asked in asked_of.requests] == ["bytes=100-", None]


@pytest.mark.parametrize(
    ("answer", "requests", "sentence"),
    [
        (lambda handler, number: handler.send(b"", 404), 1, "status 404"),
        (lambda handler, number: handler.send(b"", 403), 1, "status 403"),
        (lambda handler, number: handler.send(b"", 500), 3, "status 500"),
        (lambda handler, number: handler.send(CONTENT[::-1]), 3, "another content than what was published"),
        (lambda handler, number: handler.send(CONTENT * 2), 3, "is larger than the 512,000 bytes"),
        (lambda handler, number: handler.send(CONTENT[:10]), 3, "cut off after 10 of 512,000 bytes"),
    ],
    ids=["404", "403", "500", "wrong bytes", "endless", "short"],
)
def test_a_file_that_does_not_come_is_said_and_the_others_do(serve, tmp_path, answer, requests, sentence):
    other = RemoteFile("owner/name", "c0ffee", "other", len(CONTENT), FILE.sha256)

    def by_name(handler: Handler, number: int) -> None:
        (whole if handler.path.endswith("other") else answer)(handler, number)

    download, asked_of = serve(by_name, workers=1)
    outcome = download.fetch([(FILE, tmp_path / "b.bin"), (other, tmp_path / "other")])
    assert outcome.fetched == [tmp_path / "other"]
    assert sentence in outcome.failed[tmp_path / "b.bin"]
    assert not (tmp_path / "b.bin").exists()
    assert Counter(path.endswith("other") for path, _ in asked_of.requests) == {False: requests, True: 1}


def test_what_is_here_is_not_asked_for_and_another_file_is_kept(serve, tmp_path):
    (tmp_path / "right").write_bytes(CONTENT)
    (tmp_path / "own").write_bytes(b"my own")
    (tmp_path / "folder").mkdir()
    download, asked_of = serve(whole)
    outcome = download.fetch([(FILE, tmp_path / name) for name in ("right", "own", "folder")])
    assert outcome.here == [tmp_path / "right"]
    assert outcome.failed == dict.fromkeys(
        [tmp_path / "own", tmp_path / "folder"], "another file is there: move it away"
    )
    assert not asked_of.requests
    assert (tmp_path / "own").read_bytes() == b"my own"


def test_a_git_blob_is_enough_to_know_a_file_by(serve, tmp_path):
    (tmp_path / "content").write_bytes(CONTENT)
    file = RemoteFile("o/n", "c", "p", git_blob=git_blob(tmp_path / "content"))
    download, _ = serve(whole)
    assert download.fetch([(file, tmp_path / "by_blob")]).fetched
    download, _ = serve(lambda handler, number: handler.send(CONTENT[:-1]))
    assert "another content" in download.fetch([(file, tmp_path / "other")]).failed[tmp_path / "other"]


def test_a_busy_server_is_left_alone_for_as_long_as_it_says(serve, tmp_path):
    download, asked_of = serve(status_once(429, Retry_After="1"))
    assert download.fetch([(FILE, tmp_path / "b.bin")]).fetched
    first, second = asked_of.times
    assert second - first >= 1


def test_requests_keep_to_the_rate(serve, tmp_path):
    download, asked_of = serve(whole, rate=10)
    download.fetch([(FILE, tmp_path / str(number)) for number in range(6)])
    assert max(asked_of.times) - min(asked_of.times) >= 0.45


def test_no_network_is_one_sentence(tmp_path):
    download = Download("http://127.0.0.1:9/{repository}/{commit}/{path}", tries=2, pause=0.01)
    with pytest.raises(RequestError, match=r"^127\.0\.0\.1:9 cannot be reached .* put into .* by hand$"):
        download.fetch([(FILE, tmp_path / "set" / str(number)) for number in range(20)])
    assert not (tmp_path / "set").exists()


def test_a_folder_that_cannot_be_made(serve, tmp_path):
    (tmp_path / "file").write_text("")
    download, _ = serve(whole)
    with pytest.raises(RequestError, match=r"cannot write .*file/set/b.bin: "):
        download.fetch([(FILE, tmp_path / "file" / "set" / "b.bin")])


@pytest.mark.parametrize(
    "mirror", ["https://example.org/sets", "{path}", "ftp://x/{path}", "https://x/{commit}/{paht}"]
)
def test_a_mirror_is_a_template_of_addresses(mirror):
    with pytest.raises(RequestError, match="mirror is an address with"):
        Download(mirror)

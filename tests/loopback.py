"""A server on this machine that answers as a test tells it, for what is fetched."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from restore.download import Download

Answer = Callable[["Handler", int], None]  # to the nth request


class Handler(BaseHTTPRequestHandler):
    """Writes down what it was asked, and when."""

    answer: Answer
    requests: list[tuple[str, str | None]]  # path and range
    times: list[float]

    def do_GET(self) -> None:
        self.requests.append((self.path, self.headers.get("Range")))
        self.times.append(time.monotonic())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            type(self).answer(self, len(self.requests))
        self.close_connection = True

    def send(self, content: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass


@contextlib.contextmanager
def server(answer: Answer) -> Iterator[tuple[str, type[Handler]]]:
    """A server that answers so: the template of its addresses, and what it writes down."""
    handler = type("Told", (Handler,), {"answer": answer, "requests": [], "times": []})
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/{{repository}}/{{commit}}/{{path}}", handler
    finally:
        running.shutdown()
        running.server_close()


def impatient(mirror: str, **options) -> Download:
    """A download that does not wait for long."""
    return Download(mirror, **{"timeout": 0.5, "pause": 0.01, "rate": 1000, "tries": 3} | options)

"""A file at a pinned place of GitHub: its address, and what its content is known by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ADDRESS = "https://raw.githubusercontent.com/{repository}/{commit}/{path}"  # what `mirror` replaces


@dataclass(frozen=True)
class RemoteFile:
    """One published file.

    Attributes:
        repository: ``owner/name`` on GitHub.
        commit: that its place is pinned to.
        path: in the repository.
        bytes: its size; 0 where that is not known.
        sha256: of its content; empty where that is not known.
        git_blob: what git calls its content, the SHA-1 of ``blob <bytes>\\0`` and the content; empty where not known.
    """

    repository: str
    commit: str
    path: str
    bytes: int = 0
    sha256: str = ""
    git_blob: str = ""

    def at(self, mirror: str = ADDRESS) -> str:
        """Its address: the template `mirror` with repository, commit and path put in.

        Example:
            >>> RemoteFile("o/n", "0a1b", "a b/[c].mat").at()
            'https://raw.githubusercontent.com/o/n/0a1b/a%20b/%5Bc%5D.mat'
        """
        return mirror.format(repository=self.repository, commit=self.commit, path=quote(self.path))

    def is_in(self, path: Path) -> bool:
        """Whether a file has its content."""
        if self.bytes and path.stat().st_size != self.bytes:
            return False
        known, compute = self.known_by
        return compute(path) == known

    @property
    def known_by(self) -> tuple[str, Callable[[Path], str]]:
        """The hash that is known of it, and what computes it."""
        return (self.sha256, sha256) if self.sha256 else (self.git_blob, git_blob)


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob(path: Path) -> str:
    """What git calls a file's content: the SHA-1 of ``blob <bytes>\\0`` and the content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()

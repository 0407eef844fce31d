"""The built site: its links lead somewhere, and it needs no network. `make docs` runs it."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

SITE = Path(__file__).parents[2] / "build" / "docs" / "html"
pytestmark = pytest.mark.docs


class Page(HTMLParser):
    """Anchors of a page, where it leads, and what it loads by itself."""

    def __init__(self, file: Path):
        super().__init__()
        self.ids, self.links, self.parts = {""}, [], []
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.ids |= {value for key, value in attributes if key in ("id", "name") and value}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload"):
            self.parts.append(values.get("href"))
        elif tag in ("script", "img", "iframe", "source") and values.get("src"):
            self.parts.append(values["src"])


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    if not (SITE / "index.html").is_file():
        pytest.skip("there is no site: make docs builds it")
    return {file: Page(file) for file in SITE.rglob("*.html") if "_static" not in file.parts}


def is_local(address: str) -> bool:
    return not address.startswith(("http:", "https:", "mailto:", "data:", "//"))


def test_links_and_anchors_lead_somewhere(pages):
    broken = []
    for file, page in pages.items():
        for address in filter(is_local, page.links + page.parts):
            path, anchor = urldefrag(address)
            target = (file.parent / unquote(path.partition("?")[0])).resolve() if path else file
            if target.is_dir():
                target = target / "index.html"
            if not target.is_file() or (target in pages and unquote(anchor) not in pages[target].ids):
                broken.append(f"{file.relative_to(SITE)}: {address}")
    assert not broken
    assert sum(len(page.links) for page in pages.values()) > 1000


def test_nothing_is_fetched_from_elsewhere(pages):
    assert not [(file.name, part) for file, page in pages.items() for part in page.parts if not is_local(part or "")]
    styles = [file for file in SITE.glob("_static/**/*.css") if "@import url(http" in file.read_text()]
    assert not styles


def test_every_page_of_docs_is_there(pages):
    sources = {file.stem for file in (Path(__file__).parents[2] / "docs").glob("*.md")}
    assert sources <= {file.stem for file in pages}

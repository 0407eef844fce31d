"""Pages made from the files they are about, before the site is built."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import kornia
from omegaconf import OmegaConf

from restore.degradations import albumentations_catalogue
from restore.degradations.kornia_catalogue import Trial, catalogue
from restore.results.printed_figures import printed_figures

if TYPE_CHECKING:
    from sphinx.application import Sphinx  # the tests read these functions where only `make test` was called

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "_generated"


def header(file: Path) -> str:
    """The comment that a YAML begins with, without Hydra's directive."""
    lines = []
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @"):
            lines.append(line.removeprefix("#").strip())
    return " ".join(lines)


def protocols() -> str:
    """Each protocol's header, and a table of the switches that differ from `_base`."""
    folder = ROOT / "conf" / "protocol"
    files = [file for file in sorted(folder.glob("*.yaml")) if not file.stem.startswith("_")]
    base = {key: value for key, value in read(folder / "_base.yaml").items() if not key.startswith("_")}
    table = ["| switch | otherwise | " + " | ".join(f"`{file.stem}`" for file in files) + " |"]
    table.append("|---" * (2 + len(files)) + "|")
    for switch, usual in base.items():
        if switch != "families":
            cells = [f"`{shown(read(file)[switch])}`" if switch in read(file) else "" for file in files]
            table.append(f"| `{switch}` | `{shown(usual)}` | " + " | ".join(cells) + " |")
    text = "\n".join(table) + "\n"
    for file in files:
        text += f"\n## `{file.stem}`\n\n{header(file)}\n"
        for family, switches in read(file).get("families", {}).items():
            text += f"\n- for `{family}`: " + ", ".join(f"`{key}: {shown(value)}`" for key, value in switches.items())
        text += "\n"
    return text


def read(file: Path) -> dict:
    return OmegaConf.to_container(OmegaConf.load(file))


def shown(value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value) if value == "" else str(value)


def experiments() -> str:
    """A table of the experiment files: name, and the sentence that its header begins with."""
    rows = ["| experiment | |", "|---|---|"]
    for file in sorted((ROOT / "conf" / "experiment").glob("*.yaml")):
        if not file.stem.startswith("_"):
            sentence = re.split(r"(?<=[.;])(?<!Fig\.)(?<!Figs\.)\s", header(file), maxsplit=1)[0].rstrip(".;")
            rows.append(f"| `{file.stem}` | {sentence.replace('|', '/')} |")
    return "\n".join(rows) + "\n"


def figures() -> str:
    """The papers' figures that can be drawn again: what each shows, and the command that gives it."""
    rows = ["| `figure=` | shows | run by |", "|---|---|---|"]
    for figure in printed_figures():
        rows.append(f"| `{figure.name}` | {figure.title}: {figure.shows} | `{figure.command}` |")
    return "\n".join(rows) + "\n"


def kornia_transforms() -> str:
    """What `restore.degradations.kornia_catalogue` finds: a table, and why what cannot be had cannot."""
    trials = catalogue()
    rows = ["| transform | tried with | gray | colour | drawn | conditions |", "|---" * 6 + "|"]
    for trial in trials:
        arguments = " ".join(f"`{key}={value}`".replace(" ", "") for key, value in trial.arguments.items())
        gray, colour = ("no" if trial.reasons[channels] else "yes" for channels in (1, 3))
        told = " ".join(f"`{name}`" for name in trial.conditions)
        rows.append(f"| `{trial.name}` | {arguments} | {gray} | {colour} | {drawn(trial)} | {told} |")
    lines = ["", f"With kornia {kornia.__version__}. Why not:", ""]
    for channels, kind in ((1, "gray"), (3, "colour")):
        names: dict[str, list[str]] = {}
        for trial in trials:
            if reason := trial.reasons[channels]:
                names.setdefault(quoted(trial.name, reason), []).append(f"`{trial.name}`")
        lines += [f"- {kind}: {', '.join(same)}: {reason}" for reason, same in names.items()]
    return "\n".join(rows + lines) + "\n"


def drawn(trial: Trial) -> str:
    """How a transform's parameters are drawn, in words."""
    if all(trial.reasons.values()):
        return ""
    if not trial.varies:
        return "nothing"
    where = "`draw`" if trial.strengths else "`apply`"
    shared = "".join(f"; `{name}` once a batch" for name in trial.shared)
    return f"a sample, by {where}{shared}"


def quoted(name: str, reason: str) -> str:
    """kornia's own words as they are; ours as text."""
    ours, _, words = reason.partition(": ")
    return f"`{words}`" if ours.startswith(f"transform {name}") else reason


def shipped() -> str:
    """The listing of the networks that come with the package, and the model card of each."""
    folder = ROOT / "src" / "restore" / "weights"
    cards = [
        file.read_text().replace("\n## ", "\n### ").replace("# ", "## ", 1) for file in sorted(folder.glob("*/card.md"))
    ]
    return "\n".join([(folder / "README.md").read_text(), *cards])


def from_the_root(name: str) -> str:
    """A page of the repository's root, its links as the site has them."""
    return (ROOT / name).read_text().replace("](docs/", "](../")


def make_pages(app: Sphinx) -> None:
    OUT.mkdir(exist_ok=True)
    pages = {"protocols": protocols(), "experiments": experiments(), "contributing": from_the_root("CONTRIBUTING.md")}
    pages["figures"] = figures()
    pages["kornia"] = kornia_transforms()
    pages["shipped"] = shipped()
    pages["albumentations"] = albumentations_catalogue.table()
    pages["changelog"] = from_the_root("CHANGELOG.md")
    for name, text in pages.items():
        write(OUT / f"{name}.md", text)
    copy_records()


def copy_records() -> None:
    """The kept records as pages beneath the results: a title, the table, its curves, its rows to download."""
    target = OUT / "experiments"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "experiments", target)
    for page in target.rglob("*.md"):
        name = page.parent.name if page.stem in ("table", "account") else f"{page.parent.name}, {page.stem}"
        text = page.read_text()
        text = text if text.startswith("# ") else f"# {name}\n\n{text}"
        if page.stem in ("table", "account"):
            text += "".join(f"\n![{what_it_shows(file)}]({file.name})\n" for file in sorted(page.parent.glob("*.png")))
        page.write_text(text)


def what_it_shows(picture: Path) -> str:
    known = {"psnr": "validation PSNR over training", "training_loss": "training loss over training"}
    known |= {"gradient_norms": "norm of the first layer's gradient over training", "maps": "feature maps"}
    return known.get(picture.stem, picture.stem.replace("_", " "))


def site_links(app: Sphinx, page: str, source: list[str]) -> None:
    """Links that lead out of ``docs/`` in a checkout lead to the copies here."""
    text = source[0].replace("](../experiments/", "](/_generated/experiments/")
    text = text.replace("](../src/restore/weights/README.md)", "](/_generated/shipped.md)")
    source[0] = text.replace("](../CONTRIBUTING.md)", "](/_generated/contributing.md)")


def write(file: Path, text: str) -> None:
    """Only where it differs, so that an unchanged page is not built again."""
    if not file.is_file() or file.read_text() != text:
        file.write_text(text)


def usage(app: Sphinx, what: str, name: str, obj, options, lines: list[str]) -> None:
    """A command's docstring is what ``--help`` prints: it stays as it is laid out."""
    if what == "module" and any(line.startswith("    python -m restore.") for line in lines):
        lines[1:] = ["", "::", "", *(f"    {line}" for line in lines[1:])]


def setup(app: Sphinx) -> dict:
    app.connect("builder-inited", make_pages, priority=100)
    app.connect("source-read", site_links)
    app.connect("autodoc-process-docstring", usage)
    return {"parallel_read_safe": True}

"""Imports only go down the layers of the house."""

import ast
from pathlib import Path

import pytest

import restore

SOURCE = Path(restore.__file__).parent
LAYERS = {
    **dict.fromkeys(("image", "colour", "resize", "dct", "conditions", "errors"), 0),
    **dict.fromkeys(("atomic", "bounds", "files", "memory", "remote", "signals"), 0),
    **dict.fromkeys(("models", "degradations", "download"), 1),
    **dict.fromkeys(("data", "evaluation", "photos"), 2),
    **dict.fromkeys(("training", "optim", "tracking", "results", "runfolder", "checkpoint"), 3),
    **dict.fromkeys(("released", "deployment"), 3),
    **dict.fromkeys(("config", "jobs", "runs", "bench", "application", "reproduction"), 4),
    **dict.fromkeys(("run", "evaluate", "report", "campaign", "library", "pretrained", "datasets"), 5),
    **dict.fromkeys(("apply", "export", "publish", "demo", "dashboard", "__main__"), 5),
}
HEAVY = {"wandb", "albumentations", "h5py", "matplotlib", "cv2", "skimage", "tifffile"}
HEAVY |= {"plotly", "wandb_workspaces", "mlflow", "onnx", "onnxruntime", "onnxscript"}


def imports(file: Path) -> tuple[set[str], set[str]]:
    """Modules imported anywhere, and those imported when the file is."""
    tree = ast.parse(file.read_text())
    anywhere, at_top = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" if node.module == "restore" else node.module for alias in node.names}
        else:
            continue
        anywhere |= names
        if node in tree.body:
            at_top |= names
    return anywhere, at_top


def room(module: str) -> str:
    return module.split(".")[1]


FILES = sorted(file for file in SOURCE.rglob("*.py") if file != SOURCE / "__init__.py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_go_down(file):
    here = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    anywhere, at_top = imports(file)
    for module in anywhere:
        if module.startswith("restore."):
            there = room(module)
            if there == "__version__":
                continue
            assert LAYERS[there] <= LAYERS[here], f"{here} imports {there}, which lies above it"
            assert not (here == "data" and there == "evaluation")
            assert {here, there} != {"models", "degradations"}
        if module.split(".")[0] in {"hydra", "omegaconf"}:
            assert LAYERS[here] >= 4
        if module.split(".")[0] == "lightning":
            assert LAYERS[here] >= 3 or file.name == "datamodule.py"
    assert not {module.split(".")[0] for module in at_top} & HEAVY, "heavy packages are imported where they are used"


def test_no_room_is_a_lumber_room():
    assert not [f for f in FILES if f.stem.strip("_") in {"utils", "util", "common", "core", "helpers", "misc"}]
    assert all(len(f.read_text().splitlines()) <= 330 for f in FILES)


def module_of(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(("restore", *(part for part in parts if part != "__init__")))


def import_graph() -> dict[str, set[str]]:
    """Which module imports which, lazily or not: ``from restore.data import bank`` is of ``restore.data.bank``."""
    modules = {module_of(file): file for file in FILES}
    graph = {}
    for module, file in modules.items():
        names = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= {name if name in modules else node.module for name in inner}
        graph[module] = names & set(modules) - {module}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one module (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in order:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == order[module]:
            component = [stack.pop()]
            while component[-1] != module:
                component.append(stack.pop())
            components.append(sorted(component))

    for module in sorted(graph):
        if module not in order:
            visit(module)
    return [component for component in components if len(component) > 1]


def test_no_modules_import_each_other_in_a_circle():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]], "a circle is seen"
    graph = import_graph()
    assert "restore.jobs.grid" in graph["restore.jobs.sweep"]
    assert not circles(graph)

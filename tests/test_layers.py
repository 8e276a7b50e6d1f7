"""Layers only ever import downwards (the order below), and no network imports another."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "vesselbench"
LAYERS = ["foundation", "data", "models", "training", "prediction", "metrics", "reports", "scoring", "segmenting"]
LAYERS += ["stages", "bench", "offsite"]
READS_FILES_ONLY = {"metrics", "reports", "scoring"}  # these import nothing of models, training and prediction
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.stat().st_size)


def layer_of(parts: tuple[str, ...]) -> str:
    if parts[0] == "cli":
        return "stages"
    return parts[0] if parts[0] in LAYERS else "foundation"


def imported_layers(path: Path) -> set[str]:
    modules = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            modules.append(node.module)
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    return {layer_of(tuple(m.split(".")[1:])) for m in modules if m.startswith("vesselbench.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_file_imports_only_from_its_layer_and_below(path):
    own = layer_of(path.relative_to(SOURCE).with_suffix("").parts)
    above = set(LAYERS[LAYERS.index(own) + 1 :])
    if own in READS_FILES_ONLY:
        above |= {"models", "training", "prediction"}
    assert imported_layers(path) & above == set()


def test_no_network_imports_another():
    for path in FILES:
        if path.parent.name == "models" and path.name != "build.py":
            assert "models" not in imported_layers(path), path.name


def test_init_files_are_empty_and_files_are_short():
    assert [path for path in SOURCE.rglob("__init__.py") if path.stat().st_size] == []
    assert {p.name: n for p in FILES if (n := len(p.read_text().splitlines())) > 200} == {}

"""Layers only ever import downwards, metrics and reports read files only, and no network imports another."""

import ast
import hashlib
from pathlib import Path

import pytest

from vesselbench.imports import digest, import_closure

SOURCE = Path(__file__).parents[1] / "src" / "vesselbench"
LAYERS = ["foundation", "data", "datasets", "models", "training", "prediction", "metrics", "reports", "apps", "stages"]
TOP_FILES = dict.fromkeys(("config", "files", "device", "guard", "imports"), "foundation")
TOP_FILES |= dict.fromkeys(("score", "segment", "photograph", "foreign", "matching"), "apps")
TOP_FILES |= dict.fromkeys(("cli", "cluster", "bench"), "stages")
READ_FILES_ONLY = ("metrics", "reports")  # these import nothing of models, training and prediction
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.stat().st_size)


def layer_of(module: str) -> str:
    """Find the layer of a path below the package, such as ``data/fov`` or ``cli``."""
    return TOP_FILES.get(module, module.split("/")[0])


def imported(path: Path) -> set[str]:
    modules = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            modules.append(node.module)
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    return {layer_of(module.partition(".")[2].replace(".", "/")) for module in modules if "vesselbench." in module}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_file_imports_only_from_its_layer_and_below(path):
    own = layer_of(path.relative_to(SOURCE).with_suffix("").as_posix())
    above = set(LAYERS[LAYERS.index(own) + 1 :])
    above |= {"models", "training", "prediction"} if own in READ_FILES_ONLY else set()
    above |= {"models"} if own == "models" and path.stem != "build" else set()
    assert imported(path) & above == set()


def test_init_files_are_empty():
    assert [path for path in SOURCE.rglob("__init__.py") if path.stat().st_size] == []


def test_the_import_closure_of_a_module_is_all_that_it_needs_and_its_digest_all_their_bytes():
    files = [SOURCE / name for name in ("config.py", "data/sample.py", "data/splits.py", "files.py")]
    assert import_closure("vesselbench.data.splits") == files
    assert digest(files) == hashlib.sha256(b"".join(map(Path.read_bytes, files))).hexdigest()

"""Which files of this package a module needs: the code that its results depend on."""

import ast
import hashlib
import importlib.util
from pathlib import Path

PACKAGE = "vesselbench"


def import_closure(module: str) -> list[Path]:
    """List the source files that importing a module reads within this package, without importing it.

    They are sorted; the module's own file is included, empty ``__init__.py`` files are left out. Imports within
    functions count, imports by a name known only when running (``importlib``) cannot.
    """
    files: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        spec = _find(name) if name not in files else None
        if spec is None or spec.origin is None:
            continue
        files[name] = Path(spec.origin)
        for node in ast.walk(ast.parse(files[name].read_text())):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return sorted(path for path in files.values() if path.stat().st_size)


def digest(paths: list[Path]) -> str:
    """Digest files' content: SHA-256 in hexadecimal."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def _find(name: str) -> importlib.machinery.ModuleSpec | None:
    """Find a module of this package; None for all else, such as a function that is imported by its name."""
    if name.split(".")[0] != PACKAGE:
        return None
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:  # a name within a module, not a module within a package
        return None

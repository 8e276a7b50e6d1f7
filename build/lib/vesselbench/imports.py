"""Which files of this package a module needs: the code that DVC must watch for it."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

PACKAGE = "vesselbench"


def import_closure(module: str) -> list[Path]:
    """List the source files that importing a module reads within this package, without importing it.

    Parameters
    ----------
    module
        A dotted name, such as ``"vesselbench.stages.train"``.

    Returns
    -------
    list of pathlib.Path
        Sorted; the module's own file included, empty ``__init__.py`` files left out. Imports within functions count,
        imports by a name known only when running (``importlib``) cannot.
    """
    files: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        spec = importlib.util.find_spec(name) if name not in files else None
        if spec is None or spec.origin is None:
            continue
        files[name] = Path(spec.origin)
        for node in ast.walk(ast.parse(files[name].read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [
                    node.module,
                    *(f"{node.module}.{alias.name}" for alias in node.names if _is_module(node, alias)),
                ]
            else:
                continue
            waiting += [name for name in names if name.split(".")[0] == PACKAGE]
    return sorted(path for path in files.values() if path.name != "__init__.py" or path.stat().st_size)


def _is_module(node: ast.ImportFrom, alias: ast.alias) -> bool:
    if not node.module or node.module.split(".")[0] != PACKAGE:
        return False
    folder = importlib.util.find_spec(node.module).submodule_search_locations
    return bool(folder) and any((Path(place) / f"{alias.name}.py").exists() for place in folder)

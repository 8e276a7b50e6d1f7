"""The stages of dvc.yaml, read without DVC: its ``${...}`` filled in from params.yaml, its matrices multiplied out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from vesselbench.config import PARAMS, UserError

PIPELINE = Path("dvc.yaml")
EXPRESSION = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Stage:
    """One stage, all filled in.

    Attributes
    ----------
    name
        As DVC has it, such as ``train@drive-iternet-0``.
    command
        What it runs.
    deps, outs
        Files and folders, relative to the root of the repository; metrics are outs, too.
    params
        Dotted keys of params.yaml.
    """

    name: str
    command: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def file(self) -> str:
        """Its name in names of files: some ways between machines take no ``@``."""
        return self.name.replace("@", ".")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 file of the working folder.

    Raises
    ------
    UserError
        It is not there.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; run this from the root of the repository")
    return YAML(typ="safe").load(path.read_text())


def lookup(values: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key.

    Raises
    ------
    UserError
        There is none.
    """
    node: Any = values
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            raise UserError(f"{PIPELINE}: {key} is not defined in {PARAMS}; add it there or correct the name")
        node = node[part]
    return node


def read_stages() -> dict[str, Stage]:
    """Read all stages of the working folder's dvc.yaml by name, in its order.

    Raises
    ------
    UserError
        dvc.yaml or params.yaml is missing, or a ``${...}`` names what is not there.
    """
    params = read_yaml(PARAMS)
    stages = {}
    for group, body in read_yaml(PIPELINE)["stages"].items():
        values = params | {key: value for mapping in body.get("vars", []) for key, value in mapping.items()}
        matrix = {key: lookup(values, EXPRESSION.fullmatch(text)[1]) for key, text in body.get("matrix", {}).items()}
        for choice in product(*matrix.values()):
            name = f"{group}@{'-'.join(map(str, choice))}" if matrix else group
            item = values | {"item": dict(zip(matrix, choice, strict=True))}
            # An out with settings is a mapping from its path to them.
            outs = [path for out in body.get("outs", []) + body.get("metrics", []) for path in _names(out)]
            parts = (_filled(part, item) for part in (body.get("deps", []), body.get("params", []), outs))
            stages[name] = Stage(name, *_filled([body["cmd"]], item), *parts)
    return stages


def chosen(stages: Mapping[str, Stage], names: Iterable[str]) -> dict[str, Stage]:
    """Pick stages by name.

    Raises
    ------
    UserError
        There is no stage of a name; the message lists those of the same group.
    """
    for name in names:
        if name not in stages:
            group = name.split("@")[0]
            known = [other for other in stages if other.split("@")[0] == group]
            known = known or sorted({other.split("@")[0] for other in stages})
            raise UserError(f"{PIPELINE}: no stage {name}; choose among {', '.join(known)}, or add to run in {PARAMS}")
    return {name: stages[name] for name in names}


def makers(paths: Iterable[str], stages: Iterable[Stage]) -> list[str]:
    """Names of the stages that make one of these paths, something below it, or the folder that holds it."""
    pairs = [(path, stage) for stage in stages for path in paths]
    names = [s.name for path, s in pairs if any(under(path, out) or under(out, path) for out in s.outs)]
    return list(dict.fromkeys(names))


def under(path: str, folder: str) -> bool:
    """Whether a path is a folder (or file) itself or lies below it."""
    return path == folder or path.startswith(f"{folder}/")


def _names(out: str | Mapping[str, Any]) -> list[str]:
    return [out] if isinstance(out, str) else list(out)


def _filled(texts: Iterable[str], values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(EXPRESSION.sub(lambda found: str(lookup(values, found[1])), text) for text in texts)

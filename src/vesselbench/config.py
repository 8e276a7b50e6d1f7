"""Parameters: from params.yaml to frozen dataclasses, and the one error that people are meant to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ruamel.yaml import YAML

PARAMS = Path("params.yaml")
T = TypeVar("T")


class UserError(Exception):
    """Something a person can mend: the message names the value, the rule and the fix."""


def read_params(*keys: str, path: Path = PARAMS) -> tuple[Any, ...]:
    """Read the values of dotted keys from the parameter file.

    The keys that a stage passes here are exactly those that it declares in dvc.yaml; a test holds the two together.

    Parameters
    ----------
    *keys
        Dotted names, such as ``"models.iternet"``.
    path
        The parameter file. YAML 1.2, so ``1e-3`` is a number.

    Returns
    -------
    tuple
        One value a key, in the order asked for.

    Raises
    ------
    UserError
        The file is missing, or a key is; the message lists the names that exist beside it.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; run this from the root of the repository")
    document = YAML(typ="safe").load(path.read_text())
    return tuple(_lookup(document, key, path) for key in keys)


def _lookup(document: Any, key: str, path: Path) -> Any:
    node = document
    for depth, part in enumerate(key.split(".")):
        if not isinstance(node, Mapping) or part not in node:
            parent = ".".join(key.split(".")[:depth]) or "the file"
            known = ", ".join(map(str, node)) if isinstance(node, Mapping) else "nothing"
            raise UserError(
                f"{path}: '{part}' is not defined in {parent}, which has: {known}; add it or correct the name"
            )
        node = node[part]
    return node


def chosen_layers(
    layers: Mapping[str, Any] | None, names: Sequence[str], known: Sequence[str], where: str
) -> list[Any]:
    """Pick from named layers of parameters those that apply, in the order of ``names``; None is an empty mapping.

    Raises
    ------
    UserError
        A layer's name is not among ``known``: it would be left out without a word.
    """
    layers = layers or {}
    for name in layers:
        if name not in known:
            raise UserError(f"{PARAMS}: {where}.{name} is unknown; its layers are {', '.join(known)}")
    return [layers[name] for name in names if name in layers]


def overlay(base: Mapping[str, Any], *changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lay mappings over one another, later ones winning, nested mappings merged key by key; None is an empty one."""
    merged = dict(base)
    for change in changes:
        for key, value in (change or {}).items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = overlay(merged[key], value) if both else value
    return merged


def build(kind: type[T], mapping: Mapping[str, Any], where: str) -> T:
    """Turn a mapping into a dataclass, nested dataclasses included.

    Parameters
    ----------
    kind
        A dataclass type. Its field names are the only keys allowed; a field without default must be there.
    mapping
        The parameters.
    where
        Where they stand, for the error: ``"train.default"``.

    Raises
    ------
    UserError
        A key is unknown or missing, a value is of another type than its field, or the dataclass refuses the values
        (its ``__post_init__`` raises ``ValueError``).
    """
    if not isinstance(mapping, Mapping):
        raise UserError(f"{PARAMS}: {where} is {mapping!r}; it must be a mapping of {_names(kind)}")
    known = {field.name: field for field in fields(kind)}
    unknown = [key for key in mapping if key not in known]
    if unknown:
        raise UserError(f"{PARAMS}: {where}.{unknown[0]} is unknown; {where} takes {_names(kind)}")
    required = [n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in required if name not in mapping]
    if missing:
        raise UserError(f"{PARAMS}: {where}.{missing[0]} is missing; {where} needs {', '.join(required)}")
    hints = get_type_hints(kind)
    values = {key: _convert(hints[key], value, f"{where}.{key}") for key, value in mapping.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise UserError(f"{PARAMS}: {where}: {error}") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return build(hint, value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        value = tuple(value)
    if isinstance(hint, type) and (not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool)):
        raise UserError(f"{PARAMS}: {where} is {value!r}; it must be of type {hint.__name__}")
    return value


def _names(kind: type) -> str:
    return ", ".join(field.name for field in fields(kind))

"""Parameters: from params.yaml to checked, frozen models, and the one error that people are meant to read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

PARAMS = Path("params.yaml")
T = TypeVar("T", bound="Parameters")


class UserError(Exception):
    """Something a person can mend: the message names the value, the rule and the fix."""


def repository() -> Path:
    """Find the root of the repository: the current folder, one above, or where the code that runs lies.

    UserError if none of them has both params.yaml and dvc.yaml.
    """
    for folder in (Path(), *Path.cwd().parents, Path(__file__).parents[2]):
        if (folder / PARAMS).is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise UserError(f"{Path.cwd()}: not inside a clone of this repository; change into one, and run this again")


class Parameters(BaseModel):
    """Base of all groups of parameters: an unknown or a missing key is an error, and values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_true_for_1(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("input should not be true or false")
        return value


def read_params(*keys: str, path: Path = PARAMS) -> tuple[Any, ...]:
    """Read the values of dotted keys, such as ``"models.iternet"``, from the parameter file, in this order.

    The keys that a stage reads here are those that it declares in dvc.yaml; a test holds the two together.

    Raises
    ------
    UserError
        The file is missing or no YAML, or a key is missing; the message lists the names that exist beside it.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; run this from the root of the repository")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no YAML: {' '.join(str(error).split())}; correct it") from error
    return tuple(_find(document, key, path) for key in keys)


def _find(document: Any, key: str, path: Path) -> Any:
    node, above = document, "the file"
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            known = ", ".join(map(str, node)) if isinstance(node, Mapping) else "nothing"
            raise UserError(
                f"{path}: '{part}' is not defined in {above}, which has: {known}; add it or correct the name"
            )
        node, above = node[part], part if above == "the file" else f"{above}.{part}"
    return node


def parse(kind: type[T], mapping: Any, where: str) -> T:
    """Turn a mapping that stands in params.yaml at ``where``, such as ``"train.demo"``, into its model.

    Raises
    ------
    UserError
        A key is unknown or missing, or a value breaks a rule: names the first such key, its value and the rule.
    """
    try:
        return kind.model_validate(mapping)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, (where, *first["loc"])))
        known = f"; {where} takes {', '.join(kind.model_fields)}" if len(first["loc"]) == 1 else ""
        if first["type"] == "extra_forbidden":
            raise UserError(f"{PARAMS}: {key} is unknown{known}; correct or remove it") from error
        if first["type"] == "missing":
            raise UserError(f"{PARAMS}: {key} is missing{known}; add it") from error
        value = "" if isinstance(first["input"], Mapping) else f" is {first['input']!r}"
        rule = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{PARAMS}: {key}{value}: {rule[:1].lower()}{rule[1:]}; correct it") from error

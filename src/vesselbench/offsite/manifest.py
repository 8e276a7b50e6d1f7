"""What a finished stage says of itself: from which code, data and parameters it came, and what it wrote, by digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from vesselbench.config import PARAMS
from vesselbench.offsite.stages import PIPELINE, Stage, lookup

IGNORED = Path(".dvcignore")
ABSENT = "absent"


@dataclass(frozen=True)
class Manifest:
    """The first member of a pack.

    Attributes
    ----------
    stage, command
        Its name and what was run.
    params
        Values of the keys of params.yaml that it declares.
    inputs, outs
        SHA-256 of every file at or below its deps, and of every file that it wrote, by path.
    revision, clean
        The commit; whether all files that Git tracks were as in it, None where there was no repository to ask.
    device, torch
        The GPU's name, or the processor's; ``A + B`` if a training went on elsewhere. Version of PyTorch.
    started, seconds
        Date and time (UTC) of the last start; time on the clock, of all starts together.
    """

    stage: str
    command: str
    params: dict[str, Any]
    inputs: dict[str, str]
    revision: str
    clean: bool | None
    device: str
    torch: str
    started: str
    seconds: float = 0.0
    outs: dict[str, str] = field(default_factory=dict)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digests(paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of every file at or below paths of the working folder, by path, sorted; nothing for what is not there.

    Leaves out what .dvcignore names, as DVC does: names and patterns of names, of files or folders.
    """
    lines = IGNORED.read_text().splitlines() if IGNORED.exists() else []
    patterns = [line.rstrip("/") for line in lines if line and not line.startswith("#")]
    files = [file for path in map(Path, paths) for file in ([path] if path.is_file() else path.rglob("*"))]
    return {
        file.as_posix(): digest(file)
        for file in sorted(set(files))
        if file.is_file() and not any(fnmatch(part, pattern) for part in file.parts for pattern in patterns)
    }


def values_of(stage: Stage, params: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the keys that a stage declares, as they come back from JSON."""
    return json.loads(json.dumps({key: lookup(params, key) for key in stage.params}))


def differences(manifest: Manifest, stage: Stage, params: Mapping[str, Any], inputs: Mapping[str, str]) -> list[str]:
    """List what differs between a manifest and the same stage here; empty if its outputs are those of a run here.

    Parameters
    ----------
    manifest
        Of the run elsewhere.
    stage, params
        As dvc.yaml and params.yaml have them here.
    inputs
        Digests of the files at or below its deps here.

    Returns
    -------
    list of str
        ``<file>: <what was expected>, <what is here>; <the fix>``.
    """
    lines = []
    if manifest.command != stage.command:
        lines.append(f"{PIPELINE}: the command was {manifest.command!r}, here it is {stage.command!r}")
    for key, there, here in _compared(_leaves(manifest.params), _leaves(values_of(stage, params))):
        lines.append(f"{PARAMS}: {key} was {there}, here it is {here}; put that value back")
    for path, there, here in _compared(manifest.inputs, inputs):
        lines.append(f"{path}: it was {there}, here it is {here}; check out revision {manifest.revision[:12]}")
    return [f"{line}, or run the stage there again with the file of here" for line in lines]


def _compared(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    pairs = [(key, there.get(key, ABSENT), here.get(key, ABSENT)) for key in sorted({*there, *here})]
    return [(key, _shown(one), _shown(other)) for key, one, other in pairs if one != other]


def _shown(value: Any) -> str:
    """A digest is 64 characters long, which no other value is; its beginning tells it from another."""
    if value == ABSENT:
        return ABSENT
    return f"sha256 {value[:12]}..." if isinstance(value, str) and len(value) == 64 else repr(value)


def _leaves(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Flatten nested mappings to dotted keys; an empty mapping is a value."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _leaves(value, f"{above}{key}.") if isinstance(value, Mapping) and value else {f"{above}{key}": value}
    return flat

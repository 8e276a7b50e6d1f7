"""The files that hold the results: JSON for machines, a table for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from vesselbench.bench.table import markdown
from vesselbench.bench.targets import judge
from vesselbench.config import UserError
from vesselbench.files import whole_file


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written ({error.strerror}); make it writable, or name another folder by --folder"
        ) from error


def check_folder(folder: Path) -> None:
    """Make the folder of the results, before minutes are spent on them.

    Raises
    ------
    UserError
        It cannot be written.
    """
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()


def write_results(folder: Path, results: dict[str, Any]) -> str:
    """Write ``<device>.json`` and ``<device>.md`` (quick ones: ``<device>_quick``); return the table and both paths.

    Raises
    ------
    UserError
        The folder cannot be written.
    """
    results = _rounded(results | {"targets": judge(results)})
    text = markdown(results)
    name = results["settings"]["slug"] + ("_quick" if results["quick"] else "")
    contents = {folder / f"{name}.json": json.dumps(results, indent=2) + "\n", folder / f"{name}.md": text}
    for path, content in contents.items():
        with _writing(folder), whole_file(path) as part:
            part.write_text(content)
    return "\n".join([text, *map(str, contents)])


def _rounded(value: Any) -> Any:
    """Round every float, at any depth, to 5 significant digits: a clock tells no more."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value

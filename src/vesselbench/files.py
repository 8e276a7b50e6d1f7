"""Outputs that are either whole or absent, JSON and tables that are what they should be, the progress of long work."""

import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

import pandas as pd
from tqdm import tqdm

from vesselbench.config import UserError


def checkpoint_folder(run: str) -> Path:
    """Name the folder of what a run keeps until it is done: below $VESSELBENCH_CHECKPOINTS, else ``.checkpoints``."""
    return Path(os.environ.get("VESSELBENCH_CHECKPOINTS", ".checkpoints"), run)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder to fill, which takes the place of ``target`` when it is complete.

    Folders above are created. If the block raises (a full disk, Ctrl-C), ``target`` is left as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))  # on one file system
    part.chmod(0o755)
    try:
        yield part
        if target.exists():
            shutil.rmtree(target)
        part.rename(target)
    except OSError as error:
        error.filename = error.filename or str(target)  # a write that fails, as on a full disk, names no file
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a path with the suffix of ``target`` to write to, which takes its place in one step when complete.

    Folders above are created. If the block raises, ``target`` is left as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        yield part
        part.replace(target)
    except OSError as error:
        error.filename = error.filename or str(target)
        raise
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def reading(path: Path, fix: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn what a block finds wrong with a file (``ValueError``, ``errors``, no file) into a UserError with ``fix``."""
    try:
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):  # of rows that are too long
            yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; {fix}") from error
    except (ValueError, pd.errors.ParserWarning, *errors) as error:
        what = shorten(str(error), 300)  # on one line
        raise UserError(f"{path}: empty, cut short or another file's content ({what}); {fix}") from error


def read_json(path: Path, fix: str, keys: Sequence[str] = ()) -> Any:
    """Read a JSON file that has these keys; else UserError, which ends in ``fix``."""
    with reading(path, fix, TypeError):
        return _having(json.loads(path.read_bytes()), keys)


def read_table(path: Path, columns: Sequence[str], fix: str, **options: Any) -> pd.DataFrame:
    """Read a CSV file that has these columns, by ``pandas.read_csv``; else UserError, which ends in ``fix``."""
    with reading(path, fix):
        return _having(pd.read_csv(path, index_col=False, **options), columns)


def _having(content: Any, names: Sequence[str]) -> Any:
    if not all(name in content for name in names):
        raise ValueError(f"it must have {', '.join(names)}; it has {', '.join(map(str, content))}")
    return content


def progress(iterable: Iterable[Any] | None = None, **options: Any) -> tqdm:
    """Return a tqdm bar with rate and time left; plain lines, at most one in ten seconds, when not on a terminal."""
    terminal = sys.stderr.isatty()
    seconds = 0.2 if terminal else 10.0
    options = {"dynamic_ncols": terminal, "mininterval": seconds, "maxinterval": 10 * seconds, "miniters": 1, **options}
    if not terminal:
        bar = "{desc} {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
        options |= {"ascii": True, "bar_format": bar, "file": _Lines()}
    return tqdm(iterable, **options)


class _Lines:
    """Turns the bar's rewrites of one line into lines of their own."""

    def write(self, text: str) -> None:
        if text := text.strip("\r\n "):
            sys.stderr.write(text + "\n")

    def flush(self) -> None:
        sys.stderr.flush()

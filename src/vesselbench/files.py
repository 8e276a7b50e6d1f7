"""Outputs that are either whole or absent, and the progress of long work."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm


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

"""Outputs that are either whole or absent."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Fill a folder beside its final place and move it there when complete.

    Parameters
    ----------
    target
        The folder to make; what stood there before is replaced. Parent folders are created.

    Yields
    ------
    Path
        An empty folder on the same file system. If the block raises (a full disk, Ctrl-C), it is removed and
        ``target`` is left as it was.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
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
    """Write a file beside its final place and move it there when complete.

    Parameters
    ----------
    target
        The file to make; what stood there before is replaced in one step. Parent folders are created.

    Yields
    ------
    Path
        A path on the same file system, with the suffix of ``target``, to write to. If the block raises, it is
        removed and ``target`` is left as it was.
    """
    target = Path(target)
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

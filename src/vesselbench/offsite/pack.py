"""Packs: a manifest and the files that it lists, as a plain tar, in pieces where it is large."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from vesselbench.config import UserError
from vesselbench.files import whole_file, whole_folder
from vesselbench.offsite.manifest import Manifest

MANIFEST = "manifest.json"
AGAIN = "copy it here again with all its pieces"


def write_pack(path: Path, manifest: Manifest, files: Mapping[str, Path], piece: int) -> int:
    """Write ``<path>``, or ``<path>.000`` and so on if it is larger than a piece; what was there before is replaced.

    Parameters
    ----------
    path
        Name of the tar file.
    manifest
        Its first member; ``outs`` lists ``files``.
    files
        Where each file is, by its name in the pack.
    piece
        Largest size of a file, in bytes.

    Returns
    -------
    int
        The number of bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=path.parent) as whole:
        with tarfile.open(fileobj=whole, mode="w") as tar:
            content = (json.dumps(asdict(manifest), indent=2) + "\n").encode()
            _add(tar, MANIFEST, io.BytesIO(content), len(content))
            for name, file in files.items():
                with file.open("rb") as stream:
                    _add(tar, name, stream, file.stat().st_size)
        size = whole.tell()
        count = -(-size // piece)
        parts = [path] if count == 1 else [path.with_name(f"{path.name}.{number:03}") for number in range(count)]
        remove_pack(path)
        for number in reversed(range(count)):  # the one that makes a pack found comes last, when all others are there
            whole.seek(number * piece)
            with whole_file(parts[number]) as place:
                place.write_bytes(whole.read(piece))
    return size


def _add(tar: tarfile.TarFile, name: str, stream: BinaryIO, size: int) -> None:
    member = tarfile.TarInfo(name)  # no owner, no date: the same files make the same bytes
    member.size = size
    tar.addfile(member, stream)


def find_packs(folder: Path) -> list[Path]:
    """Names of the packs in a folder, without the numbers of pieces, sorted."""
    found = (re.fullmatch(r"([^.].*\.tar)(\.\d{3})?", file.name) for file in folder.glob("*"))
    return sorted({folder / match[1] for match in found if match})


def pieces(path: Path) -> list[Path]:
    """Files of a pack, in order: itself alone, or its pieces; empty if there is none."""
    return [path] if path.exists() else sorted(path.parent.glob(f"{path.name}.[0-9][0-9][0-9]"))


def remove_pack(path: Path) -> None:
    """Delete a pack, its first piece first."""
    for file in pieces(path):
        file.unlink()


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a pack for reading, whatever its pieces.

    Raises
    ------
    UserError
        A piece is missing, or what is there is no tar.
    """
    files = pieces(path)
    numbered = [path.with_name(f"{path.name}.{number:03}") for number in range(len(files))]
    if files not in ([path], numbered):
        lost = next(wanted for wanted, file in zip(numbered, files, strict=True) if wanted != file)
        raise UserError(f"{lost}: this piece is missing; {AGAIN}")
    try:
        with TemporaryFile() as whole:
            for file in files:
                with file.open("rb") as stream:
                    shutil.copyfileobj(stream, whole)
            whole.seek(0)
            with tarfile.open(fileobj=whole, mode="r:") as tar:
                yield tar
    except tarfile.TarError as error:
        raise UserError(f"{path}: it cannot be read ({error}); {AGAIN}") from error


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a pack.

    Raises
    ------
    UserError
        The pack is incomplete, or no pack.
    """
    with _opened(path) as tar:
        first = tar.next()
        if first is None or first.name != MANIFEST:
            raise UserError(f"{path}: its first member is not {MANIFEST}; {AGAIN}")
        try:
            return Manifest(**json.load(tar.extractfile(first)))
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}: {MANIFEST} is not one of this version ({error}); run the stage again") from error


def check_pack(path: Path) -> Manifest:
    """Read the manifest of a pack and compare every file with it.

    Raises
    ------
    UserError
        The pack is incomplete, or a file is not the one that the manifest lists.
    """
    manifest = read_manifest(path)
    found = {}
    with _opened(path) as tar:
        for member in tar.getmembers()[1:]:
            content = tar.extractfile(member)  # None for what is no file
            found[member.name] = hashlib.file_digest(content, "sha256").hexdigest() if content else "not a file"
    for name in sorted({*manifest.outs, *found}):
        said, held = manifest.outs.get(name, "nothing"), found.get(name, "nothing")
        if said != held:
            raise UserError(f"{path}: {name}: the manifest says {said[:12]}, the pack holds {held[:12]}; {AGAIN}")
    return manifest


def unpack(path: Path, out: str, target: Path) -> None:
    """Write one out of a pack, a file or a folder, to its place; what stood there is replaced when all is written."""
    with _opened(path) as tar:
        members = {member.name: member for member in tar.getmembers()}
        if out in members:
            with whole_file(target) as place, place.open("wb") as stream:
                shutil.copyfileobj(tar.extractfile(members[out]), stream)
            return
        with whole_folder(target) as place:
            for name in (name for name in members if name.startswith(f"{out}/")):
                file = place / name.removeprefix(f"{out}/")
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("wb") as stream:
                    shutil.copyfileobj(tar.extractfile(members[name]), stream)

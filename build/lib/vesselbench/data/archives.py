"""Reading owners' archives: one member after the other, into memory, known by its bytes."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from vesselbench.config import UserError
from vesselbench.data.manifest import RawFile

VARIABLE = "VESSELBENCH_ARCHIVES"
DEFAULT_FOLDER = Path("data/archives")
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, RuntimeError)


@dataclass
class Inventory:
    """What was found of a manifest's files: the paths that match, and the digest found in place of others."""

    matching: set[str] = field(default_factory=set)
    differing: dict[str, str] = field(default_factory=dict)


def archive_folder() -> Path:
    """Return where a person puts archives: ``$VESSELBENCH_ARCHIVES``, else ``data/archives``.

    Raises
    ------
    UserError
        The variable holds a relative path, which would mean another place for every working folder of
        DVC's, or a path where there is no folder.
    """
    value = os.environ.get(VARIABLE, "")
    if not value:
        return DEFAULT_FOLDER
    if not Path(value).is_absolute():
        raise UserError(f"${VARIABLE} is '{value}'; it must be an absolute path; start it with /")
    if not Path(value).is_dir():
        raise UserError(f"${VARIABLE} is '{value}', where there is no folder; correct or unset it")
    return Path(value)


def take_inventory(
    archive: Path,
    files: Sequence[RawFile],
    origin: str,
    keep: Callable[[RawFile, bytes], None] = lambda *_: None,
) -> Inventory:
    """Look for the files of a manifest in an archive, by their bytes and not by their names.

    Parameters
    ----------
    archive
        A zip or tar, the latter packed or not. Members that end in ``.gz`` are unpacked before they are
        compared.
    files
        The manifest.
    origin
        Where to fetch the archive again, for errors.
    keep
        Called with each file found and its bytes.

    Returns
    -------
    Inventory
        A member that bears the owner's name of a file, but not its bytes, counts as differing.

    Raises
    ------
    UserError
        The archive is damaged, or holds a member that an honest one would not (see :func:`read_members`).
    """
    by_digest = {file.sha256: file for file in files}
    by_member = {file.member: file for file in files if file.archive == archive.name}
    inventory = Inventory()
    for member, data in read_members(archive, origin):
        digest = hashlib.sha256(data).hexdigest()
        if digest in by_digest:
            inventory.matching.add(by_digest[digest].path)
            keep(by_digest[digest], data)
        elif member in by_member:
            inventory.differing[by_member[member].path] = digest
    return inventory


def read_members(archive: Path, origin: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file in an archive; nothing is ever written where a member's name points.

    Raises
    ------
    UserError
        The archive is cut short or damaged. Or a member is a link or a device, or its name is absolute or
        climbs out by ``..``: no owner's archive holds such, so it is refused as a whole.
    """
    members = _zip_members(archive) if archive.suffix == ".zip" else _tar_members(archive)
    while True:
        try:
            member = next(members, None)
        except DAMAGE as error:
            fault = f"damaged or cut short ({error})"
            raise UserError(f"{archive}: {fault}; fetch it again from {origin}") from error
        if member is None:
            return
        yield member


def _zip_members(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            _refuse_unsafe(archive, info.orig_filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
            if not info.is_dir():
                yield info.filename, _unpacked(info.filename, packed.read(info))


def _tar_members(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive, "r|*") as packed:  # one pass, no going back
        for info in packed:
            _refuse_unsafe(archive, info.name, info.isreg() or info.isdir())
            if info.isreg():
                yield info.name, _unpacked(info.name, packed.extractfile(info).read())


def _unpacked(name: str, data: bytes) -> bytes:
    return gzip.decompress(data) if name.endswith(".gz") else data


def _refuse_unsafe(archive: Path, name: str, plain: bool) -> None:
    path = PureWindowsPath(name)  # splits at / and at \\, and knows drives
    if not plain or path.anchor or ".." in path.parts:
        kind = "points outside its folder" if plain else "is a link or a device"
        raise UserError(f"{archive}: member '{name}' {kind}; refused; fetch the archive from its owner")

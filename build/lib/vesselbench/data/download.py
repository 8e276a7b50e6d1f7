"""From archives, a mirror or the drawing board to ``data/raw/<dataset>``: every file known by its bytes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vesselbench.config import UserError, build
from vesselbench.data.archives import DEFAULT_FOLDER, Inventory, archive_folder, take_inventory
from vesselbench.data.manifest import RawFile, Source, find_source, list_samples, read_manifest
from vesselbench.data.mirror import fetch
from vesselbench.data.sample import write_samples
from vesselbench.files import whole_folder

MIRROR_ARCHIVE = DEFAULT_FOLDER / "mirror.tar.gz"  # one for all data sets
CONSEQUENCES = {  # of files that are absent
    "second_observer/": "the tables will lack the second observer's row, or show it for fewer images",
    "fov/": "the field of view will be estimated instead",
}


def obtain(dataset: str, parameters: Mapping[str, Any], target: Path) -> None:
    """Put a data set into a folder, whole or not at all.

    Looks for the owner's archives in the folder of :func:`~vesselbench.data.archives.archive_folder`; if
    none of them is there, takes the public mirror's, when the parameters allow it; a drawn data set is
    drawn.

    Parameters
    ----------
    dataset
        Name of a folder in ``sources/``.
    parameters
        ``datasets.<dataset>.source`` of params.yaml.
    target
        ``data/raw/<dataset>``; gets ``samples.csv`` and the files that it lists.

    Raises
    ------
    UserError
        The data set or a parameter is unknown; an archive is absent, damaged or altered. The message says
        what to fetch from where. ``target`` is then as it was, as it is when the disk is full.
    """
    source = find_source(dataset)
    options = build(source.parameters, parameters, f"datasets.{dataset}.source")
    if source.draw:
        with whole_folder(target) as folder:
            write_samples(source.draw(options, folder), folder)
    else:
        _unpack(source, read_manifest(dataset), find_archives(source, dataset, options.mirror), target)


def find_archives(source: Source, dataset: str, mirror: bool) -> list[Path]:
    """Return the archives to read, fetching the mirror's if it is needed and allowed.

    Raises
    ------
    UserError
        Some but not all of the owner's archives are there, or none is and the mirror may not be used or
        does not answer.
    """
    folder = archive_folder()
    archives = [folder / name for name in source.archives]
    absent = [path for path in archives if not path.exists()]
    if not absent:
        return archives
    names = ", ".join(path.name for path in absent)
    advice = f"fetch {names} from {source.page} and put into {folder}"
    if mirror and len(absent) == len(archives):
        if not MIRROR_ARCHIVE.exists():
            print(f"{absent[0]}: no such file; turning to the mirror {source.mirror}", file=sys.stderr)
            try:
                fetch(source.mirror, MIRROR_ARCHIVE)
            except UserError as error:
                raise UserError(f"{error}; or {advice}") from error
        return [MIRROR_ARCHIVE]
    other = "take the others away" if mirror else f"set datasets.{dataset}.source.mirror to true"
    raise UserError(f"{absent[0]}: no such file; {advice}, or {other} to use the public mirror")


def origin(source: Source, archive: Path) -> str:
    """Say where to fetch an archive again."""
    return "the mirror: remove it and run this again" if archive == MIRROR_ARCHIVE else source.page


def describe_fault(source: Source, archive: Path, files: Sequence[RawFile], found: Inventory) -> str:
    """Say what is wrong with an archive, how it is known, and what to do; ``""`` if it will do.

    Parameters
    ----------
    source
        The data set.
    archive
        The archive.
    files
        The manifest of the whole data set. Optional files may be absent, though not altered.
    found
        What was found of it, in this archive or others.
    """
    files = [file for file in files if archive == MIRROR_ARCHIVE or file.archive == archive.name]
    wrong = {file.path: file for file in files if file.path not in found.matching}
    altered = [path for path in wrong if path in found.differing]
    lacking = [path for path, file in wrong.items() if path not in found.differing and not file.optional]
    if not altered and not lacking:
        return ""
    start = f"{archive}: {len(files) - len(wrong)} of {len(files)} files match the manifest; "
    known = "" if altered else source.explain(lacking)
    if known:
        return start + known
    first, others = wrong[(altered or lacking)[0]], len(altered or lacking) - 1
    what = f"{first.member} is missing"
    if altered:
        digest = found.differing[first.path]
        what = f"{first.member} differs (sha256 expected {first.sha256}, found {digest})"
    more = f", and {others} more" if others else ""
    return f"{start}{what}{more}; fetch the archive again from {origin(source, archive)}"


def _unpack(source: Source, files: Sequence[RawFile], archives: Sequence[Path], target: Path) -> None:
    with whole_folder(target) as folder:

        def keep(file: RawFile, data: bytes) -> None:
            path = folder / file.path
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

        found = Inventory()
        for archive in archives:
            inventory = take_inventory(archive, files, origin(source, archive), keep)
            found.matching |= inventory.matching
            found.differing |= inventory.differing
        for fault in (describe_fault(source, archive, files, found) for archive in archives):
            if fault:
                raise UserError(fault)
        write_samples(list_samples(source, sorted(found.matching), folder), folder)
    for name, consequence in CONSEQUENCES.items():
        absent = sum(file.path.startswith(name) and file.path not in found.matching for file in files)
        if absent:
            print(f"warning: {archives[0]}: lacks {absent} files of {name}; {consequence}", file=sys.stderr)

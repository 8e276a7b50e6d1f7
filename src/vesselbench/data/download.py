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

MIRROR_ARCHIVE = DEFAULT_FOLDER / "mirror.tar.gz"


def obtain(dataset: str, parameters: Mapping[str, Any], target: Path) -> None:
    """Put a data set into a folder, whole or not at all.

    Looks for the owner's archives in the folder of :func:`~vesselbench.data.archives.archive_folder`; if none of them
    is there, takes the public mirror's, when the parameters allow it; a drawn data set is drawn.

    Parameters
    ----------
    dataset
        Name of a file in ``sources/``.
    parameters
        ``datasets.<dataset>.source`` of params.yaml.
    target
        ``data/raw/<dataset>``; gets ``samples.csv`` and the files that it lists.

    Raises
    ------
    UserError
        The data set or a parameter is unknown; an archive is absent, damaged or altered; the disk is full. The
        message says what to fetch from where. ``target`` is then as it was.
    """
    source = find_source(dataset)
    options = build(source.parameters, parameters, f"datasets.{dataset}.source")
    try:
        if source.draw:
            with whole_folder(target) as folder:
                write_samples(source.draw(options, folder), folder)
        else:
            files = read_manifest(dataset)
            _unpack(source, files, find_archives(source, dataset, options.mirror), target)
    except OSError as error:
        raise UserError(
            f"{target}: {error.strerror or error}; make room or correct the permissions; nothing was changed there"
        ) from error


def find_archives(source: Source, dataset: str, mirror: bool) -> list[Path]:
    """Return the archives to read, fetching the mirror's if it is needed and allowed.

    Raises
    ------
    UserError
        Some but not all of the owner's archives are there, or none is and there is no mirror to turn to.
    """
    folder = archive_folder()
    archives = [folder / name for name in source.archives]
    absent = [path for path in archives if not path.exists()]
    if not absent:
        return archives
    if len(absent) == len(archives) and mirror and source.mirror:
        if not MIRROR_ARCHIVE.exists():
            print(f"{folder}: no {archives[0].name}; turning to the mirror {source.mirror}", file=sys.stderr)
            fetch(source.mirror, MIRROR_ARCHIVE)
        return [MIRROR_ARCHIVE]
    raise UserError(
        f"{absent[0]}: no such file; fetch {' and '.join(path.name for path in absent)} from {source.page} and put it "
        f"there, or set datasets.{dataset}.source.mirror to true" + ", with none of its archives there" * bool(mirror)
    )


def _unpack(source: Source, files: Sequence[RawFile], archives: Sequence[Path], target: Path) -> None:
    with whole_folder(target) as folder:

        def keep(file: RawFile, data: bytes) -> None:
            path = folder / file.path
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

        found = Inventory()
        for archive in archives:
            inventory = take_inventory(archive, files, keep)
            found.matching |= inventory.matching
            found.differing |= inventory.differing
        for archive in archives:
            expected = [file for file in files if archive.name == file.archive or archive == MIRROR_ARCHIVE]
            fault = describe_fault(source, archive, expected, found)
            if fault:
                raise UserError(fault)
        write_samples(list_samples(source, sorted(found.matching), folder), folder)
    absent = len(files) - len(found.matching)
    if absent:
        print(
            f"warning: {archives[0]}: without {absent} label maps of the second observer; the row of the second "
            f"observer will be missing from the tables; {source.page} may have them",
            file=sys.stderr,
        )


def describe_fault(source: Source, archive: Path, files: Sequence[RawFile], found: Inventory) -> str:
    """Say what is wrong with an archive, how it is known, and what to do; ``""`` if it will do.

    Parameters
    ----------
    source
        The data set.
    archive
        The archive.
    files
        The files that it should hold. Those of the second observer may be absent, though not altered.
    found
        What was found.
    """
    wrong = [file for file in files if file.path not in found.matching]
    altered = [file for file in wrong if file.path in found.differing]
    lacking = [file.path for file in wrong if file.path not in found.differing and not file.optional]
    if not altered and not lacking:
        return ""
    start = f"{archive}: {len(files) - len(wrong)} of {len(files)} files match the manifest; "
    if altered:
        digest = found.differing[altered[0].path]
        more = f" (and {len(altered) - 1} more)" if len(altered) > 1 else ""
        what = f"{altered[0].member}{more} differs (sha256 expected {altered[0].sha256}, found {digest})"
    elif known := source.explain(lacking):
        return start + known
    else:
        member = next(file.member for file in wrong if file.path == lacking[0])
        what = f"{member} is missing" + (f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else "")
    place = "the mirror: remove it and run this again" if archive == MIRROR_ARCHIVE else source.page
    return f"{start}{what}; fetch the archive again from {place}"

"""What is there of a data set, what is missing, what differs, and where to get it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from vesselbench.config import UserError
from vesselbench.data.archives import Inventory, take_inventory
from vesselbench.data.download import MIRROR_ARCHIVE, describe_fault, origin
from vesselbench.data.manifest import RawFile, Source, find_source, read_manifest
from vesselbench.data.sample import COLUMNS, read_samples


def check(dataset: str, archives: Path, raw: Path) -> tuple[list[str], bool]:
    """Look at a data set's archives and files, changing nothing.

    Parameters
    ----------
    dataset
        Name of a folder in ``sources/``.
    archives
        The folder of archives.
    raw
        ``data/raw/<dataset>``.

    Returns
    -------
    lines : list of str
        For people; the first names the data set, the others are indented.
    all_well : bool
        Nothing is damaged or altered, and the data set is in ``raw``, or the archives to make it from are
        there.

    Raises
    ------
    UserError
        The data set is unknown.
    """
    source = find_source(dataset)
    if source.draw:
        lines, all_well = _check_drawn(dataset, raw)
        return [
            f"{dataset}: {source.title}, drawn by this project",
            *(f"  {line}" for line in lines),
        ], all_well
    files = read_manifest(dataset)
    archive_lines, archive_state = _check_archives(source, files, archives)
    raw_lines, raw_state = _check_raw(dataset, files, raw)
    states = (archive_state, raw_state)
    lines = [f"{dataset}: {source.title}, {len(files)} files", *(f"  {x}" for x in archive_lines + raw_lines)]
    return lines, "faulty" not in states and "whole" in states


def _check_archives(source: Source, files: Sequence[RawFile], folder: Path) -> tuple[list[str], str]:
    paths = [folder / name for name in source.archives]
    if MIRROR_ARCHIVE.exists() and not any(path.exists() for path in paths):
        paths = [MIRROR_ARCHIVE]
    lines, states = [], set()
    for path in paths:
        if not path.exists():
            lines.append(f"{path}: not there; fetch it from {source.page}")
            states.add("absent")
            continue
        try:
            found = take_inventory(path, files, origin(source, path))
            fault = describe_fault(source, path, files, found)
        except UserError as error:
            fault = str(error)
        lines.append(fault or f"{path}: {len(found.matching)} files match the manifest")
        states.add("faulty" if fault else "whole")
    if states == {"absent"}:
        lines.append(f"without archives, the download takes the public mirror {source.mirror}, if it may")
    return lines, next(state for state in ("faulty", "absent", "whole") if state in states)


def _check_raw(dataset: str, files: Sequence[RawFile], raw: Path) -> tuple[list[str], str]:
    if not (raw / "samples.csv").exists():
        return [f"{raw}: not there; run 'dvc repro download@{dataset}'"], "absent"
    found = Inventory()
    for file in files:
        if (raw / file.path).is_file():
            digest = hashlib.sha256((raw / file.path).read_bytes()).hexdigest()
            if digest == file.sha256:
                found.matching.add(file.path)
            else:
                found.differing[file.path] = digest
    lines = [f"{raw}: {len(found.matching)} of {len(files)} files match the manifest"]
    faulty = bool(found.differing)
    for file in files:
        if file.path in found.differing:
            digests = f"sha256 expected {file.sha256}, found {found.differing[file.path]}"
            lines.append(f"{raw / file.path}: differs ({digests})")
        elif file.path not in found.matching:
            faulty |= not file.optional
            lines.append(f"{raw / file.path}: missing" + " (the pipeline runs without it)" * file.optional)
    if faulty:
        lines.append(f"remove {raw} and run 'dvc repro download@{dataset}' to make it anew")
    return lines, "faulty" if faulty else "whole"


def _check_drawn(dataset: str, raw: Path) -> tuple[list[str], bool]:
    if not (raw / "samples.csv").exists():
        return [f"{raw}: not there; run 'dvc repro download@{dataset}' to draw it"], True
    samples = read_samples(raw)
    paths = [getattr(sample, name) for sample in samples for name in COLUMNS[3:]]
    missing = [path for path in paths if path is not None and not path.is_file()]
    lines = [f"{raw}: {len(samples)} images, {len(missing)} files missing"]
    lines += [f"{path}: missing; run 'dvc repro --force download@{dataset}'" for path in missing]
    return lines, not missing

"""From the owner's archives, a mirror or the drawing board to ``data/raw/<name>``: every file known by its bytes."""

import gzip
import hashlib
import io
import os
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO

import pandas as pd
import pooch
import requests
from PIL import Image

from vesselbench.config import UserError, parse, repository
from vesselbench.data.sample import read_samples, write_samples
from vesselbench.datasets.source import RawFile, Source, find_source, list_samples, read_manifest
from vesselbench.files import whole_file, whole_folder

DEFAULT_FOLDER = Path("data/archives")
PACKED = (".zip", ".tar", ".tar.gz", ".tgz")
LARGEST = 1 << 28  # bytes of a file that is looked into


def obtain(name: str, parameters: Mapping[str, Any], target: Path) -> None:
    """Put a data set into ``target``, its ``samples.csv`` with it: from the owner's archives, the mirror, or drawn.

    ``parameters`` is ``sources.<name>`` of params.yaml. Unknown names and parameters, archives that are absent,
    damaged or altered are UserErrors; ``target`` is then as it was, as it is when the disk is full. Where some archives
    are there and others are not, all comes from the mirror, which holds the same bytes.
    """
    source, files = find_source(name), read_manifest(name)
    options = parse(source.parameters, parameters, f"sources.{name}")
    with whole_folder(target) as folder:
        if source.draw:
            write_samples(source.draw(options, folder), folder)
            return
        found, verdicts = take_inventory(source, archive_folder(), files, folder)
        absent = [line for state, line in verdicts if state == "absent"]
        if absent and "faulty" not in dict(verdicts):
            advice = "; ".join(absent)
            if not (source.mirror and options.mirror):
                other = f"; or set sources.{name}.mirror to true to use the public mirror"
                raise UserError(advice + other * bool(source.mirror))
            if not mirror_archive(source).exists():
                print(f"{advice}; turning to the mirror {source.mirror}", file=sys.stderr)
                _fetch_mirror(source, advice)
            found, verdicts = take_inventory(source, mirror_archive(source), files, folder)
        for state, line in verdicts:
            if state == "faulty":
                raise UserError(line)
            if state == "usable":
                print(f"warning: {line}", file=sys.stderr)
        write_samples(list_samples(source, sorted(found), folder), folder)


def archive_folder() -> Path:
    """Return where a person puts archives: ``$VESSELBENCH_ARCHIVES``, an absolute path, else ``data/archives``."""
    value = os.environ.get("VESSELBENCH_ARCHIVES", "")
    if value and not (Path(value).is_absolute() and Path(value).is_dir()):  # relative: DVC runs experiments elsewhere
        rule = "it must be the absolute path of a folder that exists; correct or unset it"
        raise UserError(f"$VESSELBENCH_ARCHIVES is '{value}'; {rule}")
    return Path(value) if value else repository() / DEFAULT_FOLDER


def mirror_archive(source: Source) -> Path:
    """Return where the mirror's archive is kept; data sets whose mirror has one address share it."""
    return repository() / DEFAULT_FOLDER / f"mirror-{hashlib.sha256(source.mirror.encode()).hexdigest()[:8]}.tar.gz"


def _fetch_mirror(source: Source, advice: str) -> None:
    # The server packs the archive on demand: its sha256 cannot be known, but gzip's checksum at the end must be right.
    options = {"chunk_size": 1 << 16, "headers": {"Accept-Encoding": "identity"}}
    with whole_file(mirror_archive(source)) as part:
        try:
            pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), **options)(source.mirror, part, None)
            with gzip.open(part) as stream:
                while stream.read(1 << 20):
                    pass
        except (requests.RequestException, gzip.BadGzipFile, EOFError, zlib.error) as error:
            fault = f"the mirror must send a whole .tar.gz file, but {type(error).__name__}: {error}"
            raise UserError(f"{source.mirror}: {fault}; check the connection and try again, or {advice}") from error


def take_inventory(
    source: Source, place: Path, files: list[RawFile], folder: Path | None = None
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Look for the files of a manifest, by their bytes, and write them to ``folder`` where given.

    ``place`` is the mirror's archive, or the folder that people put archives into. There, what the archives of the
    owner's names lack is looked for in all else: ``DRIVE (1).zip``, ``training.zip``, a folder ``DRIVE``. Returns a
    file's path -> the sha256 found, the manifest's or that of another file of its name; and, for each archive that
    should hold some, what ``judge`` says, or that it is ``"absent"``.
    """
    mirror = place == mirror_archive(source)
    fix = f"fetch it again from {source.page}, or take it away"
    archives = [place / archive for archive in source.archives]
    others = sorted(path for path in place.glob("[!.]*") if not path.name.startswith("mirror-"))
    if mirror:
        fix, archives, others = "remove it and run this again: it comes from the mirror", [place], []
    found, where, faults = {}, {}, {}
    for top in dict.fromkeys([*archives, *others]):
        for path in filter(Path.is_file, (top, *sorted(top.rglob("*")))):
            lacking = [file for file in files if found.get(file.path) != file.sha256]
            try:
                right, altered = _recognise(read_members(path, fix), lacking) if lacking else ({}, {})
            except UserError as error:  # what is damaged gives nothing
                faults.setdefault(top, str(error))
                continue
            found = altered | found | {file.path: file.sha256 for file in lacking if file.path in right}
            where |= dict.fromkeys(right, top)
            for name, data in right.items() if folder else ():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(data)

    unread = next((f"; not read: {fault}" for top, fault in faults.items() if top not in archives), "")
    verdicts = []
    for archive in archives:
        own = [file for file in files if mirror or file.archive == archive.name]
        places = [str(where[file.path]) for file in own if file.path in where] or [str(archive)] * archive.is_file()
        if archive in faults and any(found.get(file.path) != file.sha256 for file in own):
            verdicts.append(("faulty", faults[archive]))
        elif places:
            verdicts.append(judge(source, ", ".join(dict.fromkeys(places)), own, found, fix + unread))
        else:
            verdicts.append(("absent", f"{archive}: not there; fetch it from {source.page}{unread}"))
    return found, verdicts


def _recognise(members: Iterable[tuple[str, bytes]], files: list[RawFile]) -> tuple[dict[str, bytes], dict[str, str]]:
    """Tell which of the files are among the members: path -> data; and whose name has others' bytes: path -> sha256."""
    right, altered = {}, {}
    for member, data in members:
        digest, name = hashlib.sha256(data).hexdigest(), PurePosixPath(member).name
        for file in files:
            if file.sha256 == digest:
                right[file.path] = data
            elif PurePosixPath(file.member).name == name:
                altered[file.path] = digest
    return right, altered


def judge(
    source: Source, where: str, files: list[RawFile], found: Mapping[str, str], fix: str, raw: bool = False
) -> tuple[str, str]:
    """Say what became of the manifest's files that should be in ``where``: archives and what people unpacked, or raw.

    Returns ``"whole"``, ``"usable"`` (optional files are absent) or ``"faulty"``, and a line: how many ``found``, as
    ``take_inventory`` gives them, what is wrong, how it is known, and what to do, which is ``fix`` mostly.
    """
    wrong = [file for file in files if found.get(file.path) != file.sha256]
    altered = [file for file in wrong if file.path in found]
    lacking = [file for file in wrong if file.path not in found and not file.optional]
    line = f"{where}: {len(files) - len(wrong)} of {len(files)} files match the manifest"
    if not wrong:
        return "whole", line
    if not altered and not lacking:
        folders = sorted({file.path.split("/")[0] for file in wrong})
        estimated = ", where params.yaml has fov: estimated" * ("fov" in folders)
        return "usable", f"{line}; the pipeline runs without the others, of {', '.join(folders)}{estimated}"
    known = "" if altered or raw else source.explain([file.path for file in lacking])
    first, *others = altered or lacking
    what = f"differs (sha256 expected {first.sha256}, found {found[first.path]})" if altered else "is missing"
    member, more = first.path if raw else first.member, f", and {len(others)} more" if others else ""
    return "faulty", f"{line}; {known or f'{member} {what}{more}; {fix}'}"


def read_members(path: Path, fix: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file in a zip or a tar, and in those that it holds; or of a single file.

    What ends in ``.gz`` comes unpacked; what a Mac adds, and what is larger than any image here, is passed over.
    Nothing is ever written where a member's name points. UserError, with the ``fix``, if the archive is cut short or
    damaged; or if it holds links, devices, or names that are absolute or climb out by ``..``: no honest one does.
    """
    try:
        with path.open("rb") as stream:
            for outer, packed in _unpack(path, path.name, stream):
                for member, data in _unpack(path, outer, io.BytesIO(packed)):
                    yield member, gzip.decompress(data) if member.endswith(".gz") else data
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error, RuntimeError) as error:
        raise UserError(f"{path}: damaged or cut short ({error}); {fix}") from error


def _unpack(archive: Path, name: str, stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a zip or a tar in or under ``archive``; what is called otherwise is one file, as it is."""
    for member, plain, data in _entries(name, stream):
        path = PureWindowsPath(member)  # splits at / and at \\, and knows drives
        if not plain or path.anchor or ".." in path.parts:
            what = f"member '{member}' points outside its folder, or is a link or a device"
            raise UserError(f"{archive}: {what}; refused; fetch the archive from its owner")
        if data is not None and not path.name.startswith(".") and "__MACOSX" not in path.parts:
            yield member, data


def _entries(name: str, stream: BinaryIO) -> Iterator[tuple[str, bool, bytes | None]]:
    if name.lower().endswith(".zip"):
        with zipfile.ZipFile(stream) as packed:
            for info in packed.infolist():
                plain = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
                passed = info.is_dir() or info.file_size > LARGEST
                yield info.orig_filename, plain, None if passed else packed.read(info)
    elif name.lower().endswith(PACKED):
        with tarfile.open(fileobj=stream, mode="r|*") as packed:  # one pass, no going back
            for info in packed:
                data = packed.extractfile(info).read() if info.isreg() and info.size <= LARGEST else None
                yield info.name, info.isreg() or info.isdir(), data
    else:
        yield name, True, stream.read(LARGEST)


def check(name: str, archives: Path, raw: Path) -> tuple[list[str], bool]:
    """Look at a data set's archives in a folder and at its files in ``data/raw/<name>``, changing nothing.

    Returns lines for people, and whether all is well: nothing is damaged or altered, and the data set is in ``raw``,
    or the archives to make it from are there. UserError if the data set is unknown.
    """
    source, files = find_source(name), read_manifest(name)
    _, verdicts = take_inventory(source, archives, files)
    if {state for state, _ in verdicts} == {"absent"} and mirror_archive(source).exists():
        _, verdicts = take_inventory(source, mirror_archive(source), files)
    states, lines = [state for state, _ in verdicts], [line for _, line in verdicts]
    if source.mirror and "absent" in states:
        lines.append(f"what is not there the download takes from the public mirror {source.mirror}, if it may")
    state, line = _judge_raw(name, source, files, raw)
    all_well = "faulty" not in (*states, state) and (state != "absent" or "absent" not in states)
    title = f"{name}: {source.title}, " + ("drawn by this project" if source.draw else f"{len(files)} files")
    return [title, *(f"  {line}" for line in (*lines, line))], all_well


def _judge_raw(name: str, source: Source, files: list[RawFile], raw: Path) -> tuple[str, str]:
    make = f"run 'dvc repro download@{name}'"
    if not (raw / "samples.csv").exists():
        return "absent", f"{raw}: not there; {make}"
    if source.draw:
        paths = [path for sample in read_samples(raw) for path in vars(sample).values() if isinstance(path, Path)]
        lost = [path for path in paths if not path.is_file()]
        fault = f"; {lost[0]} is missing; remove {raw} and {make}" if lost else ""
        return "faulty" if lost else "whole", f"{raw}: {len(paths) - len(lost)} of {len(paths)} files{fault}"
    found = {file.path: pooch.file_hash(path) for file in files if (path := raw / file.path).is_file()}
    return judge(source, str(raw), files, found, f"remove {raw} and {make}", raw=True)


def record(source: Source, archives: Path, manifest: Path) -> None:
    """Write the manifest of a data set that is added: what its archives hold now is asked for ever after."""
    files = []
    for archive in source.archives:
        for member, data in read_members(archives / archive, f"fetch it again from {source.page}"):
            if (path := source.place(member)) is not None:
                columns, rows = Image.open(io.BytesIO(data)).size
                files.append(RawFile(path, hashlib.sha256(data).hexdigest(), rows, columns, archive, member))
    with whole_file(manifest) as part:
        pd.DataFrame(sorted(files, key=lambda file: file.path)).to_csv(part, index=False)

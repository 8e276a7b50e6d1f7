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
from collections.abc import Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import pandas as pd
import pooch
import requests
from PIL import Image

from vesselbench.config import UserError, parse
from vesselbench.data.sample import read_samples, write_samples
from vesselbench.datasets.source import RawFile, Source, find_source, list_samples, read_manifest
from vesselbench.files import whole_file, whole_folder

DEFAULT_FOLDER = Path("data/archives")


def obtain(name: str, parameters: Mapping[str, Any], target: Path) -> None:
    """Put a data set into ``target``, its ``samples.csv`` with it: from the owner's archives, the mirror, or drawn.

    ``parameters`` is ``sources.<name>`` of params.yaml. Unknown names and parameters, archives that are absent,
    damaged or altered are UserErrors; ``target`` is then as it was, as it is when the disk is full.
    """
    source, files = find_source(name), read_manifest(name)
    options = parse(source.parameters, parameters, f"sources.{name}")
    archives = [] if source.draw else _find_archives(source, name, options.mirror)
    with whole_folder(target) as folder:
        if source.draw:
            write_samples(source.draw(options, folder), folder)
            return
        found = take_inventory(source, archives, files, folder)
        for archive in archives:
            state, line = judge(source, archive, files, found, _how_to_mend(source, archive))
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
    return Path(value) if value else DEFAULT_FOLDER


def mirror_archive(source: Source) -> Path:
    """Return where the mirror's archive is kept; data sets whose mirror has one address share it."""
    return DEFAULT_FOLDER / f"mirror-{hashlib.sha256(source.mirror.encode()).hexdigest()[:8]}.tar.gz"


def _find_archives(source: Source, name: str, mirror: bool) -> list[Path]:
    folder = archive_folder()
    archives = [folder / archive for archive in source.archives]
    absent = [path for path in archives if not path.exists()]
    if not absent:
        return archives
    advice = f"fetch {', '.join(path.name for path in absent)} from {source.page} and put into {folder}"
    if source.mirror and mirror and absent == archives:
        if not mirror_archive(source).exists():
            print(f"{absent[0]}: no such file; turning to the mirror {source.mirror}", file=sys.stderr)
            _fetch_mirror(source, advice)
        return [mirror_archive(source)]
    other = "take the others away" if mirror else f"set sources.{name}.mirror to true"
    way_out = f", or {other} to use the public mirror" if source.mirror else ""
    raise UserError(f"{absent[0]}: no such file; {advice}{way_out}")


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


def take_inventory(source: Source, archives: list[Path], files: list[RawFile], folder: Path | None = None) -> dict:
    """Look for the files of a manifest in archives, by their bytes, and write them to ``folder`` where given.

    Returns a file's path -> the sha256 found: the manifest's, under whatever name, or that of a member that bears the
    owner's name of the file, but not its bytes.
    """
    found: dict[str, str] = {}
    for archive in archives:
        for member, data in read_members(archive, _how_to_mend(source, archive)):
            digest = hashlib.sha256(data).hexdigest()
            for file in files:
                if file.sha256 == digest:
                    found[file.path] = digest
                    if folder:
                        (folder / file.path).parent.mkdir(exist_ok=True)
                        (folder / file.path).write_bytes(data)
                elif (file.archive, file.member) == (archive.name, member):
                    found.setdefault(file.path, digest)
    return found


def judge(source: Source, where: Path, files: list[RawFile], found: dict[str, str], fix: str) -> tuple[str, str]:
    """Say what became of the manifest's files that should be in ``where``: an owner's archive, the mirror's, a folder.

    Returns ``"whole"``, ``"usable"`` (optional files are absent) or ``"faulty"``, and a line: how many ``found``, as
    ``take_inventory`` gives them, what is wrong, how it is known, and what to do, which is ``fix`` mostly.
    """
    files = [file for file in files if file.archive == where.name] or files
    wrong = [file for file in files if found.get(file.path) != file.sha256]
    altered = [file for file in wrong if file.path in found]
    lacking = [file for file in wrong if file.path not in found and not file.optional]
    line = f"{where}: {len(files) - len(wrong)} of {len(files)} files match the manifest"
    if not wrong:
        return "whole", line
    if not altered and not lacking:
        folders = ", ".join(sorted({file.path.split("/")[0] for file in wrong}))
        return "usable", f"{line}; the pipeline runs without the others, of {folders}"
    known = "" if altered or where.is_dir() else source.explain([file.path for file in lacking])
    first, *others = altered or lacking
    what = f"differs (sha256 expected {first.sha256}, found {found[first.path]})" if altered else "is missing"
    member, more = first.path if where.is_dir() else first.member, f", and {len(others)} more" if others else ""
    return "faulty", f"{line}; {known or f'{member} {what}{more}; {fix}'}"


def _how_to_mend(source: Source, archive: Path) -> str:
    mirror = archive == mirror_archive(source)
    return "remove it and run this again: it comes from the mirror" if mirror else f"fetch it again from {source.page}"


def read_members(archive: Path, fix: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file in a zip or a tar; members that end in ``.gz`` come unpacked.

    Nothing is ever written where a member's name points. UserError, with the ``fix``, if the archive is cut short or
    damaged; or if it holds links, devices, or names that are absolute or climb out by ``..``: no honest one does.
    """
    try:
        for name, plain, data in _entries(archive):
            path = PureWindowsPath(name)  # splits at / and at \\, and knows drives
            if not plain or path.anchor or ".." in path.parts:
                kind = "points outside its folder" if plain else "is a link or a device"
                raise UserError(f"{archive}: member '{name}' {kind}; refused; fetch the archive from its owner")
            if data is not None:
                yield name, gzip.decompress(data) if name.endswith(".gz") else data
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error, RuntimeError) as error:
        raise UserError(f"{archive}: damaged or cut short ({error}); {fix}") from error


def _entries(archive: Path) -> Iterator[tuple[str, bool, bytes | None]]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                plain = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
                yield info.orig_filename, plain, None if info.is_dir() else packed.read(info)
    else:
        with tarfile.open(archive, "r|*") as packed:  # one pass, no going back
            for info in packed:
                data = packed.extractfile(info).read() if info.isreg() else None
                yield info.name, info.isreg() or info.isdir(), data


def check(name: str, archives: Path, raw: Path) -> tuple[list[str], bool]:
    """Look at a data set's archives in a folder and at its files in ``data/raw/<name>``, changing nothing.

    Returns lines for people, and whether all is well: nothing is damaged or altered, and the data set is in ``raw``,
    or the archives to make it from are there. UserError if the data set is unknown.
    """
    source, files, states, lines = find_source(name), read_manifest(name), [], []
    paths = [archives / archive for archive in source.archives]
    if mirror_archive(source).exists() and not any(path.exists() for path in paths):
        paths = [mirror_archive(source)]
    for path in paths:
        state, line = "absent", f"{path}: not there; fetch it from {source.page}"
        if path.exists():
            try:
                found = take_inventory(source, [path], files)
                state, line = judge(source, path, files, found, _how_to_mend(source, path))
            except UserError as error:
                state, line = "faulty", str(error)
        states.append(state)
        lines.append(line)
    if source.mirror and set(states) == {"absent"}:
        lines.append(f"without archives, the download takes the public mirror {source.mirror}, if it may")
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
    return judge(source, raw, files, found, f"remove {raw} and {make}")


def record(source: Source, archives: Path, manifest: Path) -> None:
    """Write the manifest of a data set that is added: what its archives hold now is asked for ever after."""
    files = []
    for archive in source.archives:
        for member, data in read_members(archives / archive, _how_to_mend(source, archives / archive)):
            if (path := source.place(member)) is not None:
                columns, rows = Image.open(io.BytesIO(data)).size
                files.append(RawFile(path, hashlib.sha256(data).hexdigest(), rows, columns, archive, member))
    with whole_file(manifest) as part:
        pd.DataFrame(sorted(files, key=lambda file: file.path)).to_csv(part, index=False)

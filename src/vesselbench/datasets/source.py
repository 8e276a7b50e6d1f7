"""What a data set consists of: the record that each data set's module defines as ``SOURCE``, and its known files.

A data set is one module of this package, whose docstring is its data sheet, and one ``manifests/<name>.csv``; one that
is drawn is a package, whose module ``source`` holds both.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import pandas as pd

from vesselbench import datasets
from vesselbench.config import Parameters, UserError
from vesselbench.data.sample import Sample
from vesselbench.files import read_table

FIELDS = {"images": "image", "labels": "truth"}  # the other folders are called as the fields of Sample
MANIFESTS = Path(__file__).with_name("manifests")
MACHINERY = ("fetch", "source")  # modules of this package that are no data sets


class SourceParameters(Parameters):
    """``sources.<name>`` of params.yaml: where the field of view comes from, and what the labels tell apart."""

    fov: Literal["official", "estimated"]
    task: str = "vessel"


class ArchiveParameters(SourceParameters):
    """Parameters of a published data set: whether its files may come from a public mirror."""

    mirror: bool = True


@dataclass(frozen=True)
class Source:
    """One data set: what it is called, where its files come from and what they are."""

    title: str
    page: str = ""  # the owner's, where a person fetches the archives, and what to know about it
    archives: tuple[str, ...] = ()  # the owner's names of them; empty for a data set that is drawn
    mirror: str = ""  # address of a public .tar.gz that holds the same files under any names; "" if there is none
    place: Callable[[str], str | None] = lambda member: None  # its path in data/raw/<name>; None if it is not used
    describe: Callable[[str], tuple[str, str]] = lambda identifier: (identifier, "")  # Sample's group and subset
    explain: Callable[[Collection[str]], str] = lambda missing: ""  # what is known about these paths' absence, or ""
    parameters: type[SourceParameters] = ArchiveParameters  # of sources.<name> in params.yaml
    draw: Callable[..., list[Sample]] | None = None  # from parameters and an empty folder to the samples written there


def place_by_pattern(pattern: str, folders: Mapping[str, str]) -> Callable[[str], str | None]:
    """Make a ``Source.place``: what a pattern of named groups matches becomes ``<folders[kind]>/<id><ending>``."""

    def place(member: str) -> str | None:
        match = re.fullmatch(pattern, member)
        return f"{folders[match['kind']]}/{match['id']}{match['ending']}" if match else None

    return place


@dataclass(frozen=True)
class RawFile:
    """One line of a manifest: a file of ``data/raw/<name>``, an image of ``rows`` x ``columns`` pixels."""

    path: str  # in data/raw/<name>, such as images/21.tif
    sha256: str  # of the file's bytes, unpacked where the owner packs single files with gzip
    rows: int
    columns: int
    archive: str  # where the owner publishes it
    member: str

    @property
    def optional(self) -> bool:
        """Whether the data set is usable without: photographs and labels are needed, the rest is not."""
        return not self.path.startswith((*FIELDS, "artery_vein"))


def source_names() -> list[str]:
    """Return the names of all data sets, sorted, without importing them."""
    return [module.name for module in pkgutil.iter_modules(datasets.__path__) if module.name not in MACHINERY]


def find_source(name: str) -> Source:
    """Import one data set's module, no other's, and return its record; UserError, with all names, if there is none."""
    if name not in source_names():
        raise UserError(f"data set '{name}' is unknown; choose one of: {', '.join(source_names())}")
    package = Path(__file__).with_name(name).is_dir()
    return importlib.import_module(f"{datasets.__name__}.{name}" + ".source" * package).SOURCE


def read_manifest(name: str) -> list[RawFile]:
    """Return the known files of a published data set, in order of path; none for a drawn one."""
    table = MANIFESTS / f"{name}.csv"
    columns = [*RawFile.__annotations__]
    rows = read_table(table, columns, "restore it: git checkout -- src")[columns] if table.is_file() else pd.DataFrame()
    return [RawFile(*row) for row in rows.itertuples(index=False, name=None)]


def list_samples(source: Source, paths: Sequence[str], folder: Path) -> list[Sample]:
    """Gather the files that are there into samples: ``images/21.tif`` of ``folder`` belongs to sample 21."""
    fields: dict[str, dict[str, Path]] = {}
    for path in map(PurePosixPath, paths):
        fields.setdefault(path.stem, {})[FIELDS.get(path.parts[0], path.parts[0])] = folder / path
    return [Sample(name, *source.describe(name), **fields[name]) for name in sorted(fields)]

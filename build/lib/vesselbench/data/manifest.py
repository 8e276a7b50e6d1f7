"""What a data set consists of: the record that each ``sources/<dataset>/source.py`` defines, and its known files."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath

import pandas as pd

from vesselbench.config import UserError
from vesselbench.data import sources
from vesselbench.data.sample import Sample

FOLDERS = {"images": "image", "labels": "truth"}  # the other folders are called as the fields of Sample


@dataclass(frozen=True)
class FromArchives:
    """Parameters of a published data set: whether its files may come from a public mirror."""

    mirror: bool = True


@dataclass(frozen=True)
class Source:
    """One data set.

    Attributes
    ----------
    title
        Its usual name.
    parameters
        The dataclass of ``datasets.<dataset>.source`` in params.yaml.
    page
        The owner's page, where a person fetches the archives, and what to know about it.
    archives
        The owner's names of the archives, without folder. Empty for a data set that is drawn.
    mirror
        Address of a public ``.tar.gz`` that holds the same files under any names, or ``""``.
    place
        From a member of an owner's archive to its path in ``data/raw/<dataset>``, or None if it is not used.
    describe
        From an id to the ``group`` and the ``subset`` of :class:`~vesselbench.data.sample.Sample`.
    explain
        From the paths that an archive lacks to a sentence on a known gap, or ``""`` where there is none to
        tell.
    draw
        For a data set that is drawn: from its parameters and an empty folder to the samples written there.
    """

    title: str
    parameters: type = FromArchives
    page: str = ""
    archives: tuple[str, ...] = ()
    mirror: str = ""
    place: Callable[[str], str | None] = lambda member: None
    describe: Callable[[str], tuple[str, str]] = lambda identifier: (identifier, "")
    explain: Callable[[Collection[str]], str] = lambda missing: ""
    draw: Callable[..., list[Sample]] | None = None


@dataclass(frozen=True)
class RawFile:
    """One line of ``sources/<dataset>/manifest.csv``: a file of ``data/raw/<dataset>``, whatever it came from.

    Attributes
    ----------
    path
        Within ``data/raw/<dataset>``: ``images/21.tif``.
    sha256
        Of the file's bytes; where the owner packs single files with gzip, of the unpacked bytes.
    rows, columns
        Size of the image.
    archive, member
        Where the owner publishes it.
    """

    path: str
    sha256: str
    rows: int
    columns: int
    archive: str
    member: str

    @property
    def optional(self) -> bool:
        """Whether the data set is usable without: photographs and the truth are needed, the rest is not."""
        return not self.path.startswith(tuple(FOLDERS))


def dataset_names() -> list[str]:
    """Return the names of all data sets, sorted, without importing them."""
    return sorted(module.name for module in pkgutil.iter_modules(sources.__path__))


def find_source(dataset: str) -> Source:
    """Import ``sources/<dataset>/source.py``, and no other data set's, and return its record.

    Raises
    ------
    UserError
        There is no such data set; the message lists the names.
    """
    names = dataset_names()
    if dataset not in names:
        raise UserError(f"data set '{dataset}' is unknown; choose one of: {', '.join(names)}")
    return importlib.import_module(f"{sources.__name__}.{dataset}.source").SOURCE


def read_manifest(dataset: str) -> list[RawFile]:
    """Return the known files of a published data set, in order of path; none for a drawn one."""
    table = resources.files(sources.__name__) / dataset / "manifest.csv"
    if not table.is_file():
        return []
    with table.open() as stream:
        return [RawFile(*row) for row in pd.read_csv(stream).itertuples(index=False, name=None)]


def list_samples(source: Source, paths: Sequence[str], folder: Path) -> list[Sample]:
    """Gather files into samples.

    Parameters
    ----------
    source
        The data set.
    paths
        Paths of the files that are there, relative to ``folder``: ``images/21.tif`` belongs to sample 21.
    folder
        What the samples' paths start with.
    """
    fields: dict[str, dict[str, Path]] = {}
    for path in map(PurePosixPath, paths):
        fields.setdefault(path.stem, {})[FOLDERS.get(path.parts[0], path.parts[0])] = folder / path
    return [Sample(name, *source.describe(name), **fields[name]) for name in sorted(fields)]

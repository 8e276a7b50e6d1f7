"""The record of one photograph, and the CSV that lists a data set's records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd

from vesselbench.config import UserError
from vesselbench.files import whole_file


@dataclass(frozen=True)
class Sample:
    """One photograph and what belongs to it.

    Attributes
    ----------
    id
        Unique within the data set, letters and digits: ``"21"``, ``"01L"``, ``"im0001"``.
    group
        Photographs that must stay on one side of a split: the patient where known, else the id.
    subset
        The owner's own split: ``"train"``, ``"test"``, or ``""`` where the owner publishes none.
    image, truth
        The RGB photograph and the first observer's label map, of one size.
    second_observer, fov, artery_vein
        The second observer's label map, the owner's field-of-view mask, artery/vein classes; None where absent.
    """

    id: str
    group: str
    subset: str
    image: Path
    truth: Path
    second_observer: Path | None = None
    fov: Path | None = None
    artery_vein: Path | None = None


COLUMNS = [field.name for field in fields(Sample)]


def write_samples(samples: Iterable[Sample], folder: Path) -> None:
    """Write ``samples.csv`` into the data set's folder, in order of id, paths relative to the folder."""
    rows = [
        [
            "" if value is None else value.relative_to(folder).as_posix() if isinstance(value, Path) else value
            for value in astuple(s)
        ]
        for s in sorted(samples, key=lambda sample: sample.id)
    ]
    with whole_file(folder / "samples.csv") as path:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)


def read_samples(folder: Path) -> list[Sample]:
    """Read the samples of ``data/raw/<dataset>``, in order of id.

    Raises
    ------
    UserError
        The folder holds no ``samples.csv``: the data set has not been downloaded.
    """
    path = folder / "samples.csv"
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro download@{folder.name}' first")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [
        Sample(*row[:3], *(folder / value if value else None for value in row[3:]))
        for row in table[COLUMNS].itertuples(index=False, name=None)
    ]

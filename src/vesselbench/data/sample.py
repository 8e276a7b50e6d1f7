"""The record of one photograph, and the CSV that lists a data set's records."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd

from vesselbench.files import read_table, whole_file


@dataclass(frozen=True)
class Sample:
    """One photograph and what belongs to it; None for what its owner does not publish."""

    id: str  # unique within the data set, letters, digits and underscores: "21", "01L", "01_dr"
    group: str  # of photographs that must stay on one side of a split: the patient where known, else the id
    subset: str  # of the owner's own split: "train", "test", or "" where the owner publishes none
    image: Path  # the RGB photograph
    truth: Path | None = None  # the first observer's label map, of the image's size, as all that follow
    second_observer: Path | None = None  # the second observer's label map
    fov: Path | None = None  # the owner's field-of-view mask
    artery_vein: Path | None = None  # classes of arteries and veins


COLUMNS = [field.name for field in fields(Sample)]


def write_samples(samples: Iterable[Sample], folder: Path) -> None:
    """Write ``samples.csv`` into the data set's folder, in order of id, paths relative to the folder."""
    table = pd.DataFrame([astuple(sample) for sample in samples], columns=COLUMNS).sort_values("id")
    table = table.map(lambda value: value.relative_to(folder).as_posix() if isinstance(value, Path) else value)
    with whole_file(folder / "samples.csv") as path:
        table.to_csv(path, index=False)


def read_samples(folder: Path) -> list[Sample]:
    """Read the samples of ``data/raw/<dataset>``, in order of id; UserError where it has not been downloaded."""
    path = folder / "samples.csv"
    fix = f"run 'dvc repro download@{folder.name}' first"
    table = read_table(path, COLUMNS, fix, dtype=str, keep_default_na=False)
    return [
        Sample(*row[:3], *(folder / value if value else None for value in row[3:]))
        for row in table[COLUMNS].itertuples(index=False, name=None)
    ]

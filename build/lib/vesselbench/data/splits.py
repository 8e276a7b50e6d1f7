"""Which photographs train and which test: drawn by rule, written to a CSV, afterwards only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vesselbench.config import UserError
from vesselbench.data.sample import Sample
from vesselbench.files import whole_file

SCHEMES = ("official", "first_n", "kfold", "leave_one_out")
SUBSETS = ("train", "test")


@dataclass(frozen=True)
class SplitScheme:
    """A rule that divides a data set; fields that the rule does not use are ignored.

    Attributes
    ----------
    scheme
        ``official``: the owner's own; ``first_n``: the first ``train`` samples in order of id train, the rest
        tests; ``kfold``: the groups, in order of name, are cut into ``k`` runs of nearly equal length and run
        ``fold`` tests; ``leave_one_out``: group number ``fold`` alone tests.
    train
        Number of training samples of ``first_n``.
    k, fold
        Number of folds, and the one that tests, counted from 0.
    """

    scheme: str
    train: int = 0
    k: int = 0
    fold: int = 0

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ValueError(f"scheme is {self.scheme!r}; it must be one of {', '.join(SCHEMES)}")
        if self.scheme == "first_n" and self.train < 1:
            raise ValueError(f"train is {self.train}; first_n needs at least 1 training sample")
        if self.scheme == "kfold" and self.k < 2:
            raise ValueError(f"k is {self.k}; kfold needs at least 2 folds")
        if self.fold < 0 or (self.scheme == "kfold" and self.fold >= self.k):
            last = f"k - 1 = {self.k - 1}" if self.scheme == "kfold" else "the number of groups - 1"
            raise ValueError(f"fold is {self.fold}; it counts from 0 to {last}")


def split_samples(samples: Sequence[Sample], scheme: SplitScheme) -> dict[str, str]:
    """Assign every sample to a subset.

    Photographs of one group (the two eyes of one child) always stay on one side.

    Returns
    -------
    dict
        id -> ``"train"`` or ``"test"``, in order of id.

    Raises
    ------
    UserError
        The owner publishes no split, the numbers do not fit the data set, or ``first_n`` cuts a group.
    """
    samples = sorted(samples, key=lambda sample: sample.id)
    groups = sorted({sample.group for sample in samples})
    if scheme.scheme == "official":
        unassigned = [sample.id for sample in samples if sample.subset not in SUBSETS]
        if unassigned:
            raise UserError(
                f"split: sample {unassigned[0]} is in no official subset; use first_n, kfold or leave_one_out"
            )
        return {sample.id: sample.subset for sample in samples}
    if scheme.scheme == "first_n":
        return _split_first(samples, scheme.train)
    kfold = scheme.scheme == "kfold"
    if len(groups) < (scheme.k if kfold else max(2, scheme.fold + 1)):
        wanted = f"k {scheme.k}" if kfold else f"fold {scheme.fold}"
        raise UserError(f"split: {scheme.scheme} with {wanted}, but there are only {len(groups)} groups; use less")
    runs = np.array_split(groups, scheme.k if kfold else len(groups))
    tested = set(runs[scheme.fold])
    return {sample.id: "test" if sample.group in tested else "train" for sample in samples}


def _split_first(samples: Sequence[Sample], count: int) -> dict[str, str]:
    if count >= len(samples):
        raise UserError(
            f"split: first_n with train {count} leaves no test sample of {len(samples)}; use a smaller number"
        )
    if samples[count - 1].group == samples[count].group:
        raise UserError(
            f"split: first_n with train {count} puts group {samples[count].group} on both sides "
            f"({samples[count - 1].id} | {samples[count].id}); choose a number that ends a group"
        )
    return {sample.id: "train" if place < count else "test" for place, sample in enumerate(samples)}


def write_split(path: Path, assignment: Mapping[str, str]) -> None:
    """Write the columns id, subset, in order of id."""
    with whole_file(path) as part:
        pd.DataFrame(sorted(assignment.items()), columns=["id", "subset"]).to_csv(part, index=False)


def read_split(path: Path, samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Read a split and hand out the data set's samples by subset.

    Returns
    -------
    dict
        ``{"train": [...], "test": [...]}``, each in order of id.

    Raises
    ------
    UserError
        The file is missing or malformed, lists an id twice, names an unknown id or subset, leaves an id out,
        or has an empty subset: the file is meant to be read by people, so it may have been edited by one.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro split@{path.stem}' first")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(table.columns) != ["id", "subset"]:
        found = ", ".join(table.columns)
        raise UserError(f"{path}: columns {found}; they must be id, subset; write it anew with the split stage")
    known = {sample.id: sample for sample in samples}
    subset_of: dict[str, str] = {}
    for name, subset in table.itertuples(index=False):
        if subset not in SUBSETS:
            raise UserError(f"{path}: {name} is in subset {subset!r}; it must be train or test")
        if name in subset_of:
            both = "both train and test" if subset_of[name] != subset else f"{subset} twice"
            raise UserError(f"{path}: {name} is in {both}; list every id once")
        if name not in known:
            raise UserError(f"{path}: {name} is no sample of the data set; write the split anew with the split stage")
        subset_of[name] = subset
    missing = sorted(known.keys() - subset_of.keys())
    if missing:
        raise UserError(f"{path}: {missing[0]} is in no subset; list every id of the data set, or write the split anew")
    parts = {subset: [known[name] for name in sorted(subset_of) if subset_of[name] == subset] for subset in SUBSETS}
    empty = [subset for subset in SUBSETS if not parts[subset]]
    if empty:
        raise UserError(f"{path}: no sample in {empty[0]}; both subsets need at least one")
    return parts

"""Which photographs train and which test: drawn by rule, written to a CSV, afterwards only read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from vesselbench.config import Parameters, UserError
from vesselbench.data.sample import Sample
from vesselbench.files import read_table, whole_file

SUBSETS = ("train", "test")
UNUSED = "unused"  # written for what a scheme excludes; belongs to neither


class SplitScheme(Parameters):
    """An entry of ``splits`` in params.yaml: a rule that divides a data set; it has no keys but those of its rule.

    ``official``: the owner's own; ``first_n``: the first ``train`` samples in order of id train, the rest test;
    ``kfold``: the groups, in order of name, are cut into ``k`` runs of nearly equal length, and run ``fold`` (counted
    from 0) tests. With ``k`` the number of groups that is to leave one out.
    """

    data: str
    scheme: Literal["official", "first_n", "kfold"]
    exclude: tuple[str, ...] = ()  # ids that neither train nor test, such as one whose label is known to be wrong
    train: int | None = Field(None, ge=1)
    k: int | None = Field(None, ge=2)
    fold: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        needed = {"official": set(), "first_n": {"train"}, "kfold": {"k", "fold"}}[self.scheme]
        given = {name for name in ("train", "k", "fold") if getattr(self, name) is not None}
        if given != needed:
            takes, found = ", ".join(sorted(needed)) or "no numbers", ", ".join(sorted(given)) or "none"
            raise ValueError(f"{self.scheme} takes {takes}, not {found}")
        if self.scheme == "kfold" and self.fold >= self.k:
            raise ValueError(f"fold is {self.fold}; it counts from 0 to k - 1 = {self.k - 1}")
        return self


def split_samples(samples: Sequence[Sample], scheme: SplitScheme) -> dict[str, str]:
    """Assign every sample to a subset: id -> ``"train"``, ``"test"`` or ``"unused"``, in order of id.

    What is excluded is left out before the rule is applied to the rest. Photographs of one group (the two eyes of one
    child) always stay on one side. UserError where an id to exclude is unknown, the owner publishes no split, the
    numbers do not fit the data set, or ``first_n`` cuts a group.
    """
    unknown = sorted({*scheme.exclude} - {sample.id for sample in samples})
    if unknown:
        raise UserError(f"split: exclude has {', '.join(unknown)}, no sample of {scheme.data}; correct or remove it")
    kept = [sample for sample in sorted(samples, key=lambda sample: sample.id) if sample.id not in scheme.exclude]
    return dict(sorted((dict.fromkeys(scheme.exclude, UNUSED) | _split_kept(kept, scheme)).items()))


def _split_kept(samples: Sequence[Sample], scheme: SplitScheme) -> dict[str, str]:
    groups = sorted({sample.group for sample in samples})
    if scheme.scheme == "official":
        unassigned = [sample.id for sample in samples if sample.subset not in SUBSETS]
        if unassigned:
            raise UserError(f"split: sample {unassigned[0]} is in no official subset; use scheme first_n or kfold")
        return {sample.id: sample.subset for sample in samples}
    if scheme.scheme == "first_n":
        return _split_first(samples, scheme.train)
    if len(groups) < scheme.k:
        raise UserError(f"split: kfold with k {scheme.k}, but there are only {len(groups)} groups; use a smaller k")
    tested = set(np.array_split(groups, scheme.k)[scheme.fold])
    return {sample.id: "test" if sample.group in tested else "train" for sample in samples}


def _split_first(samples: Sequence[Sample], count: int) -> dict[str, str]:
    total = len(samples)
    if count >= total:
        raise UserError(f"split: first_n with train {count} leaves no test sample of {total}; use a smaller number")
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
    """Read a split and hand out the data set's samples by subset, ``train`` and ``test``, each in order of id.

    Those that are ``unused`` are in neither. UserError where the file is missing or malformed, lists an id twice, names
    an unknown id or subset, leaves an id out, or has an empty subset: the file is meant to be read by people, so it may
    have been edited by one.
    """
    columns, fix = ["id", "subset"], f"run 'dvc repro split@{path.stem}' first"
    table = read_table(path, columns, fix, dtype=str, keep_default_na=False)[columns]
    known = {sample.id: sample for sample in samples}
    subset_of: dict[str, str] = {}
    for name, subset in table.itertuples(index=False):
        if subset not in (*SUBSETS, UNUSED):
            raise UserError(f"{path}: {name} is in subset {subset!r}; it must be train, test or unused")
        if name in subset_of:
            both = f"both {subset_of[name]} and {subset}" if subset_of[name] != subset else f"{subset} twice"
            raise UserError(f"{path}: {name} is in {both}; list every id once")
        if name not in known:
            raise UserError(f"{path}: {name} is no sample of the data set; write the split anew with the split stage")
        subset_of[name] = subset
    missing = sorted(known.keys() - subset_of.keys())
    if missing:
        raise UserError(f"{path}: {missing[0]} is in no subset; list every id of the data set, or write the split anew")
    parts = {subset: [known[name] for name in sorted(subset_of) if subset_of[name] == subset] for subset in SUBSETS}
    for subset in SUBSETS:
        if not parts[subset]:
            raise UserError(f"{path}: no sample in {subset}; both subsets need at least one")
    return parts

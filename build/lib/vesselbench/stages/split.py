"""Stage ``split``: which images of a data set train and which test, as a CSV that Git tracks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from vesselbench.config import build, read_params
from vesselbench.data.sample import read_samples
from vesselbench.data.splits import SplitScheme, split_samples, write_split
from vesselbench.stages.entry import start


def main(dataset: str) -> None:
    (mapping,) = read_params(f"datasets.{dataset}.split")
    scheme = build(SplitScheme, mapping, f"datasets.{dataset}.split")
    assignment = split_samples(read_samples(Path("data/raw", dataset)), scheme)
    write_split(Path("data/splits", f"{dataset}.csv"), assignment)
    counts = Counter(assignment.values())
    print(f"{dataset}: {counts['train']} images train, {counts['test']} test ({scheme.scheme})")


if __name__ == "__main__":
    start(main)

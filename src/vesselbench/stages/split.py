"""Stage ``split``: which images of a data set train and which test, as a CSV that Git tracks."""

from collections import Counter
from pathlib import Path

from vesselbench.config import parse, read_params
from vesselbench.data.sample import read_samples
from vesselbench.data.splits import UNUSED, SplitScheme, split_samples, write_split
from vesselbench.stages.entry import start


def main(split: str) -> None:
    (mapping,) = read_params(f"splits.{split}")
    scheme = parse(SplitScheme, mapping, f"splits.{split}")
    assignment = split_samples(read_samples(Path("data/raw", scheme.data)), scheme)
    write_split(Path("data/splits", scheme.data, f"{split}.csv"), assignment)
    counts = Counter(assignment.values())
    unused = f", {counts[UNUSED]} unused" if counts[UNUSED] else ""
    print(f"{split}: {counts['train']} images train, {counts['test']} test{unused} ({scheme.scheme})")


if __name__ == "__main__":
    start(main)

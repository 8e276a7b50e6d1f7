"""Stage ``download``: a data set, verified file by file, under one layout."""

from __future__ import annotations

from pathlib import Path

from vesselbench.config import read_params
from vesselbench.data.download import obtain
from vesselbench.data.sample import read_samples
from vesselbench.stages.entry import start


def main(dataset: str) -> None:
    (source,) = read_params(f"datasets.{dataset}.source")
    target = Path("data/raw", dataset)
    obtain(dataset, source, target)
    print(f"{dataset}: {len(read_samples(target))} images in {target}")


if __name__ == "__main__":
    start(main)

"""Stage ``download``: a data set, verified file by file, under one layout."""

from pathlib import Path

from vesselbench.config import read_params
from vesselbench.data.sample import read_samples
from vesselbench.datasets.fetch import obtain
from vesselbench.stages.entry import start


def main(data: str) -> None:
    (parameters,) = read_params(f"sources.{data}")
    target = Path("data/raw", data)
    obtain(data, parameters, target)
    print(f"{data}: {len(read_samples(target))} images in {target}")


if __name__ == "__main__":
    start(main)

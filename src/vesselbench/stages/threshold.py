"""Stage ``threshold``: a threshold chosen on a model's maps of its training images; test maps are no input."""

from __future__ import annotations

from pathlib import Path

from vesselbench.config import UserError
from vesselbench.data.levels import read_levels
from vesselbench.files import whole_file
from vesselbench.metrics.curves import histogram
from vesselbench.metrics.threshold import choose_threshold
from vesselbench.stages.entry import start
from vesselbench.stages.scored import scored_images


def main(dataset: str, model: str, seed: str, mode: str, root: str) -> None:
    maps = Path(root, "training_maps", dataset, model, seed, mode)
    training = {
        sample.id: histogram(truth, read_levels(maps / f"{sample.id}.png", truth.shape), fov)
        for sample, truth, fov in scored_images(dataset, "train")
    }
    try:
        chosen = choose_threshold(training)
    except ValueError as error:
        raise UserError(f"{maps}: {error}") from error
    with whole_file(Path(root, "thresholds", dataset, model, seed, f"{mode}.json")) as path:
        chosen.write(path)


if __name__ == "__main__":
    start(main)

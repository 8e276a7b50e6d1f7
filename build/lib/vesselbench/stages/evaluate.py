"""Stage ``evaluate``: scores and curves of one model's maps of the test images."""

from __future__ import annotations

from pathlib import Path

from vesselbench.config import build, read_params
from vesselbench.data.images import read_image, read_label, read_levels, read_mask
from vesselbench.data.sample import read_samples
from vesselbench.data.splits import read_split
from vesselbench.files import whole_folder
from vesselbench.metrics.record import Evaluation, score_image
from vesselbench.metrics.scores import write_scores
from vesselbench.stages.entry import start


def main(dataset: str, model: str, seed: str, mode: str) -> None:
    (mapping,) = read_params("evaluate")
    evaluation = build(Evaluation, mapping, "evaluate")
    samples = read_split(Path("data/splits", f"{dataset}.csv"), read_samples(Path("data/raw", dataset)))["test"]
    maps = Path("data/predictions", dataset, model, seed, mode, "test")
    records = []
    for sample in samples:
        truth = read_label(sample.truth, read_image(sample.image).shape[:2])
        levels = read_levels(maps / f"{sample.id}.png", truth.shape)
        fov = read_mask(Path("data/fov", dataset, f"{sample.id}.png"), truth.shape)
        records.append(score_image(sample.id, truth, levels, fov, evaluation.connectivity_tolerance))
    with whole_folder(Path("data/scores", dataset, model, seed, mode)) as folder:
        write_scores(folder, records, evaluation)


if __name__ == "__main__":
    start(main)

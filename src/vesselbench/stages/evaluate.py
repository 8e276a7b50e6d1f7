"""Stage ``evaluate``: one model's maps of the test images under every protocol: scores, intervals, curves."""

from __future__ import annotations

from pathlib import Path

from vesselbench.config import UserError, build, read_params
from vesselbench.data.levels import read_levels
from vesselbench.files import whole_folder
from vesselbench.metrics.consistency import check_record
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.levels import SIXTEEN_BIT
from vesselbench.metrics.record import score_image
from vesselbench.metrics.threshold import ChosenThreshold
from vesselbench.stages.entry import start
from vesselbench.stages.scored import scored_images


def main(dataset: str, model: str, seed: str, mode: str, root: str) -> None:
    (mapping,) = read_params("evaluate")
    evaluation = build(Evaluation, mapping, "evaluate")
    maps = Path(root, "predictions", dataset, model, seed, mode, "test")
    path = Path(root, "thresholds", dataset, model, seed, f"{mode}.json")
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro threshold@{dataset}-{model}-{seed}-{mode}' first")
    chosen = ChosenThreshold.read(path)
    thresholds = {"fixed": int(SIXTEEN_BIT.level(evaluation.threshold)), "training": chosen.level}
    records = []
    for sample, truth, fov in scored_images(dataset, "test"):
        levels = read_levels(maps / f"{sample.id}.png", truth.shape)
        records.append(score_image(sample.id, truth, levels, fov, thresholds))
        check_record(records[-1], truth, fov)
    with whole_folder(Path(root, "scores", dataset, model, seed, mode)) as folder:
        evaluate(records, thresholds, evaluation, chosen).write(folder)


if __name__ == "__main__":
    start(main)
